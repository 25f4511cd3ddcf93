"""What a store says, as errors of ours: which file, setting or person mends it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cosmo.errors import SourceError, StoreAway

_KEYS_REFUSED: Final = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken")
_CAN_PASS: Final = ("SlowDown", "RequestTimeout", "Throttling", "ThrottlingException", "TooManyRequests")
_NOT_IMPLEMENTED: Final = 501
_AGAIN: Final = "begin a new run, or the download again"
_CHANGED: Final = ("PreconditionFailed", "InvalidRange", "412", "416")


@dataclass(frozen=True)
class Refusals:
    """Makes the errors of one bucket."""

    bucket: str
    address: str
    credentials_file: Path

    def refused(self, code: str, status: int, key: str) -> SourceError:
        """Return the error for an S3 error code and HTTP status, over an object or ('') the bucket."""
        can_pass = status >= 500 and status != _NOT_IMPLEMENTED
        if can_pass or status in (408, 429) or code in _CAN_PASS:
            return self.away(f"status {status}" if code == str(status) else f"status {status} ({code})")
        if code in _KEYS_REFUSED:
            return SourceError(
                f"{self.credentials_file}: expected keys that {self.address} accepts, got: {code}; "
                f"write the right access and secret key there"
            )
        if code == "NoSuchBucket":
            return SourceError(
                f"bucket.name: expected a bucket {self.bucket} at {self.address}, it has none; "
                f"correct bucket.name"
            )
        if code in _CHANGED:
            return self.changed(key)
        if code in ("NoSuchKey", "404") and key:
            return SourceError(f"{key}: expected this object in bucket {self.bucket}, it is gone; {_AGAIN}")
        if code == "InvalidObjectState":
            return SourceError(
                f"{key}: expected an object that can be read at once, it is archived; "
                "ask the bucket's owner to restore it, or leave it out by names"
            )
        if code == "RequestTimeTooSkewed":
            return SourceError(
                f"expected the time of {self.address}, this machine's clock has another; set it right"
            )
        if status == 403:
            wanted = f"read {key} in" if key else "list"
            return SourceError(
                f"{self.credentials_file}: expected keys that may {wanted} bucket {self.bucket}, "
                f"got: {code}; ask its owner for that right"
            )
        return SourceError(
            f"bucket.endpoint_url: expected {self.address} to serve bucket {self.bucket}, "
            f"got: {code} (status {status}); correct the address or the name"
        )

    def untrusted(self, reason: str) -> SourceError:
        """Return the error for a certificate that is not trusted, for OpenSSL's reason."""
        if "mismatch" in reason or "doesn't match" in reason:
            advice = "write the name that is in the certificate into bucket.endpoint_url"
        elif "expired" in reason or "not yet valid" in reason:
            advice = "ask who runs the store, and see that this machine's clock is right"
        else:
            advice = "set bucket.ca_bundle to the PEM file of the CA that signed it"
        return SourceError(
            f"expected a certificate that this machine trusts at {self.address}, got: {reason}; {advice}"
        )

    def away(self, reason: str) -> StoreAway:
        """Return the error for an answer that did not come, or not to its end."""
        return StoreAway(
            f"bucket.endpoint_url: expected {self.address} to answer, got: {reason}; "
            f"see that the address is right and the network is up"
        )

    def redirected(self, status: int, place: str) -> SourceError:
        """Return the error for an answer that leads to another URL, or ('') does not say to which.

        What of the URL is the store's address stands before the bucket's name.
        """
        address = re.sub(rf"(?<!/)/{re.escape(self.bucket)}(/[^?]*)?(\?.*)?$", "", place)
        if address not in ("", self.address):
            got, advice = f"a redirect to {address}", "write that address there"
        else:
            got, advice = f"a redirect (status {status})", "ask who runs the store for the address"
        return SourceError(
            f"bucket.endpoint_url: expected an S3 store at {self.address}, got {got}; {advice}"
        )

    def foreign(self, got: str) -> SourceError:
        """Return the error for an answer that is not S3's."""
        return SourceError(
            f"bucket.endpoint_url: expected an S3 store at {self.address}, got {got}; correct the address"
        )

    def changed(self, key: str) -> SourceError:
        """Return the error for an object that is not the listed one any more."""
        return SourceError(
            f"{key}: expected the object as it was listed, it has been replaced since; {_AGAIN}"
        )
