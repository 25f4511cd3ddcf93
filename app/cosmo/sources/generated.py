"""Generated rows, as a source without end."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Final

from cosmo.errors import SourceError
from cosmo.generator import Chunk, Recording
from cosmo.sources.blocks import Block

PAUSE_STEP_S: Final = 0.001
LONGEST_PAUSE_S: Final = 0.05
"""Chunks without rows, as faults may leave for ever, are passed over with pauses that grow by a step each: in
the end as slowly as a beam lasts, so that no core is busy with nothing."""

_PLACE: Final = re.compile(r"[0-9]+(\.[0-9]+)?")


@dataclass(frozen=True)
class GeneratedSource:
    """Chunks of generated rows, or their parts; equal recordings give equal rows.

    A chunk is named by its index, a part after the first by that and its number: 12, 12.1, 12.2.

    Parameters
    ----------
    sleep : waits so many seconds.
    """

    recording: Recording
    sleep: Callable[[float], None] = time.sleep

    @property
    def description(self) -> str:
        """Kind, seed and faults."""
        faults = "".join(f", {fault}" for fault in self.recording.faults)
        return f"generated {self.recording.kind}, seed {self.recording.seed}{faults}"

    def blocks(self, source: str = "", offset: int = 0) -> Iterator[Block]:
        """Yield the blocks from an offset in a chunk on; see `Source.blocks`.

        A chunk without rows is an empty block.
        """
        if source and not _PLACE.fullmatch(source):
            raise SourceError(f"expected the index of a generated chunk, got {source!r}; begin a new run")
        index, _, part = source.partition(".")
        n_empty = 0
        for name, chunk in self._named(int(index or 0), int(part or 0)):
            if name != source:  # also where that part is not there, since the faults are others now
                offset = 0
            if offset and chunk.rows:  # after an update these may be other rows: then from their next line on
                offset = chunk.rows.index(b"\n", min(offset, len(chunk.rows)) - 1) + 1
            rows = chunk.rows[offset:]
            n_empty = 0 if rows else n_empty + 1
            self.sleep(min(n_empty * PAUSE_STEP_S, LONGEST_PAUSE_S))
            yield Block(name, offset, offset + len(rows), rows)

    def close(self) -> None:
        """Do nothing: nothing is read ahead."""

    def _named(self, index: int, part: int) -> Iterator[tuple[str, Chunk]]:
        for number in count(index):
            for place, chunk in enumerate(self.recording.parts(number, part), part):
                yield f"{number}.{place}" if place else str(number), chunk
            part = 0
