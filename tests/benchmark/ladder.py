"""(c) The product end to end, slices cut live: one analysis stays up while the producer's rate climbs."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from stream_parts import Process, wait_until

from .latency import RowLatencies, rows_between
from .processes import cpu_s
from .streams import LOOK_S, Account, Stream, published, rows_of, unix_s, with_rows

WARM_UP_S = 5.0
MEASURED_S = 12.0
PILES_UP = 0.03
"""A latency that grows by less than this (s/s) is steady: the rest is the play of batches in a short time."""
RELEASED = 0.97
MAXIMUM = "maximum"
MAXIMUM_TRIES = 2
STEP = 0.12


@dataclass(frozen=True)
class AtRate:
    """What was seen at one rate."""

    kind: str
    offered_rows_per_s: float | str
    released_rows_per_s: float  #: by the producer to the timeslicer
    measured_rows_per_s: float  #: in results
    growth: float  #: of the latency, s/s
    batch_ms: tuple[float, float]  #: p50, p95
    interval_ms: tuple[float, float]  #: from result to result: the batch, and Spark's work between two
    latency_ms: tuple[float, ...]  #: p50, p95, p99 of the rows, release to publication
    largest_message: int
    cpu_s_per_mrow: dict[str, float]  #: of each part
    rows_in: int
    rows_accounted: int

    @property
    def keeps_up(self) -> bool:
        """Whether the rate was offered, and the analysis did not fall behind."""
        wanted = self.offered_rows_per_s
        offered = isinstance(wanted, str) or self.released_rows_per_s >= RELEASED * wanted
        return offered and self.growth <= PILES_UP


class Ladder:
    """The points measured in one run."""

    def __init__(self, stream: Stream, broker_pids: dict[str, int]) -> None:
        self._stream = stream
        self._broker_pids = broker_pids
        self._analysis: Process | None = None
        self.points: list[AtRate] = []

    def start(self) -> None:
        """Start the analysis and let it get warm: Java compiles what it runs often."""
        self._analysis = self._stream.parts.start("analyse")
        self._climb(100_000.0, WARM_UP_S)

    def measure(self, rate: float | str) -> AtRate:
        """Measure one rate."""
        point = self._climb(rate, MEASURED_S)
        self.points.append(point)
        return point

    def measure_maximum(self) -> float:
        """Return the highest rate that is sustained, of the points so far and some more.

        The producer at its maximum may leave the analysis behind, as both share the machine: then rates near
        what the analysis did are tried.
        """
        fastest = self.measure(MAXIMUM)
        if not fastest.keeps_up:
            rate = fastest.measured_rows_per_s
            for _ in range(MAXIMUM_TRIES):
                tried = self.measure(_rounded(rate))
                rate *= 1 + STEP if tried.keeps_up else 1 - STEP
        return max((at.released_rows_per_s for at in self.points if at.keeps_up), default=0.0)

    def finish(self) -> Account:
        """End the run on a whole pass, and compare with the oracle."""
        parts = self._stream.parts
        self._stream.end_pass()
        parts.wait_until_through()
        assert self._analysis is not None
        assert parts.stop(self._analysis) == 0
        return self._stream.account(f"{self._stream.data.kind}, all rates together", parts.results())

    def _climb(self, rate: float | str, seconds: float) -> AtRate:
        stream, parts = self._stream, self._stream.parts
        assert self._analysis is not None
        newest, _ = parts.broker.newest_result(parts.run.number)
        number_before = newest.number if newest else -1
        sent_before = parts.rows_sent()
        offsets = parts.broker.end_offsets(parts.settings.topics.stream.name)
        producer = stream.start_producer(rate)
        wait_until(lambda: parts.rows_sent() > sent_before, "first rows", by=producer)
        wait_until(
            lambda: with_rows(parts.broker.results(parts.run.number, number_before)),
            "a first result",
            by=self._analysis,
        )
        time.sleep(WARM_UP_S)
        pids = {"producer": producer.pid, "analysis": self._analysis.pid, **self._broker_pids}
        began, cpu_before = time.time(), {part: cpu_s(pid) for part, pid in pids.items()}
        time.sleep(seconds)
        ended, cpu_after = time.time(), {part: cpu_s(pid) for part, pid in pids.items()}
        assert parts.stop(producer) == 0
        self._wait_until_through()
        results = with_rows(parts.broker.results(parts.run.number, number_before))
        sent = stream.sent(offsets)
        latencies = RowLatencies.of(sent, published(results)).between(began, ended)
        inside = [result for result in results if began <= unix_s(result.published) < ended]
        assert len(inside) > 1, f"expected results in {seconds:.0f} s, got {len(inside)}"
        took = unix_s(inside[-1].published) - unix_s(inside[0].published)
        released = rows_between(sent, began, ended)
        measured = rows_of(inside[1:]) / took
        rows_of_part = {"analysis": measured * (ended - began)}
        return AtRate(
            kind=stream.data.kind,
            offered_rows_per_s=rate,
            released_rows_per_s=released / (ended - began),
            measured_rows_per_s=measured,
            growth=latencies.growth,
            batch_ms=_percentiles([result.timings.batch_ms for result in inside]),
            interval_ms=_percentiles([result.timings.interval_ms for result in inside[1:]]),
            latency_ms=latencies.percentiles_ms((50, 95, 99)),
            largest_message=max(len(result.to_json()) for result in inside),
            cpu_s_per_mrow={
                part: 1e6 * (cpu_after[part] - before) / max(rows_of_part.get(part, released), 1.0)
                for part, before in cpu_before.items()
            },
            rows_in=parts.rows_sent() - sent_before,
            rows_accounted=rows_of(results),
        )

    def _wait_until_through(self) -> None:
        parts = self._stream.parts
        ends = parts.broker.end_offsets(parts.settings.topics.stream.name)

        def through() -> bool:
            time.sleep(LOOK_S)
            newest, _ = parts.broker.newest_result(parts.run.number)
            return newest is not None and all(newest.offsets[str(p)] >= end for p, end in ends.items())

        wait_until(through, f"a result through {ends}", by=self._analysis)


def _percentiles(values: list[float]) -> tuple[float, float]:
    p50, p95 = np.percentile(values, (50, 95))
    return float(p50), float(p95)


def _rounded(rate: float) -> float:
    return round(rate, -4)
