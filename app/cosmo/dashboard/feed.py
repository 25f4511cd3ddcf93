"""Results from the broker into a `Collector`: one consumer for all pages of a server."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Final, Protocol

from cosmo.broker import Broker, Follower, Record, newest_run_messages, wait_for, whole_number
from cosmo.dashboard.collector import Collector
from cosmo.errors import BrokerAway, BrokerError, MalformedMessage, NoRun
from cosmo.results import Result, Run, RunTotal
from cosmo.settings import Settings

log = logging.getLogger(__name__)

POLL_MS: Final = 250
"""Also how long a stop may wait for the feed."""
LOOK_BACK: Final = 256
"""Results read again at the start to fill curves and windows; more only where the run's total needs them."""
ASK_AFTER_S: Final = 8.0
"""Heartbeats come every 5 s; after this without one the broker is asked whether it is there."""


class Feed(Protocol):
    """What a server shows: a thread that fills a collector."""

    collector: Collector

    def run(self, stop: threading.Event) -> None:
        """Fill the collector until stopped."""


@dataclass(frozen=True)
class _Found:
    run: Run
    total: RunTotal | None
    records: list[Record]  #: the newest results, oldest first
    results_end: int
    runs_end: int


class BrokerFeed:
    """Follows the newest run, and goes over to a newer one when it begins."""

    def __init__(
        self, settings: Settings, broker: Broker | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self.collector = Collector(settings.dashboard)
        self._broker = broker or Broker(settings)
        self._results = settings.topics.results.name
        self._runs = settings.topics.runs.name
        self._clock = clock
        self._run = 0
        self._results_end = self._runs_end = 0  # offsets after those read

    def run(self, stop: threading.Event) -> None:
        """Fill the collector until stopped, whatever the broker does."""
        while not stop.is_set():
            found = wait_for(self._find, stop.wait, "a run to show")
            if found is None:
                return
            self._begin(found)
            try:
                with (
                    closing(self._broker.follow(self._results, {0: found.results_end})) as results,
                    closing(self._broker.follow(self._runs, {0: found.runs_end})) as runs,
                ):
                    self._follow(results, runs, stop)
            except BrokerError as error:  # between the two; `_find` says so if it lasts
                self.collector.wait(str(error))

    # -- the start of a run

    def _find(self) -> _Found:
        """Find the newest run and what is needed to show it.

        Raises
        ------
        BrokerAway, NoRun : there is nothing to show yet.
        """
        try:
            # The ends first: what is written while reading is then read twice, never left out.
            runs_end = self._end(self._runs)
            results_end = self._end(self._results)
            runs, totals = self._broker.run_messages()
            run = _newest_run(runs)
            total = totals.get(run.number)
            records = self._look_back(run.number, total, results_end)
        except (BrokerAway, NoRun) as error:
            self.collector.wait(str(error))
            raise
        except BrokerError as error:  # a missing topic or right, which may yet be given: wait for it too
            self.collector.wait(str(error))
            raise BrokerAway(str(error)) from error
        return _Found(run, total, records, results_end, runs_end)

    def _end(self, topic: str) -> int:
        return self._broker.end_offsets(topic)[0]

    def _look_back(self, run: int, total: RunTotal | None, end: int) -> list[Record]:
        """Read backwards to the first result that is not in the total, and far enough to fill the curves."""
        through = total.number if total else -1
        records: list[Record] = []
        low = end
        while low > 0:
            high, low = low, max(0, low - LOOK_BACK)
            earlier = self._broker.read(self._results, {0: low}, {0: high})
            records = earlier + records
            is_the_oldest = not earlier or earlier[0].offset > low  # the rest is past its retention
            of_run = [record.number for record in records if record.is_numbered(run)]
            has_all_above = min(of_run, default=through + 2) <= through + 1
            if is_the_oldest or (has_all_above and len(records) >= LOOK_BACK):
                break
        return records

    def _begin(self, found: _Found) -> None:
        self._run = found.run.number
        self._results_end, self._runs_end = found.results_end, found.runs_end
        self.collector.begin(found.run, found.total)
        for record in found.records:
            # What is read again was not received now.
            self._take(record, min(self._clock(), record.timestamp_s))
        log.info("showing run %d from result %d on", self._run, found.total.number + 1 if found.total else 0)

    # -- as it goes on

    def _follow(self, results: Follower, runs: Follower, stop: threading.Event) -> None:
        """Take what comes; return when there is another run to show, a topic begins anew, or when stopped."""
        heard_at, away = time.monotonic(), False
        while not stop.is_set():
            try:
                came, written = results.poll(POLL_MS), runs.poll(0)
                if self._is_over(came, written):
                    return
                if not came and time.monotonic() - heard_at > ASK_AFTER_S:
                    heard_at = time.monotonic()
                    if self._end(self._results) < self._results_end:
                        log.warning("%s begins anew; the run is read again", self._results)
                        return
                    self.collector.wait(None)
            except BrokerError as error:
                self.collector.wait(str(error))
                if not away:
                    log.warning("%s; the page shows what it has", error)
                away = True
                stop.wait(POLL_MS / 1000)
                continue
            if came:
                heard_at = time.monotonic()
            if away and not self.collector.snapshot.waiting:
                log.warning("the broker answers again")
                away = False

    def _is_over(self, came: list[Record], written: list[Record]) -> bool:
        """Take in new results and records of runs; return whether what is shown is no more the newest run."""
        if _begins_anew(came, self._results_end) or _begins_anew(written, self._runs_end):
            log.warning("a topic begins anew; the run is read again")
            return True
        is_newer = False
        for record in came:
            self._results_end = record.offset + 1
            is_newer |= self._take(record, self._clock())
        self._runs_end = max((record.offset + 1 for record in written), default=self._runs_end)
        noted, _ = newest_run_messages(written)
        if self._is_another_run(noted):
            return True
        return is_newer and self._is_another_run(self._broker.run_messages()[0])

    def _is_another_run(self, runs: dict[int, Run]) -> bool:
        if self._run in runs:
            self.collector.describe(runs[self._run])
        return max(runs, default=self._run) > self._run

    def _take(self, record: Record, received_s: float) -> bool:
        """Take in one record of the results topic; return whether it is of a newer run."""
        written = whole_number(record.header("run"))
        if written is not None and written != self._run:
            return written > self._run
        try:
            result = Result.from_json(record.value)
            if result.run == self._run:
                self._check_headers(record, result)
                self.collector.add(result, received_s)
        except MalformedMessage as error:
            self._skip(str(error))
            return False
        return result.run > self._run

    def _check_headers(self, record: Record, result: Result) -> None:
        """Raise where analysis and account do not take the record for a result; see `Broker.takes`."""
        if not record.is_numbered(result.run) or record.number != result.number:
            raise MalformedMessage(
                f"expected the headers run and number of result {result.number}, got "
                f"{record.header('run')!r} and {record.header('number')!r}"
            )

    def _skip(self, reason: str) -> None:
        if self.collector.skip(reason):
            log.warning("a message was skipped: %s", reason)


def _begins_anew(records: list[Record], end: int) -> bool:
    """Whether records stand before those read already: their topic was deleted and made again."""
    return any(record.offset < end for record in records)


def _newest_run(runs: dict[int, Run]) -> Run:
    if not runs:
        raise NoRun("expected a run, there is none; begin one with `cosmo run` or `cosmo demo`, or wait")
    return runs[max(runs)]
