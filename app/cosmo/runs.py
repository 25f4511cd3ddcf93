"""A run: begun, gone on with, ended. All of it is on cosmo-runs, nothing in a unit or the settings."""

from __future__ import annotations

import time
from dataclasses import dataclass

from cosmo.broker import Broker
from cosmo.results import Run
from cosmo.slice_records import utc


@dataclass(frozen=True)
class Account:
    """What became of a run's rows."""

    rows_sent: int  #: rows so far of the newest slice
    rows_accounted: int  #: rows in the sum of the results
    rows_in_carry: int  #: rows read that are in no slice

    @property
    def is_closed(self) -> bool:
        """Whether everything sent has been measured, once."""
        return self.rows_sent == self.rows_accounted

    def __str__(self) -> str:
        relation = "=" if self.is_closed else "but"
        carry = f"; {self.rows_in_carry} more read, in no slice yet" if self.rows_in_carry else ""
        return f"{self.rows_sent:,} rows sent {relation} {self.rows_accounted:,} rows accounted{carry}"


def begin(broker: Broker, source: str, note: str = "") -> Run:
    """Begin a new run at the present end of the stream; one that is still on is ended first.

    Parameters
    ----------
    source : what will be streamed, in words.
    """
    runs, _ = broker.run_messages()
    last = runs[max(runs)] if runs else None
    if last and not last.ended:
        end(broker, last)
    run = Run(
        number=last.number + 1 if last else 1,
        note=note,
        source=source,
        started=utc(time.time()),
        start_offsets={str(p): offset for p, offset in broker.end_offsets(broker.topics.stream.name).items()},
    )
    broker.put_run(run)
    return run


def go_on_or_begin(broker: Broker, source: str, note: str = "") -> tuple[Run, bool]:
    """Return the run that is on if it streams this source, else a new one; and whether it is new."""
    runs, _ = broker.run_messages()
    last = runs[max(runs)] if runs else None
    if last and not last.ended and last.source == source:
        return last, False
    return begin(broker, source, note), True


def account(broker: Broker, run: Run) -> Account:
    """Return what became of a run's rows so far."""
    newest, _ = broker.newest_slice(run)
    _, totals = broker.run_messages()
    known = totals.get(run.number)
    accounted = known.summary.summary().rows if known else 0
    for result in broker.results(run.number, known.number if known else -1):
        accounted += result.summary.summary().rows
    return Account(
        rows_sent=newest.rows_so_far if newest else 0,
        rows_accounted=accounted,
        rows_in_carry=newest.carry_rows if newest else 0,
    )


def end(broker: Broker, run: Run) -> Account:
    """Write the end of a run with what became of its rows."""
    closing = account(broker, run)
    broker.put_run(
        run.model_copy(
            update={
                "ended": utc(time.time()),
                "rows_sent": closing.rows_sent,
                "rows_accounted": closing.rows_accounted,
                "rows_in_carry": closing.rows_in_carry,
            }
        )
    )
    return closing
