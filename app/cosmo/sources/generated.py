"""Generated rows, as a source without end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from cosmo.errors import SourceError
from cosmo.generator import Recording
from cosmo.sources.blocks import Block


@dataclass(frozen=True)
class GeneratedSource:
    """Chunks of generated rows, named by their index; equal recordings give equal rows."""

    recording: Recording

    @property
    def description(self) -> str:
        """Kind, seed and faults."""
        faults = "".join(f", {fault}" for fault in self.recording.faults)
        return f"generated {self.recording.kind}, seed {self.recording.seed}{faults}"

    def blocks(self, source: str = "", offset: int = 0) -> Iterator[Block]:
        """Yield the blocks from an offset in a chunk on; see `Source.blocks`."""
        if source and not source.isdigit():
            raise SourceError(f"expected the index of a generated chunk, got {source!r}; begin a new run")
        for index in count(int(source or 0)):
            rows = self.recording.chunk(index).rows
            if offset < len(rows):
                yield Block(str(index), offset, len(rows), rows[offset:])
            offset = 0
