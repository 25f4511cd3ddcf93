"""The rows that a timeslicer has read and not yet cut, in read order. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cosmo.hits import HEADER, Lines, line_bytes

RIDES, OPEN, HELD, TAKEN = range(4)
"""Status of a row: goes with the next slice, whatever its orbit; a hit of an orbit that is not cut yet; a hit
too far away to be believed yet; in a slice."""


@dataclass
class PendingRows:
    """Rows that are in no slice yet, in read order; arrays grow by doubling, the first `n` elements count."""

    n: int = 0
    text: list[bytes | memoryview] = field(default_factory=list)
    status: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(1024, np.uint8))
    orbit: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1024, np.int64))  # unwrapped
    size: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1024, np.int64))
    is_row: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(1024, np.bool_))
    release: NDArray[np.float64] = field(default_factory=lambda: np.zeros(1024, np.float64))

    def extend(self, lines: Lines, first: int, last: int, release: float) -> slice:
        """Add lines first..last and return where they are."""
        start, n = self.n, self.n + last - first
        while n > len(self.status):
            self._grow()
        before = int(lines.ends[first - 1]) if first else 0
        self.text.append(memoryview(lines.text)[before : lines.ends[last - 1]])
        new = slice(start, n)
        self.status[new] = RIDES
        self.size[new] = np.diff(lines.ends[first:last], prepend=before)
        self.is_row[new] = lines.fate[first:last] < HEADER
        self.release[new] = release
        self.n = n
        return new

    def append(self, lines: Lines, row: int, release: float) -> None:
        """Add one line."""
        if self.n == len(self.status):
            self._grow()
        before, end = int(lines.ends[row - 1]) if row else 0, int(lines.ends[row])
        self.text.append(lines.text[before:end])
        self.status[self.n] = RIDES
        self.size[self.n] = end - before
        self.is_row[self.n] = lines.fate[row] < HEADER
        self.release[self.n] = release
        self.n += 1

    def _grow(self) -> None:
        for name in ("status", "orbit", "size", "is_row", "release"):
            old = getattr(self, name)
            setattr(self, name, np.concatenate((old, np.zeros_like(old))))

    def chosen_text(self, chosen: NDArray[np.bool_]) -> bytes:
        """Return the text of chosen rows, shape (n,), in read order."""
        whole = b"".join(self.text)
        self.text = [whole]
        return line_bytes(whole, np.cumsum(self.size[: self.n]), chosen)

    def drop(self, gone: NDArray[np.bool_]) -> None:
        """Remove rows."""
        keep = ~gone
        self.text = [self.chosen_text(keep)]
        n = int(keep.sum())
        for name in ("status", "orbit", "size", "is_row", "release"):
            array = getattr(self, name)
            array[:n] = array[: self.n][keep]
        self.n = n
