"""The product end to end, at a rate: slices cut live, Kafka, Spark, results."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import psutil
from stream_parts import Parts, wait_until

from cosmo.results import Result

WARM_UP_RESULTS = 5


@dataclass(frozen=True)
class AtRate:
    """What was seen at one rate."""

    offered_rows_per_s: float
    rows_per_s: float
    batch_ms: tuple[float, float]  #: p50, p95
    latency_ms: tuple[float, float]  #: p50, p95 of the oldest row of each batch, release to publication
    largest_message: int
    cpu_s_per_mrow: dict[str, float]


def measure(parts: Parts, broker_pids: dict[str, int], rate: float, seconds: float) -> AtRate:
    """Run producer and analysis for a time, after some results to warm up, and end both."""
    run = parts.begin_run(f"benchmark at {rate:.0f} rows/s")
    analysis, producer = parts.start("analyse"), parts.start("produce")
    try:
        wait_until(lambda: len(_with_rows(parts.results())) >= WARM_UP_RESULTS, "first results")
        first = parts.results()[-1].number
        processes = {"producer": producer.pid, "analysis": analysis.pid, **broker_pids}
        cpu_before = {name: cpu_s(pid) for name, pid in processes.items()}
        began = time.time()
        wait_until(lambda: time.time() - began >= seconds, "the measuring time", seconds + 5)
        measured = _with_rows(parts.broker.results(run.number, first))
        cpu = {name: cpu_s(pid) - cpu_before[name] for name, pid in processes.items()}
        took = time.time() - began
    finally:
        parts.stop(producer)
        parts.stop(analysis)
    rows = sum(result.summary.summary().rows for result in measured)
    return AtRate(
        offered_rows_per_s=rate,
        rows_per_s=rows / took,
        batch_ms=_percentiles([result.timings.batch_ms for result in measured]),
        latency_ms=_percentiles([result.timings.latency_first_ms or 0.0 for result in measured]),
        largest_message=max(len(result.to_json()) for result in measured),
        cpu_s_per_mrow={name: 1e6 * seconds / max(rows, 1) for name, seconds in cpu.items()},
    )


def cpu_s(pid: int) -> float:
    """CPU seconds of a process and its descendants so far."""
    process = psutil.Process(pid)
    total = 0.0
    for member in (process, *process.children(recursive=True)):
        try:
            times = member.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def _with_rows(results: list[Result]) -> list[Result]:
    return [result for result in results if result.timings.latency_first_ms is not None]


def _percentiles(values: list[float]) -> tuple[float, float]:
    p50, p95 = np.percentile(values, (50, 95))
    return float(p50), float(p95)
