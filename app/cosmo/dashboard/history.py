"""How the results went over time, in a bounded number of points. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cosmo.detector import N_CHAMBERS
from cosmo.results import Result
from cosmo.statistics import Summary

MAX_POINTS: Final = 400
FIRST_WIDTH_S: Final = 0.5
BREAK_S: Final = 15.0
"""A line is broken where nothing came for longer than this: three heartbeats."""

Columns = dict[str, NDArray[np.float64]]
"""Columns of one length by name."""


def published_s(result: Result) -> float:
    """Return when a result was published, as Unix time in s."""
    return datetime.fromisoformat(result.published).timestamp()


@dataclass(frozen=True)
class Point:
    """Results published close to each other, taken together."""

    received_s: float  #: Unix time of receipt of the first, in s
    published_s: float  #: Unix time of publication of the last, in s; not after its receipt
    interval_s: float  #: time these results stand for
    live_s: float
    rows: int
    hits: tuple[int, ...]  #: of each chamber
    batch_ms: float  #: the longest
    latency_first_ms: float  #: age of the earliest row when published: the largest; NaN without rows
    latency_last_ms: float  #: age of the latest row: the smallest
    backlog_slices: float  #: the largest; NaN where it is not known

    @classmethod
    def of(cls, result: Result, summary: Summary, received_s: float) -> Point:
        """Take the point of one result."""
        timings = result.timings
        first, last = timings.latency_first_ms, timings.latency_last_ms
        return cls(
            received_s,
            min(published_s(result), received_s),  # of a clock that is ahead nothing could be forgotten
            timings.interval_ms / 1000,
            summary.live_s,
            summary.rows,
            tuple(int(n) for n in summary.hits),
            timings.batch_ms,
            np.nan if first is None else first,
            np.nan if last is None else last,
            np.nan if timings.backlog_slices is None else timings.backlog_slices,
        )

    def __add__(self, later: Point) -> Point:
        return Point(
            self.received_s,
            max(self.published_s, later.published_s),
            self.interval_s + later.interval_s,
            self.live_s + later.live_s,
            self.rows + later.rows,
            tuple(a + b for a, b in zip(self.hits, later.hits, strict=True)),
            max(self.batch_ms, later.batch_ms),
            float(np.fmax(self.latency_first_ms, later.latency_first_ms)),
            float(np.fmin(self.latency_last_ms, later.latency_last_ms)),
            float(np.fmax(self.backlog_slices, later.backlog_slices)),
        )


class History:
    """Points of the last `span_s`: fine while they are few, coarser (by halves) as they grow many."""

    def __init__(self, span_s: float, max_points: int = MAX_POINTS) -> None:
        self._span_s = span_s
        self._max_points = max_points
        self._width_s = FIRST_WIDTH_S
        self._points: list[Point] = []

    @property
    def points(self) -> tuple[Point, ...]:
        """The points, oldest first."""
        return tuple(self._points)

    def add(self, point: Point) -> None:
        """Add the newest point, and forget those received after it: the clock was set back."""
        while self._points and self._points[-1].received_s > point.received_s:
            del self._points[-1]
        self._points.append(point)
        self._join(len(self._points) - 2)
        oldest_s = point.published_s - self._span_s
        while self._points[0].published_s < oldest_s:
            del self._points[0]
        while len(self._points) > self._max_points:
            self._width_s *= 2
            for place in range(len(self._points) - 2, -1, -1):
                self._join(place)

    def _join(self, place: int) -> None:
        """Join a point with the next one if both fall into the same slot of time."""
        if place >= 0 and self._slot(place) == self._slot(place + 1):
            self._points[place : place + 2] = [self._points[place] + self._points[place + 1]]

    def _slot(self, place: int) -> int:
        return int(self._points[place].published_s // self._width_s)


def rows_per_s(points: tuple[Point, ...], over_s: float) -> float | None:
    """Return the input rate over the newest points that stand for at least `over_s`; None without any."""
    rows, time_s = 0, 0.0
    for point in reversed(points):
        rows += point.rows
        time_s += point.interval_s
        if time_s >= over_s:
            break
    return rows / time_s if time_s else None


def columns(points: tuple[Point, ...]) -> Columns:
    """Return what is drawn against time, as columns of one length.

    A row of NaN stands between points more than `BREAK_S` apart, and where a value makes no sense: a hit rate
    without live time, an input rate without an interval.
    """
    rows: list[tuple[float, ...]] = []
    for before, point in zip((None, *points), points, strict=False):
        if before and point.published_s - point.interval_s - before.published_s > BREAK_S:
            rows.append((1000 * (before.published_s + point.published_s) / 2, *[np.nan] * (N_CHAMBERS + 5)))
        rows.append(
            (
                1000 * point.published_s,
                *(n / point.live_s if point.live_s else np.nan for n in point.hits),
                point.rows / point.interval_s if point.interval_s else np.nan,
                point.batch_ms,
                point.latency_first_ms,
                point.latency_last_ms,
                point.backlog_slices,
            )
        )
    table = np.array(rows, dtype=np.float64).reshape(len(rows), N_CHAMBERS + 6)
    names = ["time_ms", *(f"hits_per_s_{chamber}" for chamber in range(N_CHAMBERS))]
    names += ["rows_per_s", "batch_ms", "latency_first_ms", "latency_last_ms", "backlog_slices"]
    return {name: table[:, i] for i, name in enumerate(names)}
