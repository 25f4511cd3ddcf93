"""An object's bytes without a gap, whatever the connection does."""

from __future__ import annotations

import io
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, TypeVar

from cosmo.errors import StoreAway
from cosmo.sources.bucket import Bucket, StoredObject

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

log = logging.getLogger(__name__)

FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 5.0
FIRST_PART_BYTES: Final = 128 << 10
PART_BYTES: Final = 8 << 20
PART_S: Final = 1.0
"""A part is fetched at once: no connection is left waiting in the middle of an answer while the rows replay.
It is as large as what comes in so long, between the two sizes: over a slow link too, rows come steadily."""


class Stopped(Exception):
    """The bytes are not wanted any more."""


class Outage:
    """Waits for a store that is away, with growing pauses; says it once, and once that it is back.

    Threads share it, so that four downloads that break together are one sentence. Pauses and patience are
    those of each object: one that never comes is given up though the others do.

    Parameters
    ----------
    wait : waits so many seconds, or 0 only to ask, and returns True to stop.
    patience_s : an outage that lasts longer is an error.
    clock : returns a time in s that only grows.
    """

    def __init__(
        self,
        wait: Callable[[float], bool],
        patience_s: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wait = wait
        self._patience_s = patience_s
        self._clock = clock
        self._lock = threading.Lock()
        self._since = 0.0
        self._waits: dict[str, tuple[float, float]] = {}  # since when, and the next pause, by object

    def wait_out(self, error: StoreAway, what: str, place: str = "") -> None:
        """Pause after a failure.

        Parameters
        ----------
        what, place : an object, and where in it to go on afterwards.

        Raises
        ------
        StoreAway : the patience is over; the error given.
        Stopped : the wait was ended, or had been before the failure.
        """
        self._require_wanted()
        with self._lock:
            now = self._clock()
            if not self._waits:
                self._since = now
                log.warning("waiting for the bucket, to go on with %s%s: %s", what, place, error)
            since, pause_s = self._waits.get(what, (now, FIRST_PAUSE_S))
            if now - since > self._patience_s:
                raise error
            self._waits[what] = since, min(2 * pause_s, LONGEST_PAUSE_S)
        if self._wait(pause_s):
            raise Stopped

    def over(self, what: str) -> None:
        """Note that bytes of an object have come.

        Raises
        ------
        Stopped : they are not wanted any more.
        """
        self._require_wanted()
        if what not in self._waits:  # a look without the lock: this is called for every chunk
            return
        with self._lock:
            del self._waits[what]  # only the thread that waited for it is here
            if not self._waits:
                log.info("the bucket answers again, after %.1f s", self._clock() - self._since)

    def _require_wanted(self) -> None:
        if self._wait(0.0):
            raise Stopped


_T = TypeVar("_T")


def steadily(ask: Callable[[], _T], outage: Outage, what: str) -> _T:
    """Return what `ask` returns, asking again while the store is away; see `Outage.wait_out`."""
    while True:
        try:
            answer = ask()
        except StoreAway as error:
            outage.wait_out(error, what)
        else:
            outage.over(what)
            return answer


def steady_chunks(
    bucket: Bucket, stored: StoredObject, start: int, end: int, outage: Outage
) -> Iterator[bytes]:
    """Yield the bytes [start, end) of an object; a broken connection goes on at its byte.

    Raises
    ------
    SourceError, Stopped : see `Bucket.chunks` and `Outage`.
    """
    at = start
    while at < end:
        try:
            for chunk in bucket.chunks(stored, at, end):
                outage.over(stored.key)
                at += len(chunk)
                yield chunk
        except StoreAway as error:
            outage.wait_out(error, stored.key, f" at byte {at}")


class SteadyObject(io.RawIOBase):
    """An object as a stream from a byte on, fetched part by part."""

    def __init__(
        self,
        bucket: Bucket,
        stored: StoredObject,
        start: int,
        outage: Outage,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bucket = bucket
        self._stored = stored
        self._at = start
        self._outage = outage
        self._clock = clock
        self._part = memoryview(b"")
        self._part_bytes = FIRST_PART_BYTES

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill a buffer as far as the part reaches; see `io.RawIOBase`."""
        if not self._part and self._at < self._stored.size_bytes:
            self._fetch_part()
        with memoryview(buffer) as wanted:
            n_bytes = min(len(wanted), len(self._part))
            wanted[:n_bytes] = self._part[:n_bytes]
        self._part = self._part[n_bytes:]
        return n_bytes

    def _fetch_part(self) -> None:
        began = self._clock()
        end = min(self._at + self._part_bytes, self._stored.size_bytes)
        chunks = steady_chunks(self._bucket, self._stored, self._at, end, self._outage)
        self._part = memoryview(b"".join(chunks))
        per_s = (end - self._at) / max(self._clock() - began, 1e-3)
        self._part_bytes = int(min(max(PART_S * per_s, FIRST_PART_BYTES), PART_BYTES))
        self._at = end
