"""Generated rows, as a source without end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Final

from cosmo.errors import SourceError
from cosmo.generator import Recording
from cosmo.sources.blocks import Block

PAUSE_STEP_S: Final = 0.001
LONGEST_PAUSE_S: Final = 0.05
"""Chunks without rows, as faults may leave for ever, are passed over with pauses that grow by a step each: in
the end as slowly as a beam lasts, so that no core is busy with nothing."""


@dataclass(frozen=True)
class GeneratedSource:
    """Chunks of generated rows, named by their index; equal recordings give equal rows.

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
        if source and not source.isdigit():
            raise SourceError(f"expected the index of a generated chunk, got {source!r}; begin a new run")
        n_empty = 0
        for index in count(int(source or 0)):
            rows = self.recording.chunk(index).rows[offset:]
            n_empty = 0 if rows else n_empty + 1
            self.sleep(min(n_empty * PAUSE_STEP_S, LONGEST_PAUSE_S))
            yield Block(str(index), offset, offset + len(rows), rows)
            offset = 0
