"""Generated cosmics, as a source without end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from cosmo.errors import SourceError
from cosmo.generator import Cosmics
from cosmo.sources.blocks import Block


@dataclass(frozen=True)
class CosmicsSource:
    """Chunks of generated rows, named by their index; the same seed gives the same rows."""

    seed: int

    @property
    def description(self) -> str:
        """The seed."""
        return f"generated cosmics, seed {self.seed}"

    def blocks(self, source: str = "", offset: int = 0) -> Iterator[Block]:
        """Yield the blocks from an offset in a chunk on; see `Source.blocks`."""
        if source and not source.isdigit():
            raise SourceError(f"expected the index of a generated chunk, got {source!r}; begin a new run")
        cosmics = Cosmics(seed=self.seed)
        for index in count(int(source or 0)):
            rows = cosmics.chunk(index).rows
            if offset < len(rows):
                yield Block(str(index), offset, len(rows), rows[offset:])
            offset = 0
