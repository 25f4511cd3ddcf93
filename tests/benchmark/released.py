"""(f) How accurately the producer releases rows, by the real clock: all rates at a time, a process each.

What is released is handed to nobody: the broker has no part in it.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from embedded_broker import LOCALHOST

from cosmo.hits import Lines
from cosmo.pace import SteadyPace
from cosmo.producer import Producer
from cosmo.results import Run
from cosmo.settings import Settings
from cosmo.slice_records import Writer
from cosmo.sources import open_source

RATES = (100.0, 1_000.0, 10_000.0, 100_000.0, 1_000_000.0)
WINDOW_S = 10.0
SECONDS = 21.0
FIRST_S = 1.0  #: is not judged


@dataclass(frozen=True)
class Released:
    """How far the rate was off over the windows of 10 s that begin after the first second."""

    rows_per_s: float
    off: tuple[float, float]  #: least and most, as shares of the rate
    windows: int

    def __str__(self) -> str:
        least, most = (100 * share for share in self.off)
        return (
            f"{self.rows_per_s:,.0f} rows/s: off by {least:+.2f} to {most:+.2f} % "
            f"over {self.windows:,} windows of {WINDOW_S:.0f} s"
        )


class NotingPace(SteadyPace):
    """Notes when how many rows have been released."""

    def __init__(self, rows_per_s: float, now: float) -> None:
        super().__init__(rows_per_s, now)
        self.at: list[float] = []
        self.rows: list[int] = []

    def begin_block(self, lines: Lines, row: int = 0) -> None:
        """Do nothing."""

    def release(self, rows: int) -> None:
        """Note that rows have been released, and when."""
        super().release(rows)
        self.at.append(time.monotonic())
        self.rows.append(rows)


def measure(path: Path) -> list[Released]:
    """Stream a file in a loop at each of the rates."""
    with ProcessPoolExecutor(len(RATES)) as pool:
        return list(pool.map(partial(_measure, path), RATES))


def _measure(path: Path, rate: float) -> Released:
    changes = {"source.kind": "files", "source.files": [str(path)], "producer.rows_per_s": rate}
    settings = Settings.load(LOCALHOST, changes)
    stop = threading.Event()
    run = Run(number=1, note="", source="", started="2026-01-01T00:00:00.000+00:00", start_offsets={"0": 0})
    writer = Writer("here", 1, "now")
    producer = Producer(settings, open_source(settings), run, None, writer, lambda _record: True, stop)
    pace = producer._pace = NotingPace(rate, time.monotonic())
    ending = threading.Timer(SECONDS, stop.set)
    ending.start()
    producer.stream()
    return Released(rate, *_off(np.array(pace.at), np.array(pace.rows), rate))


def _off(at: np.ndarray, rows: np.ndarray, rate: float) -> tuple[tuple[float, float], int]:
    """Return least and most deviation over windows from just after a release on, and their number."""
    so_far = np.cumsum(rows)
    begins = np.flatnonzero((at >= at[0] + FIRST_S) & (at <= at[-1] - WINDOW_S))
    ends = np.searchsorted(at, at[begins] + WINDOW_S, side="right") - 1
    off = (so_far[ends] - so_far[begins]) / (WINDOW_S * rate) - 1
    return (float(off.min()), float(off.max())), len(off)
