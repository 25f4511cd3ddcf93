"""(a) The pure limit: parse and summarise slices, one process a core; no Kafka, no Spark."""

from __future__ import annotations

import multiprocessing
import os
import time
from pathlib import Path

from cosmo.statistics import Summary

from .data import cut

SECONDS = 3.0


def measure_core(
    path: Path, barrier: multiprocessing.synchronize.Barrier, rates: multiprocessing.Queue
) -> None:
    slices = cut(path)
    Summary.of(slices)  # imports, and first pages
    rows = sum(piece.rows for piece in slices)
    barrier.wait()
    began, measured = time.perf_counter(), 0
    while time.perf_counter() - began < SECONDS:
        Summary.of(slices)
        measured += rows
    rates.put(measured / (time.perf_counter() - began))


def pure_rate(path: Path, cores: int | None = None) -> float:
    """Return rows/s of all cores together."""
    cores = cores or os.cpu_count() or 1
    context = multiprocessing.get_context("spawn")
    barrier, rates = context.Barrier(cores), context.Queue()
    workers = [context.Process(target=measure_core, args=(path, barrier, rates)) for _ in range(cores)]
    for worker in workers:
        worker.start()
    total = sum(rates.get(timeout=120) for _ in workers)
    for worker in workers:
        worker.join()
    return total
