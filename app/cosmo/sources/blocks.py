"""Blocks of whole lines, with their place in the source."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cosmo.hits import Lines, read
from cosmo.line_limit import MAX_LINE_BYTES
from cosmo.orbit_shift import shifted

BLOCK_BYTES = 2 << 20
_KEPT = MAX_LINE_BYTES + 1
"""Of a line that is too long, so that it is still too long."""


@dataclass(frozen=True)
class Block:
    """Whole lines of one object of a source."""

    source: str  #: name of the object: a file, a chunk of generated rows
    start: int  #: offset of the text in the object, in bytes after any decompression
    end: int  #: offset just after it
    text: bytes


@dataclass(frozen=True)
class RowBlock:
    """A block, read."""

    source: str
    lines: Lines
    offsets: NDArray[np.int64]  #: offset in the object just after each line, shape (lines,)


class Source(Protocol):
    """Rows from somewhere, in an order that is always the same."""

    @property
    def description(self) -> str:
        """What it is, in words; two sources with the same description give the same rows."""

    def blocks(self, source: str = "", offset: int = 0) -> Iterator[Block]:
        """Yield the blocks from an offset in an object on (from the beginning, where none is named).

        A source that waits for something yields an empty block now and then, to give its caller the turn.

        Raises
        ------
        SourceError : the object is not in the source, or cannot be read.
        """

    def close(self) -> None:
        """End what is read ahead of a next pass, which will not be asked for."""


def read_block(block: Block, orbit_shift: int = 0) -> RowBlock:
    """Read a block: cut lines that are too long, and add to the orbit counter of every hit."""
    lines = read(block.text)
    sizes = np.diff(lines.ends, prepend=0)
    offsets = lines.ends + block.start
    if len(offsets):
        offsets[-1] = block.end  # the text may have got a newline, or have lost the rest of its line
    if len(sizes) and int(sizes.max()) > _KEPT + 1:
        short = [line[:_KEPT] for line in lines.text.split(b"\n")]
        lines = read(b"\n".join(short))
    return RowBlock(block.source, shifted(lines, orbit_shift) if orbit_shift else lines, offsets)


def whole_lines(source: str, read_bytes: Callable[[int], bytes], offset: int) -> Iterator[Block]:
    """Yield blocks of whole lines of one object.

    A line without end is kept only as far as it takes to know that it is too long.

    Parameters
    ----------
    source : name of the object.
    read_bytes : returns up to so many of the next bytes, none at the end.
    offset : where in the object these begin.
    """
    rest, dropped = b"", 0  # the line being read, and how much of its end has been dropped
    while chunk := read_bytes(BLOCK_BYTES):
        text = rest + chunk
        if dropped:
            line, newline, text = chunk.partition(b"\n")
            dropped += len(line)
            if not newline:
                continue
            end = offset + len(rest) + dropped + 1
            yield Block(source, offset, end, rest + b"\n")
            offset, dropped = end, 0
        cut = text.rfind(b"\n") + 1
        if cut:
            yield Block(source, offset, offset + cut, text[:cut])
            offset += cut
        rest = text[cut:]
        if len(rest) > _KEPT:
            dropped, rest = len(rest) - _KEPT, rest[:_KEPT]
    if rest:
        yield Block(source, offset, offset + len(rest) + dropped, rest + b"\n")
