"""How many rows are due. Pure: the clock is an argument."""

from __future__ import annotations

import math
from dataclasses import dataclass

MOST_BEHIND_S = 1.0
"""A pause longer than this (the broker was away) is not made up for by a burst."""


@dataclass
class Pace:
    """Releases rows at a rate: over any time after the start, to within a row.

    Parameters
    ----------
    rows_per_s : the rate; math.inf releases everything at once.
    now : the time of the start, in s.
    """

    rows_per_s: float
    now: float

    def __post_init__(self) -> None:
        if not self.rows_per_s > 0:
            raise ValueError(f"expected a rate above 0 rows/s, got {self.rows_per_s}")
        self._start = self.now
        self._released = 0

    def due(self, now: float) -> float:
        """Return the rows due now; infinite at an infinite rate."""
        if math.isinf(self.rows_per_s):
            return math.inf
        behind_s = now - self._start - self._released / self.rows_per_s
        if behind_s > MOST_BEHIND_S:
            self._start, self._released = now - MOST_BEHIND_S, 0
        return math.floor((now - self._start) * self.rows_per_s + 1e-6) - self._released

    def release(self, rows: int) -> None:
        """Note that rows have been released."""
        self._released += rows

    def wait_s(self, now: float, at_least_rows: int = 1) -> float:
        """Return the time until rows are due."""
        if math.isinf(self.rows_per_s):
            return 0.0
        return max(0.0, self._start + (self._released + at_least_rows) / self.rows_per_s - now)
