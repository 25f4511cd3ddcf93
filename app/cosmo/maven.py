"""A Maven repository over HTTPS: its address, and one file of it with bounded retries."""

from __future__ import annotations

import os
import ssl
import threading
from http.client import HTTPException
from typing import Final
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from cosmo.errors import ArtifactError

MAVEN_CENTRAL: Final = "https://repo1.maven.org/maven2"
REPOSITORY_VARIABLE: Final = "COSMO_MAVEN_REPOSITORY"
"""Environment variable that names another repository, such as a mirror: https://... or http://..."""

ATTEMPTS: Final = 4
FIRST_RETRY_AFTER_S: Final = 0.5
"""Doubled before every further attempt."""
SILENCE_S: Final = 20.0
"""A server that sends nothing for so long is given up."""
CHUNK_BYTES: Final = 1 << 18
CA_BUNDLES: Final = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
"""The system's CAs on Debian and Red Hat: a Python that was built elsewhere may not look there."""


class Interrupted(Exception):
    """The file is not wanted any more."""


def repository() -> str:
    """Return the address of the repository without a slash at its end; ArtifactError if it is none."""
    address = os.environ.get(REPOSITORY_VARIABLE) or MAVEN_CENTRAL
    if urlsplit(address).scheme not in ("https", "http"):
        raise ArtifactError(
            f"{REPOSITORY_VARIABLE}: expected an https or http address, got {address!r}; mend it"
        )
    return address.rstrip("/")


def read(url: str, limit_bytes: int, enough: threading.Event) -> bytes:
    """Return a file's content, trying again where that can help.

    Parameters
    ----------
    url : its address, of a `repository`.
    limit_bytes : a longer file is read up to one chunk past this, which is enough to see that it is another.
    enough : when set, `Interrupted` is raised soon.

    Raises
    ------
    ArtifactError : the server is away, refuses, or ends every answer early.
    """
    pause_s = FIRST_RETRY_AFTER_S
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _read_once(url, limit_bytes, enough)
        except HTTPError as error:
            error.close()
            cause: Exception = error
            reason = f"HTTP status {error.code}"
            can_pass = error.code == 429 or error.code >= 500
        except (HTTPException, OSError) as error:
            cause = error
            root = getattr(error, "reason", error)  # urllib hides the socket's error in its own
            reason = str(root) or type(root).__name__
            can_pass = not isinstance(root, ssl.SSLCertVerificationError)
        if not can_pass or attempt == ATTEMPTS:
            tries = "one try" if attempt == 1 else f"{attempt} tries"
            raise ArtifactError(
                f"expected {url}, got after {tries}: {reason}; connect this machine to the network, "
                f"or name a mirror in {REPOSITORY_VARIABLE}"
            ) from cause
        if enough.wait(pause_s):
            raise Interrupted
        pause_s *= 2
    raise AssertionError("the last attempt returns or raises")


def _read_once(url: str, limit_bytes: int, enough: threading.Event) -> bytes:
    body = bytearray()
    request = Request(url, headers={"User-Agent": "cosmo"})  # noqa: S310 - `repository` checked the scheme
    with urlopen(request, timeout=SILENCE_S, context=_tls()) as response:  # noqa: S310
        while len(body) <= limit_bytes and (chunk := response.read(CHUNK_BYTES)):
            if enough.is_set():
                raise Interrupted
            body += chunk
        # A read with a size returns less, without an error, when the connection breaks.
        promised = response.headers.get("Content-Length")
    if promised is not None and len(body) < min(int(promised), limit_bytes):
        raise ConnectionError(f"the connection ended after {len(body)} of {promised} bytes")
    return bytes(body)


def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    found = ssl.get_default_verify_paths()
    if found.cafile is None and found.capath is None:
        for bundle in filter(os.path.exists, CA_BUNDLES):
            context.load_verify_locations(bundle)
    return context
