"""A recording, wherever it lies: CSV rows, plain or gzip, as blocks."""

from __future__ import annotations

import gzip
import logging
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache
from typing import Final, Protocol

import numpy as np

from cosmo.errors import NotOurs, SourceError
from cosmo.hits import COLUMNS, HEADER, MALFORMED, Lines, read
from cosmo.sources.blocks import Block, whole_lines

log = logging.getLogger(__name__)

SUFFIXES: Final = (".txt", ".csv", ".gz")
GZIP_MAGIC: Final = b"\x1f\x8b"
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
CUT_OFF: Final = (EOFError, zlib.error, gzip.BadGzipFile)
"""What reading a gzip stream raises that ends early or is damaged."""
_NAMES: Final = [name.encode() for name in COLUMNS]
_SORTED_NAMES: Final = sorted(_NAMES)
_AROUND_NAMES: Final = b" \t\r\n\"'#"
_NO_NUMBERS: Final = [MALFORMED[reason] for reason in ("fields", "empty", "number", "long")]

OnDamage = Callable[[str, str], None]
"""Is told the name of a recording that cannot be unpacked to its end, and why."""


class Stream(Protocol):
    """Bytes, after any decompression."""

    def read1(self, size: int, /) -> bytes:
        """Return up to so many bytes, none at the end."""


def require_rows(name: str, text: bytes) -> None:
    """Refuse what is not ours: text with lines, none of which has six numbers or is our header.

    So is text whose header has our names in another order.

    Parameters
    ----------
    name : what it is the beginning of.
    text : some first bytes; the line that they cut is not looked at, unless it is the only one.

    Raises
    ------
    NotOurs : it is to be refused.
    """
    lines = read(text[: text.rfind(b"\n") + 1] or text)
    n_lines = int((lines.fate <= HEADER).sum())
    if not _is_ours(name, lines) and n_lines:
        raise _not_ours(name, n_lines)


def has_rows(name: str, blocks: Iterable[Block]) -> bool:
    """Return whether a recording has rows; it is read until a line of six numbers, or a row after our header.

    Raises
    ------
    NotOurs : it has lines, and none of them is such; or a header before them has our names in another order.
    """
    n_rows, is_ours = 0, False
    for block in blocks:
        lines = read(block.text)
        n_rows += int((lines.fate < HEADER).sum())
        is_ours = is_ours or _is_ours(name, lines)
        if n_rows and is_ours:
            return True
    if n_rows:
        raise _not_ours(name, n_rows)
    return False


def _is_ours(name: str, lines: Lines) -> bool:
    """Whether one line is our header, or six plain numbers, in range or not.

    Five commas alone say nothing: they are in any file of some size that is packed or binary.

    Raises
    ------
    NotOurs : a line before it has the names of our columns, in another order.
    """
    ours = (lines.fate <= HEADER) & ~np.isin(lines.fate, _NO_NUMBERS)
    is_ours = bool(ours.any())
    _require_order(name, lines, int(np.argmax(ours)) if is_ours else len(lines))
    return is_ours


def _require_order(name: str, lines: Lines, n_before: int) -> None:
    """Refuse names of columns in another order than ours, in any case, among the lines before the rows."""
    for line in np.flatnonzero(lines.fate[:n_before] == MALFORMED["number"]).tolist():
        text = lines.text[lines.ends[line - 1] if line else 0 : lines.ends[line]]
        names = [field.strip(_AROUND_NAMES).upper() for field in text.split(b",")]
        if sorted(names) == _SORTED_NAMES and names != _NAMES:
            raise NotOurs(
                f"{name}: expected the columns {','.join(COLUMNS)}, got {b','.join(names).decode()}; "
                "put them into this order, or leave it out"
            )


def _not_ours(name: str, n_lines: int) -> NotOurs:
    return NotOurs(
        f"{name}: expected rows of {len(COLUMNS)} numbers ({','.join(COLUMNS)}), "
        f"got none in {n_lines:,} line{'' if n_lines == 1 else 's'}; leave it out or name another"
    )


@cache  # a recording is played again and again
def tell_of_damage(name: str, damage: str) -> None:
    """Warn once of a recording of which only a part can be unpacked."""
    log.warning("%s is cut off or damaged (%s); the rows up to there are used", name, damage)


@cache
def tell_of_foreign(error: str) -> None:
    """Warn once of an object that is not ours, for the sentence that refuses it."""
    log.warning("passing over an object: %s", error)


def recording_blocks(
    name: str,
    stream: Stream,
    start: int,
    offset: int,
    on_damage: OnDamage = tell_of_damage,
) -> Iterator[Block]:
    """Yield the blocks of a recording from an offset on; of a damaged one, those up to the damage.

    A byte order mark at its beginning is in no block.

    Parameters
    ----------
    name : of the file or object.
    stream : its bytes, from `start` on.
    start, offset : where the stream begins, and where the blocks are to begin, in bytes. A start before the
        offset lets the line before be seen.
    on_damage : called at most once.

    Raises
    ------
    SourceError : the offset is not just after a line or at the end: the stream stands in another recording.
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
                on_damage(name, str(error))
                is_cut_off = True
                break
            pieces.append(piece)
            size -= len(piece)
            if not (piece and is_packed):
                break
        return b"".join(pieces)

    remaining, last = offset - start, b""
    while remaining and (skipped := read_bytes(min(remaining, 1 << 20))):
        remaining, last = remaining - len(skipped), skipped[-1:]
    if remaining:
        raise _replaced(name, offset)
    for block in whole_lines(name, read_bytes, offset):
        if last not in (b"", b"\n"):  # at the end it may: a last line has no newline
            raise _replaced(name, offset)
        if block.start == 0 and block.text.startswith(_BYTE_ORDER_MARK):
            n_bytes = len(_BYTE_ORDER_MARK)
            block = replace(block, start=n_bytes, text=block.text[n_bytes:])
        yield block


def _replaced(name: str, offset: int) -> SourceError:
    return SourceError(
        f"{name}: expected the recording in which the stream stands at byte {offset}, "
        "it has been replaced or rewritten since; put it back, or begin a new run"
    )
