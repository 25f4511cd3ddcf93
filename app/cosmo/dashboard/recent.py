"""The sum of what was received in the last seconds, in bounded memory. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cosmo.statistics import Summary

BUCKETS_PER_SPAN: Final = 30
"""A span is kept in so many parts, so what is shown is up to 1/30 longer than what was asked for."""
MAX_BUCKETS: Final = 64
"""Sealing makes more parts; beyond this two neighbours of the older half are joined, the shortest ones."""


@dataclass(frozen=True)
class Bucket:
    """Results received one after the other."""

    first_s: float  #: Unix time of receipt of the first, in s
    last_s: float
    summary: Summary


class Recent:
    """What was received within `span_s` before the newest."""

    def __init__(self, span_s: float) -> None:
        self._span_s = span_s
        self._buckets: deque[Bucket] = deque()
        self._sealed = False

    @property
    def buckets(self) -> tuple[Bucket, ...]:
        """The parts, oldest first."""
        return tuple(self._buckets)

    def add(self, received_s: float, summary: Summary) -> None:
        """Add what was received now; forget what is too old, or lies after now: the clock was set back."""
        while self._buckets and self._buckets[-1].first_s > received_s:
            self._buckets.pop()
        newest = self._buckets[-1] if self._buckets else None
        if newest and not self._sealed and received_s - newest.first_s < self._span_s / BUCKETS_PER_SPAN:
            self._buckets[-1] = Bucket(newest.first_s, received_s, newest.summary + summary)
        else:
            self._buckets.append(Bucket(received_s, received_s, summary))
        self._sealed = False
        while self._buckets[0].last_s < received_s - self._span_s:
            self._buckets.popleft()
        if len(self._buckets) > MAX_BUCKETS:
            self._join_shortest()

    def _join_shortest(self) -> None:
        parts = self._buckets
        place = min(range(len(parts) // 2), key=lambda i: parts[i + 1].last_s - parts[i].first_s)
        one, other = parts[place], parts[place + 1]
        parts[place] = Bucket(one.first_s, other.last_s, one.summary + other.summary)
        del parts[place + 1]

    def seal(self) -> None:
        """Let nothing more into the newest part, so that none lies on both sides of this moment."""
        self._sealed = True


def total(buckets: Iterable[Bucket]) -> Summary:
    """Return the sum of parts."""
    return sum((bucket.summary for bucket in buckets), start=Summary.empty())
