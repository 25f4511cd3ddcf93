"""The recordings of a bucket as a source: read straight from the store, a bounded way ahead."""

from __future__ import annotations

import gzip
import hashlib
import io
import threading
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

from cosmo.errors import NotOurs, SourceError
from cosmo.settings import BucketSettings
from cosmo.sources.blocks import Block
from cosmo.sources.bucket import Bucket, StoredObject
from cosmo.sources.read_ahead import END_OF_PASS, read_ahead
from cosmo.sources.recording import (
    GZIP_MAGIC,
    SUFFIXES,
    recording_blocks,
    require_rows,
    tell_of_foreign,
)
from cosmo.sources.steady import Outage, SteadyObject, Stopped, steadily, steady_chunks

OPEN_WITHIN_S: Final = 5.0
"""A store that is away for longer at the start is an error to a person: its address may be wrong."""


def impatient() -> Outage:
    """Return what waits for a store no longer than a person would."""
    return Outage(threading.Event().wait, OPEN_WITHIN_S)


def recordings(bucket: Bucket, outage: Outage) -> tuple[StoredObject, ...]:
    """List the recordings of a bucket: objects with a suffix of ours, in the order of their keys.

    Some may be empty.

    Raises
    ------
    SourceError, Stopped : there is none with content, or the store refuses; see `Outage`.
    """
    listed = steadily(bucket.objects, outage, "its list of objects")
    found = tuple(stored for stored in listed if stored.key.endswith(SUFFIXES))
    if not any(stored.size_bytes for stored in found):
        raise SourceError(
            f"bucket {bucket.description}: expected {', '.join(SUFFIXES)} objects with rows, "
            f"got {len(listed)} objects, none of them such; correct bucket.name or bucket.prefix"
        )
    return found


@dataclass(frozen=True)
class BucketSource:
    """The recordings of a bucket, one after the other; an orbit across two objects stays whole.

    Parameters
    ----------
    objects : in the order in which they are streamed.
    preload_bytes : text that is read ahead, into the next objects too.
    to_loop : they will be read again and again, so the first is read ahead while the last one replays.
    """

    bucket: Bucket
    objects: tuple[StoredObject, ...]
    preload_bytes: int
    to_loop: bool = False
    _next_pass: list[Generator[Block, None, None]] = field(
        default_factory=list, init=False, repr=False, compare=False
    )

    @classmethod
    def of(
        cls, settings: BucketSettings, outage: Outage | None = None, *, to_loop: bool = False
    ) -> BucketSource:
        """Open the bucket of the settings and the first of its objects that is ours.

        Parameters
        ----------
        outage : waits for a store that is away; by default for a few seconds.
        to_loop : see above.

        Raises
        ------
        SourceError, Stopped : the bucket cannot be read, or holds no rows of ours; see `Outage`.
        """
        bucket = Bucket(settings)
        outage = outage or impatient()
        objects = tuple(stored for stored in recordings(bucket, outage) if stored.size_bytes)
        source = cls(bucket, objects, settings.preload_mib << 20, to_loop)
        foreign: list[NotOurs] = []
        for stored in source.objects:
            try:
                next(source._blocks(stored, 0, outage), None)
            except NotOurs as error:
                foreign.append(error)
            else:
                return source
        raise foreign[0]

    @property
    def description(self) -> str:
        """The bucket, and which objects it held when it was listed: their names and ETags as a digest."""
        listing = "\n".join(f"{stored.key} {stored.etag}" for stored in self.objects)
        digest = hashlib.sha256(listing.encode()).hexdigest()[:8]
        return f"bucket {self.bucket.description}, {len(self.objects)} objects, listing {digest}"

    @property
    def size_bytes(self) -> int:
        """Size in the store, for progress."""
        return sum(stored.size_bytes for stored in self.objects)

    @property
    def is_plain(self) -> bool:
        """Whether nothing is compressed, so that `size_bytes` is the size of the text too."""
        return not any(stored.key.endswith(".gz") for stored in self.objects)

    def blocks(self, source: str = "", offset: int = 0) -> Iterator[Block]:
        """Yield the blocks from an offset in an object on; see `Source.blocks`.

        A store that goes away is waited for without end: empty blocks come meanwhile. An object that is not
        ours is passed over, and told of once.
        """
        keys = [stored.key for stored in self.objects]
        if source and source not in keys:
            raise SourceError(
                f"expected {source}, where the stream stands, in bucket {self.bucket.description}; not so; "
                "correct bucket.prefix, or begin a new run"
            )
        if not source and self._next_pass:
            ahead = self._next_pass.pop()
        else:
            first = keys.index(source) if source else 0
            ahead = read_ahead(lambda stop: self._read(first, offset, stop), self.preload_bytes)
        with ExitStack() as closing:
            closing.callback(ahead.close)
            for block in ahead:
                if block is END_OF_PASS:
                    closing.pop_all()
                    self._next_pass.append(ahead)
                    return
                yield block

    def close(self) -> None:
        """End what is read ahead of a next pass; see `Source.close`."""
        while self._next_pass:
            self._next_pass.pop().close()

    def _read(self, first: int, offset: int, stop: threading.Event) -> Iterator[Block]:
        """Yield the blocks from an offset in the first object on, of one pass or (to loop) of all."""
        outage, objects, start = Outage(stop.wait), self.objects[first:], offset
        while True:
            for stored in objects:
                try:
                    yield from self._blocks(stored, start, outage)
                except NotOurs as error:
                    if start:  # rows of it were read before
                        raise
                    tell_of_foreign(str(error))
                except Stopped:
                    return
                start = 0
            if not self.to_loop:
                return
            yield END_OF_PASS
            objects = self.objects

    def _blocks(self, stored: StoredObject, offset: int, outage: Outage) -> Iterator[Block]:
        if self._is_packed(stored, outage):
            packed = SteadyObject(self.bucket, stored, 0, outage)
            stream: io.BufferedReader | gzip.GzipFile = gzip.GzipFile(fileobj=io.BufferedReader(packed))
            start = 0
        else:
            start = max(0, offset - 1)
            stream = io.BufferedReader(SteadyObject(self.bucket, stored, start, outage))
        is_first = offset == 0
        for block in recording_blocks(stored.key, stream, start, offset):
            if is_first:
                require_rows(stored.key, block.text)
            is_first = False
            yield block

    def _is_packed(self, stored: StoredObject, outage: Outage) -> bool:
        """Tell by the content, as of a file; it may be asked for in the middle."""
        n_bytes = min(len(GZIP_MAGIC), stored.size_bytes)
        is_packed = b"".join(steady_chunks(self.bucket, stored, 0, n_bytes, outage)) == GZIP_MAGIC
        if stored.key.endswith(".gz") and not is_packed:
            raise NotOurs(f"{stored.key}: expected a gzip object by its name, it is not one; rename it")
        return is_packed
