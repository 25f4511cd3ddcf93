"""From slices and results to the latency of rows. Pure.

The rows of a slice were released between its first and its last release, nearly evenly at any rate; the
result that covers the slice is the first one whose offsets go beyond it. So each slice stands for some rows
at even moments between the two, and each of these has a latency and a weight in rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOMENTS = 16
"""Moments that stand for the rows of a slice."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sent:
    """A slice in the stream."""

    partition: int
    offset: int
    rows: int
    first_release: float  #: Unix time in s
    last_release: float


@dataclass(frozen=True)
class Published:
    """A result, as far as it says which slices it covers, and when."""

    offsets: dict[int, int]  #: the next offset of each partition
    at: float  #: Unix time in s


@dataclass(frozen=True)
class RowLatencies:
    """Latencies of rows by the moment of their release; all arrays have one length."""

    released: Floats  #: Unix time in s
    latency_s: Floats
    rows: Floats  #: weight of each entry

    @classmethod
    def of(cls, sent: Sequence[Sent], published: Sequence[Published]) -> RowLatencies:
        """Join slices and results (in their order). Slices that no result covers yet are left out."""
        at = np.array([result.at for result in published])
        columns: list[tuple[Floats, Floats, Floats]] = []
        for partition in sorted({each.partition for each in sent}):
            slices = [each for each in sent if each.partition == partition and each.rows]
            ends = np.array([result.offsets.get(partition, 0) for result in published], np.int64)
            covering = np.searchsorted(ends, [each.offset for each in slices], side="right")
            for each, index in zip(slices, covering.tolist(), strict=True):
                if index < len(at):
                    released = _moments(each)
                    columns.append((released, at[index] - released, np.full(MOMENTS, each.rows / MOMENTS)))
        joined = [np.concatenate(column) for column in zip(*columns, strict=True)] or [np.zeros(0)] * 3
        return cls(*joined)

    def between(self, start: float, end: float) -> RowLatencies:
        """Return those released in a span of time."""
        inside = (self.released >= start) & (self.released < end)
        return RowLatencies(self.released[inside], self.latency_s[inside], self.rows[inside])

    def percentiles_ms(self, percents: Sequence[float]) -> tuple[float, ...]:
        """Return percentiles over rows, in ms; NaN where there are none."""
        return tuple(1000 * value for value in weighted_percentiles(self.latency_s, self.rows, percents))

    @property
    def growth(self) -> float:
        """By how much the latency grows per time, in s/s: the share of the rows that piles up."""
        if len(self.released) < 2:
            return float("nan")
        return float(np.polyfit(self.released - self.released[0], self.latency_s, 1, w=np.sqrt(self.rows))[0])


def weighted_percentiles(values: Floats, weights: Floats, percents: Sequence[float]) -> tuple[float, ...]:
    """Return the least value at or below which so many percent of the weight lie; NaN where there is none."""
    if not len(values):
        return (float("nan"),) * len(percents)
    order = np.argsort(values)
    below = np.cumsum(weights[order])
    wanted = np.asarray(percents) / 100 * below[-1]
    return tuple(values[order][np.minimum(np.searchsorted(below, wanted), len(values) - 1)].tolist())


def _moments(each: Sent) -> Floats:
    """Return the middles of equal parts of the time between first and last release."""
    return each.first_release + (np.arange(MOMENTS) + 0.5) / MOMENTS * (
        each.last_release - each.first_release
    )


def rows_between(sent: Sequence[Sent], start: float, end: float) -> float:
    """Return the rows released in a span of time, slices at its edges in part."""
    moments = [(_moments(each), each.rows / MOMENTS) for each in sent if each.rows]
    return float(sum(((at >= start) & (at < end)).sum() * weight for at, weight in moments))
