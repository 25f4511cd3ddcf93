"""All that has been received, kept once for every page. Pages take immutable snapshots of it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from cosmo.dashboard.history import History, Point, rows_per_s
from cosmo.dashboard.recent import Bucket, Recent
from cosmo.errors import MalformedMessage
from cosmo.results import Result, Run, RunTotal
from cosmo.settings import DashboardSettings
from cosmo.statistics import Summary

RATE_OVER_S = 10.0
"""The input rate of the header is taken over this: long enough to be steady, short enough to follow."""
MAX_KINDS = 8
"""Different reasons to skip a message that are told apart."""
_SPANS_S = (10, 60, 300, 900, 3600)


@dataclass(frozen=True)
class Batch:
    """The newest result that held rows."""

    number: int
    received_s: float
    interval_s: float
    summary: Summary


@dataclass(frozen=True)
class Snapshot:
    """What was known at one moment."""

    sequence: int  #: grows with every change
    run: Run | None
    results: int  #: of the run, so far
    total: Summary  #: of the run
    batch: Batch | None
    recent: Mapping[int, tuple[Bucket, ...]]  #: by length in s
    history: tuple[Point, ...]
    last_result_s: float | None  #: Unix time of receipt, in s
    last_data_s: float | None  #: the same of the newest result that held rows
    missed: int  #: results that should have come between those that came
    behind_s: float = 0.0  #: for how long the oldest row that is not measured waits at most
    skipped: Mapping[str, int] = field(default_factory=dict)  #: messages by the reason they were left out
    waiting: str | None = None  #: what the feed waits for

    @property
    def rows_per_s(self) -> float | None:
        """Input rate of the last seconds."""
        return rows_per_s(self.history, RATE_OVER_S)


def spans_s(settings: DashboardSettings) -> tuple[int, ...]:
    """Return the lengths of the windows of receipt that a page can choose, in s, ascending."""
    within = {span for span in _SPANS_S if span <= settings.history_s}
    return tuple(sorted(within | {min(settings.window_s, settings.history_s), settings.history_s}))


class Collector:
    """Takes results in; safe to use from several threads."""

    def __init__(self, settings: DashboardSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._sequence = 0
        self._skipped: dict[str, int] = {}
        self._waiting: str | None = "the first answer of the broker"
        self._reset(None, None)

    def _reset(self, run: Run | None, total: RunTotal | None) -> None:
        self._run = run
        self._number: int | None = None
        self._total_through = total.number if total else -1
        self._total = total.summary.summary() if total else Summary.empty()
        self._batch: Batch | None = None
        self._recent = {span: Recent(span) for span in spans_s(self._settings)}
        self._history = History(self._settings.history_s)
        self._last_result_s: float | None = None
        self._last_data_s: float | None = None
        self._missed = 0
        self._behind_s: float | None = None
        self._offsets: dict[str, int] = {}
        self._changed()

    def _changed(self) -> None:
        self._sequence += 1
        self._snapshot = Snapshot(
            self._sequence,
            self._run,
            1 + max(self._total_through, -1 if self._number is None else self._number),
            self._total,
            self._batch,
            {span: recent.buckets for span, recent in self._recent.items()},
            self._history.points,
            self._last_result_s,
            self._last_data_s,
            self._missed,
            self._behind_s or 0.0,
            dict(self._skipped),
            self._waiting,
        )

    @property
    def snapshot(self) -> Snapshot:
        """What is known now."""
        with self._lock:
            return self._snapshot

    def begin(self, run: Run, total: RunTotal | None) -> None:
        """Forget the run before and start from a run's newest total."""
        with self._lock:
            self._waiting = None
            self._reset(run, total)

    def describe(self, run: Run) -> None:
        """Take in a newer record of the same run: its end, or another note."""
        with self._lock:
            if run != self._run:
                self._run = run
                self._changed()

    def add(self, result: Result, received_s: float) -> bool:
        """Take in a result of the run.

        Returns
        -------
        bool : False for a number that is known, which changes nothing.

        Raises
        ------
        MalformedMessage : it is of another number of partitions than those before, or has no such time.
        """
        with self._lock:
            if self._number is not None and result.number <= self._number:
                return False
            counts_in_total = result.number > self._total_through
            summary = result.summary.summary()
            try:
                with_it = self._total + summary
                point = Point.of(result, summary, received_s)
            except ValueError as error:
                raise MalformedMessage(
                    f"expected a result that goes with those before, got: {error}; it is left out"
                ) from error
            if counts_in_total:
                known = (
                    self._total_through if self._number is None else max(self._total_through, self._number)
                )
                self._missed += result.number - known - 1
            self._number = result.number
            self._total = with_it if counts_in_total else self._total
            self._last_result_s = received_s
            moved = result.offsets != self._offsets
            self._behind_s = result.timings.waiting_s(self._behind_s, moved=moved)
            self._offsets = result.offsets
            if self._last_data_s is not None:  # a clock that was set back has no data of a time to come
                self._last_data_s = min(self._last_data_s, received_s)
            if summary.rows:
                self._last_data_s = received_s
                self._batch = Batch(result.number, received_s, point.interval_s, summary)
            for recent in self._recent.values():
                recent.add(received_s, summary)
            self._history.add(point)
            self._waiting = None
            self._changed()
            return True

    def skip(self, reason: str) -> bool:
        """Count a message that is left out, and return whether it is the first of its kind."""
        with self._lock:
            if reason not in self._skipped and len(self._skipped) >= MAX_KINDS:
                reason = "for other reasons"
            self._skipped[reason] = self._skipped.get(reason, 0) + 1
            self._changed()
            return self._skipped[reason] == 1

    def wait(self, reason: str | None) -> None:
        """Say what the feed waits for; None when it waits no more."""
        with self._lock:
            if reason != self._waiting:
                self._waiting = reason
                self._changed()

    def seal(self) -> Snapshot:
        """Divide what is kept at this moment, so that a page can leave out what comes after or before."""
        with self._lock:
            for recent in self._recent.values():
                recent.seal()
            return self._snapshot
