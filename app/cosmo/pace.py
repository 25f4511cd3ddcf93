"""How many rows are due: at a rate, as recorded, or all of them. Pure: the clock is an argument."""

from __future__ import annotations

import math
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from cosmo.detector import ORBIT_S
from cosmo.hits import Lines
from cosmo.timeslices import JUMP_ORBITS

Rate = float | Literal["maximum", "recorded"]
"""Rows/s, or as fast as the parts can, or as the orbit clock of the hits has it."""

MOST_BEHIND_S = 1.0
"""A pause longer than this (the broker was away) is not made up for by a burst."""
_DISORDER_HITS = 64
"""So many hits later, rows of an earlier orbit have come. A hit is due with the earliest of those after it:
one hit with a wrong orbit holds up nobody, unless it is the last of a block."""
_STALE_ORBITS = 10 / ORBIT_S
_STALE_SHARE = 8
"""One in so many of the first hits may be of an orbit 10 s or more before the others: none of those waits."""


class Pace(Protocol):
    """Says when the rows of blocks, one block after the other, may go to the timeslicer."""

    def begin_block(self, lines: Lines, row: int = 0) -> None:
        """Take the rows from `row` on for the next ones."""

    def due(self, now: float) -> float:
        """Return how many rows are due now (s), beside those released; math.inf for all there are."""

    def release(self, rows: int) -> None:
        """Note that rows have been released."""

    def wait_s(self, now: float) -> float:
        """Return the time until a row is due."""


def pace_of(rate: Rate, now: float) -> Pace:
    """Return the pace of a rate, beginning now."""
    if rate == "recorded":
        return RecordedPace(now)
    return SteadyPace(math.inf if rate == "maximum" else float(rate), now)


class SteadyPace:
    """Releases rows at a rate: over any time after the start, to within a row.

    Parameters
    ----------
    rows_per_s : the rate; math.inf releases everything at once.
    now : the time of the start, in s.
    """

    def __init__(self, rows_per_s: float, now: float) -> None:
        if not rows_per_s > 0:
            raise ValueError(f"expected a rate above 0 rows/s, got {rows_per_s}")
        self._rows_per_s = rows_per_s
        self._start = now
        self._released = 0

    def begin_block(self, lines: Lines, row: int = 0) -> None:
        """Do nothing: all rows are alike."""

    def due(self, now: float) -> float:
        """Return the rows due now; infinite at an infinite rate."""
        if math.isinf(self._rows_per_s):
            return math.inf
        behind_s = now - self._start - self._released / self._rows_per_s
        if behind_s > MOST_BEHIND_S:
            self._start, self._released = now - MOST_BEHIND_S, 0
        return math.floor((now - self._start) * self._rows_per_s + 1e-6) - self._released

    def release(self, rows: int) -> None:
        """Note that rows have been released."""
        self._released += rows

    def wait_s(self, now: float) -> float:
        """Return the time until a row is due."""
        if math.isinf(self._rows_per_s):
            return 0.0
        return max(0.0, self._start + (self._released + 1) / self._rows_per_s - now)


class RecordedPace:
    """Releases rows as the detector did, by the orbit clock of the hits; others go with the hit before them.

    What the stream's rules take for a clock jump (more than 2^20 orbits from one hit to the next, 93 s) takes
    no time.
    """

    def __init__(self, now: float) -> None:
        self._start = now
        self._orbit: np.uint32 | None = None  # of the newest hit
        self._place = 0  # of that hit in orbits since the first one, without jumps
        self._reached = 0  # place by which all rows so far are due
        self._due_s: NDArray[np.float64] = np.zeros(0)
        self._row = 0

    def begin_block(self, lines: Lines, row: int = 0) -> None:
        """Find when the rows from `row` on are due."""
        self._row = 0
        is_hit = lines.is_hit[row:]
        orbits = lines.orbit[row:][is_hit]
        due = np.full(len(orbits) + 1, self._reached, dtype=np.int64)
        if len(orbits):
            before = orbits[0] if self._orbit is None else self._orbit
            steps = np.diff(orbits, prepend=before).view(np.int32).astype(np.int64)
            steps[np.abs(steps) > JUMP_ORBITS] = 0
            places = self._place + np.cumsum(steps)
            if self._orbit is None:
                places -= _start(places)
            due[1:] = np.maximum.accumulate(np.maximum(_earliest_ahead(places), self._reached))
            self._orbit, self._place, self._reached = orbits[-1], int(places[-1]), int(due[-1])
        self._due_s = due[np.cumsum(is_hit)] * ORBIT_S

    def due(self, now: float) -> float:
        """Return the rows due now."""
        if self._row >= len(self._due_s):
            return 0
        behind_s = now - self._start - float(self._due_s[self._row])
        if behind_s > MOST_BEHIND_S:
            self._start += behind_s - MOST_BEHIND_S
        return int(np.searchsorted(self._due_s, now - self._start, side="right")) - self._row

    def release(self, rows: int) -> None:
        """Note that rows have been released."""
        self._row += rows

    def wait_s(self, now: float) -> float:
        """Return the time until a row is due."""
        if self._row >= len(self._due_s):
            return 0.0
        return max(0.0, self._start + float(self._due_s[self._row]) - now)


def _start(places: NDArray[np.int64]) -> int:
    """Return the place at which time begins: early, but not that of a few stale hits."""
    first = np.sort(places[:_DISORDER_HITS])
    steps = np.diff(first[: len(first) // _STALE_SHARE + 1])
    stale = len(steps) and steps.max() > _STALE_ORBITS
    return int(first[np.argmax(steps) + 1] if stale else first[0])


def _earliest_ahead(places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the minimum of each place and the next _DISORDER_HITS - 1."""
    padded = np.concatenate((places, np.full(_DISORDER_HITS - 1, np.iinfo(np.int64).max)))
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, _DISORDER_HITS).min(axis=1))
