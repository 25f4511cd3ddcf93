"""Invented results, to work on the dashboard without a cluster. Pure: times in, `Result` objects out.

The rows are generated cosmics, cut and measured by the same code as real ones; only what a cluster adds
(publication times, batch durations, losses) is made up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from cosmo.generator import Cosmics
from cosmo.hits import Lines, read
from cosmo.results import Result, Run, SummaryMessage, Timings
from cosmo.slice_numbers import SliceNumbers
from cosmo.slice_records import utc
from cosmo.statistics import Summary
from cosmo.timeslices import Limits, Timeslicer

PARTITIONS: Final = 2
_BROKEN_LINE: Final = b"2,0,17,3387200000\n"
_BROKEN_EVERY, _REPEATED_EVERY, _LOST_EVERY = 7, 23, 61
"""One result in so many has a malformed row, a repeated slice, a lost slice; primes, so they seldom meet."""


@dataclass(frozen=True)
class FakeRun:
    """A run that never took place. Equal values give equal results.

    Attributes
    ----------
    began_s
        Unix time of the first row, in s.
    period_s
        From one result to the next, in s.
    rows_per_s
        Rows streamed per second; 2000 is about the telescope's own rate.
    with_faults
        Whether there are malformed rows, repeated and lost slices.
    """

    began_s: float
    period_s: float = 1.0
    rows_per_s: float = 2000.0
    number: int = 1
    seed: int = 1
    with_faults: bool = True

    def __post_init__(self) -> None:
        if not (self.period_s > 0 and self.rows_per_s > 0):
            raise ValueError(
                f"expected a period and a rate above 0, got {self.period_s} s and {self.rows_per_s} rows/s"
            )

    @property
    def record(self) -> Run:
        """The run's message of cosmo-runs."""
        return Run(
            number=self.number,
            note="invented cosmics, no detector behind them",
            source="generated cosmics",
            started=utc(self.began_s),
            start_offsets={str(partition): 0 for partition in range(PARTITIONS)},
        )

    def results(self) -> Iterator[Result]:
        """Yield the results of the run, without end, in the order of their numbers."""
        rng = np.random.default_rng(self.seed)
        cosmics = Cosmics(seed=self.seed)
        timeslicer = Timeslicer(Limits())
        blocks = _blocks(cosmics, max(1, round(self.rows_per_s * self.period_s)))
        next_slice, offsets = 0, [0] * PARTITIONS
        for number, block in enumerate(blocks):
            if self._is_time(number, _BROKEN_EVERY):
                timeslicer.feed(read(_BROKEN_LINE), 0, 1)
            cut = []
            for lines, first, last in block:
                cut += [piece for piece, _ in timeslicer.feed(lines, first, last)]
                cut += timeslicer.cut()
            lost = self._is_time(number, _LOST_EVERY) and len(cut) > 0
            kept = cut[1:] if lost else cut
            seen = [next_slice + i for i in range(len(cut))][1 if lost else 0 :]
            next_slice += len(cut)
            for each in seen:
                offsets[each % PARTITIONS] += 1
            summary = replace(
                Summary.of(kept),
                numbers=_numbers(seen),
                repeated_slices=int(self._is_time(number, _REPEATED_EVERY)),
            )
            yield self._result(number, summary, offsets, rng)

    def _is_time(self, number: int, every: int) -> bool:
        return self.with_faults and number % every == every - 1

    def _result(self, number: int, summary: Summary, offsets: list[int], rng: np.random.Generator) -> Result:
        batch_ms = float(min(330 * rng.lognormal(0, 0.15), 900 * self.period_s))
        published_s = self.began_s + (number + 1) * self.period_s
        waited_ms = float(rng.uniform(20, 60))
        return Result(
            run=self.number,
            number=number,
            analysis=f"fake:0:{utc(self.began_s)}",
            started=utc(published_s - batch_ms / 1000),
            published=utc(published_s),
            offsets={str(partition): offset for partition, offset in enumerate(offsets)},
            highest={str(partition): highest for partition, highest in summary.numbers.highest.items()},
            summary=SummaryMessage.of(summary),
            timings=Timings(
                batch_ms=batch_ms,
                interval_ms=1000 * self.period_s,
                latency_first_ms=batch_ms + waited_ms + 1000 * self.period_s,
                latency_last_ms=batch_ms + waited_ms,
                backlog_slices=int(rng.poisson(0.3)),
            ),
        )


def _blocks(cosmics: Cosmics, rows: int) -> Iterator[list[tuple[Lines, int, int]]]:
    """Yield so many rows at a time, as stretches of chunks."""
    index, block, wanted = 0, [], rows
    while True:
        lines, first = read(cosmics.chunk(index).rows), 0
        index += 1
        while first < len(lines):
            last = min(first + min(wanted, -(-rows // PARTITIONS)), len(lines))  # a slice for each partition
            block.append((lines, first, last))
            wanted -= last - first
            first = last
            if not wanted:
                yield block
                block, wanted = [], rows


def _numbers(seen: list[int]) -> SliceNumbers:
    numbers = SliceNumbers(PARTITIONS)
    for partition in range(PARTITIONS):
        of_partition = [number for number in seen if number % PARTITIONS == partition]
        numbers += SliceNumbers.of(PARTITIONS, partition, of_partition)
    return numbers
