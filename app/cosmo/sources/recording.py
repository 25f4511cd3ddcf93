"""A recording, wherever it lies: CSV rows, plain or gzip, as blocks."""

from __future__ import annotations

import gzip
import logging
import zlib
from collections.abc import Iterator
from typing import Final, Protocol

from cosmo.errors import SourceError
from cosmo.hits import COLUMNS, HEADER, MALFORMED, read
from cosmo.sources.blocks import Block, whole_lines

log = logging.getLogger(__name__)

SUFFIXES: Final = (".txt", ".csv", ".gz")
GZIP_MAGIC: Final = b"\x1f\x8b"
CUT_OFF: Final = (EOFError, zlib.error, gzip.BadGzipFile)
"""What reading a gzip stream raises that ends early or is damaged."""


class Stream(Protocol):
    """Bytes, after any decompression."""

    def read1(self, size: int, /) -> bytes:
        """Return up to so many bytes, none at the end."""


def require_rows(name: str, text: bytes) -> None:
    """Refuse what is not ours: text with lines, none of which has our six columns.

    Parameters
    ----------
    name : what it is the beginning of.
    text : some first bytes; the line that they cut is not looked at, unless it is the only one.
    """
    fates = read(text[: text.rfind(b"\n") + 1] or text).fate
    lines = fates[fates <= HEADER]
    if len(lines) and bool(((lines == MALFORMED["fields"]) | (lines == MALFORMED["long"])).all()):
        raise SourceError(
            f"{name}: expected rows of {len(COLUMNS)} fields ({','.join(COLUMNS)}), "
            f"none of its first {len(lines)} lines has them; name another"
        )


def recording_blocks(name: str, stream: Stream, start: int, offset: int) -> Iterator[Block]:
    """Yield the blocks of a recording from an offset on; of a damaged one, those up to the damage.

    Parameters
    ----------
    name : of the file or object.
    stream : its bytes, from `start` on.
    start, offset : where the stream begins, and where the blocks are to begin, in bytes.
    """
    # A GzipFile unpacks a few KiB at a time; asked for more at once, it would lose what came before a damage.
    is_packed = isinstance(stream, gzip.GzipFile)
    is_cut_off = False

    def read_bytes(size: int) -> bytes:
        nonlocal is_cut_off
        pieces = []
        while size and not is_cut_off:
            try:
                piece = stream.read1(size)
            except CUT_OFF as error:
                log.warning("%s is cut off or damaged (%s); the rows up to there are used", name, error)
                is_cut_off = True
                break
            pieces.append(piece)
            size -= len(piece)
            if not (piece and is_packed):
                break
        return b"".join(pieces)

    remaining = offset - start
    while remaining and (skipped := read_bytes(min(remaining, 1 << 20))):
        remaining -= len(skipped)
    yield from whole_lines(name, read_bytes, offset)
