"""A run: begun, gone on with, ended. All of it is on cosmo-runs, nothing in a unit or the settings."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from cosmo.broker import Broker, Offsets
from cosmo.errors import BrokerError, CosmoError, NoRun, PartFailed, SettingsError
from cosmo.results import MAX_RUN, Result, Run, RunTotal, StreamMessage
from cosmo.settings import Settings
from cosmo.slice_records import utc
from cosmo.statistics import Summary
from cosmo.valid_text import valid_text

log = logging.getLogger(__name__)

DRAIN_POLL_S: Final = 0.3
DRAIN_STALL_S: Final = 60.0
"""An analysis that publishes nothing for this long will not work off the stream."""


@dataclass(frozen=True)
class Account:
    """What became of a run's rows."""

    rows_sent: int  #: rows so far of the newest slice
    rows_accounted: int  #: rows of slices in the sum of the results
    rows_in_carry: int  #: rows read that are in no slice
    slices_lost: int = 0  #: numbers that are missing below those that were measured
    results_left_out: int = 0  #: that do not add up with those before
    rows_unframed: int = 0  #: rows of records that are no slices: measured too, but no producer's

    @property
    def is_closed(self) -> bool:
        """Whether everything sent has been measured, once."""
        return self.rows_sent == self.rows_accounted and not self.slices_lost and not self.results_left_out

    def __str__(self) -> str:
        relation = "=" if self.rows_sent == self.rows_accounted else "but"
        more = (
            (self.rows_in_carry, "more read, in no slice"),
            (self.slices_lost, "slices lost"),
            (self.results_left_out, "results left out"),
            (self.rows_unframed, "more rows unframed, sent by no producer"),
        )
        told = "".join(f"; {n:,} {words}" for n, words in more if n)
        return f"{self.rows_sent:,} rows sent {relation} {self.rows_accounted:,} rows accounted{told}"


def begin(broker: Broker, source: str, note: str = "", source_names: list[str] | None = None) -> Run:
    """Begin a new run at the present end of the stream; one that is still on is ended first.

    Parameters
    ----------
    source : what will be streamed, in words.
    source_names : of the settings; the run streams no other source. None: whatever it is.

    Raises
    ------
    SettingsError : they name another stream than that of the run that is on, or not as many partitions.
    BrokerError : the numbers are used up: somebody else wrote the record of the last one.
    """
    runs, _ = broker.run_messages()
    last = runs[max(runs)] if runs else None
    if last and last.number + 1 == MAX_RUN:
        raise BrokerError(
            f"expected runs from 1 on, {broker.topics.runs.name} holds the record of run {last.number}, "
            "which is the last possible number and not COSMO's; make the topic anew, or name another one"
        )
    if last and not last.ended:
        end(broker, last)
    ends = broker.stream_ends()
    run = Run(
        number=last.number + 1 if last else 1,
        note=valid_text(note),
        source=valid_text(source),
        started=utc(time.time()),
        start_offsets={str(p): offset for p, offset in ends.items()},
        stream=StreamMessage(name=broker.topics.stream.name, partitions=len(ends)),
        source_names=source_names,
    )
    broker.put_run(run)
    return run


def go_on_or_begin(broker: Broker, source: str, source_names: list[str], note: str = "") -> tuple[Run, bool]:
    """Return the run that is on if it streams this source, else a new one; and whether it is new.

    See `begin`.
    """
    try:
        run = broker.current_run()
    except NoRun:
        return begin(broker, source, note, source_names), True
    is_same = run.source == valid_text(source) if run.source_names is None else run.is_of(source_names)
    return (run, False) if is_same else (begin(broker, source, note, source_names), True)


def require_fit(settings: Settings, installed: Path) -> None:
    """Refuse settings that contradict the run that is on.

    Where nobody can be asked (no broker answers, or not to us), none is on.

    Parameters
    ----------
    installed : the settings that these are to replace; they tell where the runs are. None are there before
        the first init, and those of an earlier version may not be readable: then the new ones tell it.

    Raises
    ------
    SettingsError : they name another stream, source or topic of the runs than that of the run.
    """
    try:
        before = Settings.load(installed)
    except SettingsError:
        before = settings
    try:
        run = newest(Broker(before))
    except CosmoError as error:
        log.info("no run to compare the settings with: %s", error)
        return
    if run.ended:
        return
    recorded_in, topics = before.topics.runs.name, settings.topics
    if topics.runs.name != recorded_in:
        raise SettingsError(
            f"run {run.number} is recorded in {recorded_in}, the settings say {topics.runs.name}; "
            "halt it with the earlier settings first"
        )
    run.require_stream(topics.stream.name, topics.stream.partitions)
    run.require_source(settings.source_names)


def added(total: Summary, results: Iterable[Result]) -> tuple[Summary, int]:
    """Add results to a sum; return it, and how many were left out because they do not add up with it."""
    left_out = 0
    for result in results:
        try:
            total += result.summary.summary()
        except ValueError as error:
            left_out += 1
            log.warning("result %d of run %d is left out of the sum: %s", result.number, result.run, error)
    return total, left_out


def furthest(result: Result | None, total: RunTotal | None) -> Result | RunTotal | None:
    """Return which of a run's newest result and its total goes further; None if there is neither.

    It is the total where the results are past their retention.
    """
    if result is None or (total is not None and total.number > result.number):
        return total
    return result


def account(broker: Broker, run: Run) -> Account:
    """Return what became of a run's rows so far; of one that has ended, what its record says.

    Raises
    ------
    SettingsError : they name another stream than that of the run, or not as many partitions.
    """
    if recorded := recorded_account(run):
        return recorded
    newest_slice, _ = broker.newest_slice(run)
    known = total_of(broker, run)
    summary, left_out = added(
        known.summary.summary() if known else Summary.empty(),
        broker.results(run.number, known.number if known else -1),
    )
    return Account(
        rows_sent=newest_slice.rows_so_far if newest_slice else 0,
        rows_accounted=summary.rows_in_slices,
        rows_in_carry=newest_slice.carry_rows if newest_slice else 0,
        slices_lost=summary.numbers.missing,
        results_left_out=left_out,
        rows_unframed=summary.unframed,
    )


def recorded_account(run: Run) -> Account | None:
    """Return what the record of a run that has ended says of its rows; None if it does not."""
    if not run.ended or run.rows_sent is None or run.rows_accounted is None:
        return None
    return Account(
        rows_sent=run.rows_sent,
        rows_accounted=run.rows_accounted,
        rows_in_carry=run.rows_in_carry or 0,
        slices_lost=run.slices_lost or 0,
        results_left_out=run.results_left_out or 0,
        rows_unframed=run.rows_unframed or 0,
    )


def first_rows(
    broker: Broker, run: Run, within_s: float, wait: Callable[[float], object] = time.sleep
) -> Account:
    """Return the account of a run as soon as rows of it are measured, or when the time is up."""
    deadline = time.monotonic() + within_s
    while (found := account(broker, run)).rows_accounted == 0 and time.monotonic() < deadline:
        wait(DRAIN_POLL_S)
    return found


def newest(broker: Broker) -> Run:
    """Return the newest run, be it on or ended.

    Raises
    ------
    NoRun : none was begun.
    """
    runs, _ = broker.run_messages()
    if not runs:
        raise NoRun("expected a run, there has been none; begin one with `cosmo run`")
    return runs[max(runs)]


def drain(broker: Broker, run: Run, wait: Callable[[float], object] = time.sleep) -> int:
    """Wait until all that is in the stream now is measured and published; return how many records that were.

    The ends are read once: call it when nobody sends any more.

    Raises
    ------
    PartFailed : the analysis has published nothing for `DRAIN_STALL_S`.
    """
    ends = broker.record_ends(broker.topics.stream.name)
    total = total_of(broker, run)
    left, at_first, moved_at = 0, None, time.monotonic()
    while True:
        before, left = left, _records_left(broker, run, total, ends)
        at_first = left if at_first is None else at_first
        if left == 0:
            return at_first
        if left != before:
            moved_at = time.monotonic()
        elif time.monotonic() - moved_at > DRAIN_STALL_S:
            raise PartFailed(
                f"expected the analysis to work off the stream, {left} records are left and nothing was "
                f"published for {DRAIN_STALL_S:.0f} s; see journalctl -u cosmo-analysis, then halt again"
            )
        wait(DRAIN_POLL_S)


def oldest_unread_s(broker: Broker, run: Run) -> float | None:
    """Return how long ago the oldest record that is not measured came, in s; None if all of them are."""
    reached = _reached(broker, run, total_of(broker, run))
    unread = broker.first_from(broker.topics.stream.name, reached)
    return time.time() - min(record.timestamp_s for record in unread) if unread else None


def total_of(broker: Broker, run: Run) -> RunTotal | None:
    """Return the newest total of a run; None if none was written yet."""
    _, totals = broker.run_messages()
    return totals.get(run.number)


def _records_left(broker: Broker, run: Run, total: RunTotal | None, ends: Offsets) -> int:
    reached = _reached(broker, run, total)
    return sum(max(0, end - reached.get(partition, 0)) for partition, end in ends.items())


def _reached(broker: Broker, run: Run, total: RunTotal | None) -> Offsets:
    """Return the offsets up to which the stream is measured and published."""
    result, _ = broker.newest_result(run.number)
    reached = furthest(result, total)
    offsets = reached.offsets if reached else run.start_offsets
    return {int(partition): offset for partition, offset in offsets.items()}


def end(broker: Broker, run: Run) -> Account:
    """Write the end of a run with what became of its rows."""
    closing = account(broker, run)
    broker.put_run(run.model_copy(update={"ended": utc(time.time()), **asdict(closing)}))
    return closing
