"""Which slices have been seen, by partition. Pure; adds up (by union).

The producer numbers the slices of a run from 0 and sends number n to partition n mod partitions, so along
partition p the numbers are p, p + partitions, ... A gap below the highest number of a partition is a loss.
Partitions are compared only with themselves: one may be read further than another at any moment.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

Interval = tuple[int, int]
"""First and last turn, both included. The turn of a slice is its number // partitions: 0, 1, 2 ..."""


@dataclass(frozen=True)
class SliceNumbers:
    """Turns seen, as disjoint ascending intervals, for each partition."""

    partitions: int = 0  #: of the topic; 0 where nothing has been seen
    seen: dict[int, tuple[Interval, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, partitions: int, partition: int, numbers: Iterable[int]) -> SliceNumbers:
        """Take the numbers of slices seen on one partition."""
        turns = [(number // partitions, number // partitions) for number in numbers]
        return cls(partitions, {partition: _union(turns)} if turns else {})

    def __add__(self, other: SliceNumbers) -> SliceNumbers:
        if self.partitions and other.partitions and self.partitions != other.partitions:
            raise ValueError(
                f"expected slices of a topic with {self.partitions} partitions, got {other.partitions}; "
                "a topic's partitions do not change in a run"
            )
        seen = {
            partition: _union([*self.seen.get(partition, ()), *other.seen.get(partition, ())])
            for partition in sorted(self.seen.keys() | other.seen.keys())
        }
        return SliceNumbers(self.partitions or other.partitions, seen)

    @property
    def count(self) -> int:
        """Slices seen."""
        return sum(last - first + 1 for intervals in self.seen.values() for first, last in intervals)

    @property
    def highest(self) -> dict[int, int]:
        """Highest slice number seen on each partition."""
        return {
            partition: intervals[-1][1] * self.partitions + partition
            for partition, intervals in self.seen.items()
            if intervals
        }

    @property
    def missing(self) -> int:
        """How many slices are missing below the highest of their partition."""
        return sum(intervals[-1][1] + 1 for intervals in self.seen.values() if intervals) - self.count

    def missing_numbers(self, limit: int = 1000) -> list[int]:
        """Return the numbers of missing slices, ascending, at most `limit` for each partition."""
        numbers: list[int] = []
        for partition, intervals in self.seen.items():
            turn = 0
            found: list[int] = []
            for first, last in intervals:
                found += range(turn, min(first, turn + limit - len(found)))
                turn = last + 1
            numbers += (missing * self.partitions + partition for missing in found)
        return sorted(numbers)


def _union(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    joined: list[Interval] = []
    for first, last in sorted(intervals):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return tuple(joined)
