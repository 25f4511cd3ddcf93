"""Moves hits along the orbit axis, so that a source can be played again after itself. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cosmo.detector import ORBIT_MODULUS
from cosmo.hits import COLUMNS, Lines

_BEFORE_ORBIT: Final = COLUMNS.index("ORBIT_CNT")  #: commas before it
_COMMA, _NEWLINE, _ZERO = (np.uint8(ord(character)) for character in ",\n0")
_TEN, _TEN_THOUSAND = np.uint32(10), np.uint32(10_000)
_POWERS_OF_TEN: Final = _TEN ** np.arange(1, 10, dtype=np.uint32)
_WORD: Final = (
    np.array([list(b"%04d" % number) for number in range(10_000)], np.uint8).view(np.uint32).ravel()
)
"""The text of each number below 10,000 as one word of four characters."""


def shifted(lines: Lines, orbits: int) -> Lines:
    """Return the lines with `orbits` added to the orbit counter (mod 2^32) of every hit; others stay.

    Of a hit's line only the orbit's text is put anew.
    """
    hit = np.flatnonzero(lines.is_hit)
    if not len(hit):
        return lines
    moved = lines.orbit[hit] + np.uint32(orbits % ORBIT_MODULUS)
    orbit = lines.orbit.copy()
    orbit[hit] = moved
    old = np.frombuffer(lines.text, dtype=np.uint8)
    start, stop = _orbit_text(old, hit)
    digits = np.searchsorted(_POWERS_OF_TEN, moved, side="right") + 1
    grown = digits - (stop - start)
    if grown.any():
        text, stop = _with_room(old, start, grown), stop + np.cumsum(grown)
        by_line = np.zeros_like(lines.ends)
        by_line[hit] = grown
        ends = lines.ends + np.cumsum(by_line)
    else:
        text, ends = old.copy(), lines.ends
    _write(text, stop, moved, digits)
    return replace(lines, text=text.tobytes(), ends=ends, orbit=orbit)


def _orbit_text(
    text: NDArray[np.uint8], hit: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where the orbits of these lines begin, and where they end."""
    marks = np.flatnonzero((text == _COMMA) | (text == _NEWLINE))
    newlines = np.flatnonzero(text[marks] == _NEWLINE)
    first_comma = np.zeros_like(newlines)
    first_comma[1:] = newlines[:-1] + 1
    after = first_comma[hit] + _BEFORE_ORBIT
    return marks[after - 1] + 1, marks[after]


def _with_room(
    text: NDArray[np.uint8], start: NDArray[np.int64], grown: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """Return the text with so many bytes more, or fewer, from each start on."""
    copies = np.ones(len(text), dtype=np.int64)
    copies[start] += np.maximum(grown, 0)
    for place in range(-int(grown.min())):
        copies[start[-grown > place] + place] = 0
    return np.repeat(text, copies)


def _write(
    text: NDArray[np.uint8],
    stop: NDArray[np.int64],
    numbers: NDArray[np.uint32],
    digits: NDArray[np.int64],
) -> None:
    """Write each number, of so many digits, into the text so that it ends before `stop`."""
    # Four characters, from each byte on.
    word_at: NDArray[np.uint32] = np.ndarray(len(text) - 3, np.uint32, text, strides=(1,))
    fewest, most = int(digits.min()), int(digits.max())
    for place in range(0, fewest - 3, 4):
        rest = numbers // _TEN_THOUSAND
        word_at[stop - (place + 4)] = _WORD[numbers - rest * _TEN_THOUSAND]
        numbers = rest
    for place in range(fewest - fewest % 4, most):
        if place >= fewest:
            longer = digits > place
            stop, numbers, digits = stop[longer], numbers[longer], digits[longer]
        rest = numbers // _TEN
        text[stop - (place + 1)] = (numbers - rest * _TEN).astype(np.uint8) + _ZERO
        numbers = rest
