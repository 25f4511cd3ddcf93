"""The door to an S3-compatible store, and the only file that imports boto3.

What the store or the network says becomes one of two errors here: StoreAway where trying again can help,
SourceError where somebody has to act.
"""

from __future__ import annotations

import logging
import os
import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import boto3
import botocore.session
from botocore.awsrequest import AWSResponse
from botocore.client import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    IncompleteReadError,
    ResponseStreamingError,
)
from botocore.exceptions import (
    ConnectionError as NotConnected,
)
from botocore.model import OperationModel
from urllib3.exceptions import HTTPError

from cosmo.credentials import BUCKET, find
from cosmo.errors import SourceError, StoreAway
from cosmo.maven import CA_BUNDLES
from cosmo.settings import BucketSettings
from cosmo.sources.credentials import Credentials
from cosmo.sources.etags import OF_MD5S
from cosmo.sources.refusals import Refusals

CONNECT_WITHIN_S: Final = 5.0
SILENCE_S: Final = 20.0
"""A store that sends nothing for so long is away."""
CHUNK_BYTES: Final = 1 << 15
"""Read at once, at most: what has come is handed on, however little it is."""
AS_IT_COMES: Final = "COSMO-Stream"
"""The name in an answer for its bytes as urllib3 has them: botocore's own body waits for as many as asked."""
CONNECTIONS: Final = 16
OK: Final = 200
REDIRECTS: Final = range(300, 400)
_BROKEN: Final = (
    NotConnected,
    HTTPClientError,
    IncompleteReadError,
    ResponseStreamingError,
    HTTPError,
    OSError,
)
_UNREADABLE: Final = (ValueError, ArithmeticError)
"""What botocore raises over a date or number that is none, also of a field of no use to us."""
_FAILURES: Final = (BotoCoreError, ClientError, *_BROKEN, *_UNREADABLE)


@dataclass(frozen=True)
class StoredObject:
    """One object as the bucket lists it."""

    key: str
    size_bytes: int
    etag: str  #: without quotes: the MD5 of the content, or of the MD5s of its N parts and '-N'


class Bucket:
    """A bucket, read only. Threads may share it.

    Parameters
    ----------
    settings : where it is, and the files with its credentials and its CA.

    Raises
    ------
    SourceError : one of those files is missing or not usable. The store is not asked yet.
    """

    def __init__(self, settings: BucketSettings) -> None:
        self._settings = settings
        credentials = Credentials.read(find(BUCKET, settings.credentials_file))
        self._refusals = Refusals(settings.name, settings.endpoint_url, credentials.path)
        try:
            self._client = _client(settings, credentials)
        except ValueError as error:  # a host that is no host's name
            raise SourceError(
                f"bucket.endpoint_url: expected the address of an S3 store, got {settings.endpoint_url}; "
                "correct the address"
            ) from error

    def __repr__(self) -> str:
        return f"<Bucket {self.description}>"

    @property
    def description(self) -> str:
        """Its name and address."""
        return f"{self._settings.name} at {self._settings.endpoint_url}"

    def objects(self) -> tuple[StoredObject, ...]:
        """List the objects under the prefix, in the order of their keys.

        Raises
        ------
        StoreAway, SourceError : the store does not answer, or refuses.
        """
        try:
            entries, is_cut_off = self._entries("list_objects_v2")
            if is_cut_off and entries:  # a store that knows the older form only: it gives no token
                more, is_cut_off = self._entries("list_objects", Marker=entries[-1]["Key"])
                entries += more
            # By key: some name an object again on the next page.
            listed = {
                entry["Key"]: StoredObject(entry["Key"], entry["Size"], _etag(entry)) for entry in entries
            }
        except _FAILURES as error:
            raise self._ours(error) from error
        except KeyError as error:
            raise self._refusals.foreign(f"a list of objects without their {error.args[0]}") from error
        if any(stored.size_bytes < 0 for stored in listed.values()):
            raise self._refusals.foreign("a list of objects with a size below 0")
        if is_cut_off:
            raise self._refusals.foreign(f"a list of objects that breaks off after {len(entries):,}")
        return tuple(listed[key] for key in sorted(listed))

    def _entries(self, operation: str, **start: str) -> tuple[list[dict[str, Any]], bool]:
        """Return the entries of all pages, and whether there are more that the last one does not lead to."""
        entries, is_cut_off = [], False
        pages = self._client.get_paginator(operation).paginate(
            Bucket=self._settings.name, Prefix=self._settings.prefix, **start
        )
        for page in pages:
            if not page.keys() & {"Contents", "IsTruncated", "Name"}:
                raise self._refusals.foreign("an answer that is no list of objects")
            entries += page.get("Contents", ())
            is_cut_off = bool(page.get("IsTruncated"))
        return entries, is_cut_off

    def chunks(self, stored: StoredObject, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes [start, end) of an object, over one connection.

        Raises
        ------
        StoreAway : the connection broke; what was yielded until then is good.
        SourceError : the object is gone or is another one by now, or the store refuses.
        """
        answer: dict[str, Any] = {}
        try:
            answer = self._client.get_object(
                Bucket=self._settings.name,
                Key=stored.key,
                Range=f"bytes={start}-{end - 1}",
                IfMatch=f'"{stored.etag}"',
            )
            self._require_range(stored, start, end, answer)
            missing = end - start
            while missing and (chunk := answer[AS_IT_COMES].read1(min(CHUNK_BYTES, missing))):
                missing -= len(chunk)
                yield chunk
        except _FAILURES as error:
            raise self._ours(error, stored.key) from error
        finally:
            if answer:
                answer["Body"].close()
        if missing:
            raise self._refusals.away(f"an answer that ends {missing} bytes early")

    def parts(self, stored: StoredObject) -> tuple[int, ...] | None:
        """Return the sizes of the parts whose MD5s make an object's ETag, in bytes; none where it is no MD5.

        None where the store does not tell: some do not know the question, and answer with the whole.

        Raises
        ------
        StoreAway : the store does not answer.
        """
        made = OF_MD5S.fullmatch(stored.etag)
        if made is None:
            return ()
        n_parts = int(made[1] or 1)
        try:
            first = self._part(stored, 1)
            encryption = str(first.get("ServerSideEncryption", ""))
            if encryption.startswith("aws:kms") or "SSECustomerAlgorithm" in first:
                return ()
            if first.get("PartsCount", 1) != n_parts:
                return None
            later = (self._part(stored, number) for number in range(2, n_parts + 1))
            sizes = tuple(int(part["ContentLength"]) for part in (first, *later))
        except (*_FAILURES, KeyError) as error:
            ours = self._ours(error, stored.key)
            if isinstance(ours, StoreAway):
                raise ours from error
            return None
        return sizes if sum(sizes) == stored.size_bytes else None

    def _part(self, stored: StoredObject, number: int) -> dict[str, Any]:
        answer: dict[str, Any] = self._client.head_object(
            Bucket=self._settings.name, Key=stored.key, PartNumber=number
        )
        return answer

    def _require_range(self, stored: StoredObject, start: int, end: int, answer: dict[str, Any]) -> None:
        """Refuse an answer with other bytes than those asked for."""
        try:
            etag, got = _etag(answer), answer.get("ContentRange") or _whole(answer["ContentLength"])
        except KeyError as error:
            raise self._refusals.foreign(f"an object without its {error.args[0]}") from error
        if etag != stored.etag or got.rpartition("/")[2] != str(stored.size_bytes):
            raise self._refusals.changed(stored.key)
        if got != f"bytes {start}-{end - 1}/{stored.size_bytes}":
            raise self._refusals.foreign(
                f"{got} where bytes {start}-{end - 1} of {stored.key} were asked for"
            )

    def _ours(self, error: Exception, key: str = "") -> SourceError:
        if isinstance(error, ClientError):
            said, about = error.response.get("Error", {}), error.response.get("ResponseMetadata", {})
            code, status = str(said.get("Code", "no code")), int(about.get("HTTPStatusCode", 0))
            if status in REDIRECTS:
                place = about.get("HTTPHeaders", {}).get("location") or said.get("Endpoint", "")
                return self._refusals.redirected(status, place)
            if status == OK:
                return self._refusals.foreign("an answer that is no XML, as of a web site")
            return self._refusals.refused(code, status, key)
        untrusted = re.search(r"certificate verify failed: ([^(]+)|(host.* doesn't match .*)", str(error))
        if untrusted:
            return self._refusals.untrusted((untrusted[1] or untrusted[2]).strip())
        if isinstance(error, _BROKEN):
            return self._refusals.away(_reason(error))
        if isinstance(error, _UNREADABLE):
            what = f"the object {key}" if key else "a list of objects"
            return self._refusals.foreign(f"{what} with a date or number that is none")
        return self._refusals.foreign(f"an answer that is none ({type(error).__name__})")


def _whole(n_bytes: int) -> str:
    """Return the range of an answer without one: it has all bytes."""
    return f"bytes 0-{n_bytes - 1}/{n_bytes}"


def _etag(said: dict[str, Any]) -> str:
    """Return the ETag of an entry or an answer; KeyError if it has none."""
    return str(said["ETag"]).strip('"')


def _reason(error: Exception) -> str:
    """Return what the operating system or TLS said; the text of the libraries is long and varies."""
    said = str(getattr(error, "kwargs", {}).get("error") or error)
    found = re.findall(r"\[Errno -?\d+\] ([A-Za-z][A-Za-z ]*)|\[SSL: ([A-Z_]+)\]", said)
    if found:
        return str(next(filter(None, found[-1])))
    if "timed out" in said.lower() or "timeout" in type(error).__name__.lower():
        return "no answer in time"
    return "a broken connection"


def _client(settings: BucketSettings, credentials: Credentials) -> Any:  # noqa: ANN401 - boto3 makes its classes at run time
    # At DEBUG these write the signed headers, with the access key.
    for library in ("boto3", "botocore", "urllib3"):
        logging.getLogger(library).setLevel(logging.ERROR)
    # The settings are the one source: neither ~/.aws nor the environment has a say.
    known = botocore.session.Session.SESSION_VARIABLES.items()
    nothing = {name: (None, None, default, converted) for name, (_, _, default, converted) in known}
    no_file = dict.fromkeys(("config_file", "credentials_file"), (None, None, os.devnull, None))
    core = botocore.session.Session(session_vars={**nothing, **no_file})
    client = boto3.session.Session(botocore_session=core).client(
        "s3",
        endpoint_url=settings.endpoint_url,
        region_name="us-east-1",  # part of every signature; stores of one's own take any
        verify=_trusted(settings.ca_bundle),
        aws_access_key_id=credentials.access_key,
        aws_secret_access_key=credentials.secret_key,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            connect_timeout=CONNECT_WITHIN_S,
            read_timeout=SILENCE_S,
            retries={"total_max_attempts": 1},  # ours go on at the byte, and say so
            max_pool_connections=CONNECTIONS,
            request_checksum_calculation="when_required",  # Ceph and others know no newer ones
            response_checksum_validation="when_required",
        ),
    )
    client.meta.events.register_first("needs-retry.s3", _take_at_its_word)
    client.meta.events.register("after-call.s3.GetObject", _add_stream)
    return client


def _add_stream(http_response: AWSResponse, parsed: dict[str, Any], **_context: object) -> None:
    parsed[AS_IT_COMES] = http_response.raw


def _take_at_its_word(
    response: tuple[AWSResponse, dict[str, Any]] | None, operation: OperationModel, **_context: object
) -> None:
    """End a request that is redirected, or answered with what is no XML.

    botocore asks a redirected endpoint where its region is, for ever, and calls a page a store in trouble.
    """
    if response is None:
        return
    answer, parsed = response
    is_page = answer.raw.status == OK and parsed.get("Error", {}).get("Code") == "500"
    if is_page and b"<ListBucketResult" in answer.content and b"</ListBucketResult>" not in answer.content:
        return  # a list that broke off: the store can be asked again
    if is_page:
        parsed["ResponseMetadata"]["HTTPStatusCode"] = OK
    if is_page or answer.status_code in REDIRECTS:
        raise ClientError(parsed, operation.name)


def _trusted(ca_bundle: Path | None) -> str | bool:
    """Return the file of the CAs: the one named, else the system's, else (True) botocore's own."""
    if ca_bundle is None:
        system = ssl.get_default_verify_paths().cafile
        return next((path for path in (system, *CA_BUNDLES) if path and Path(path).is_file()), True)
    try:
        ssl.create_default_context(cafile=ca_bundle)
    except OSError as error:
        reason = "no certificate in it" if isinstance(error, ssl.SSLError) else error.strerror
        raise SourceError(
            f"bucket.ca_bundle: expected a PEM file of CA certificates at {ca_bundle}, got: {reason}; "
            f"correct the path"
        ) from error
    return str(ca_bundle)
