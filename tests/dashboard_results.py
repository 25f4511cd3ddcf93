"""Small results for the tests of the dashboard, with values that can be counted by hand."""

from __future__ import annotations

from dataclasses import dataclass, replace

from cosmo.results import Result, Run, RunTotal, SummaryMessage, Timings
from cosmo.slice_numbers import SliceNumbers
from cosmo.slice_records import utc
from cosmo.statistics import Summary

BEGAN_S = 1_700_000_000.0


@dataclass(frozen=True)
class Piece:
    """Rows of whole orbits."""

    text: bytes
    from_orbit: int = 0
    to_orbit: int = 100
    epoch: int = 0
    split: bool = False


def hit(chamber: int, channel: int, orbit: int, bx: int = 0, tdc: int = 0) -> str:
    """Return the row of a chamber hit."""
    return f"2,{chamber // 2},{channel + 64 * (chamber % 2)},{orbit},{bx},{tdc}\n"


def scintillator(orbit: int, bx: int = 0, tdc: int = 0) -> str:
    """Return the row of a scintillator hit."""
    return f"2,1,128,{orbit},{bx},{tdc}\n"


def summary_of(*rows: str, orbits: int = 100) -> Summary:
    """Measure rows as one slice of the orbits from 0 on."""
    return Summary.of([Piece("".join(rows).encode(), to_orbit=orbits)])


def telling_summary() -> Summary:
    """Return one whose every part is told apart from zero.

    Two hits of chamber 0, channel 3, and one of chamber 2, channel 63; a scintillator hit in orbit 10, which
    holds one hit of each: at 93.9 ns (0 + 93.9) and 208.0 ns (4 BX + 15/30 BX = 112.5, + 95.5).
    One ancillary row (HEAD 0), one malformed (two fields), one hit of no chamber. 100 orbits: 8.91 ms.
    Slices 0, 1 and 4 of 2 partitions: slice 2 is lost.
    """
    rows = (
        hit(0, 3, orbit=10, bx=100),
        hit(2, 63, orbit=10, bx=104, tdc=15),
        scintillator(orbit=10, bx=100),
        hit(0, 3, orbit=11),
        "0,0,0,0,0,0\n",
        "2,0\n",
        "2,1,138,12,0,0\n",
    )
    numbers = SliceNumbers.of(2, 0, [0, 4]) + SliceNumbers.of(2, 1, [1])
    return replace(summary_of(*rows), numbers=numbers)


def hits_summary(hits: int) -> Summary:
    """Return one with so many hits of chamber 0, each in an orbit of its own."""
    return summary_of(*(hit(0, 0, orbit) for orbit in range(hits)))


def result(
    number: int,
    summary: Summary | int = 1,
    *,
    run: int = 1,
    published_s: float | None = None,
    latency_last_ms: float = 300,
    backlog: int | None = 2,
) -> Result:
    """Return a result; a whole number is so many hits, 0 a heartbeat. One a second unless said otherwise."""
    if isinstance(summary, int):
        summary = hits_summary(summary) if summary else Summary.empty()
    published_s = BEGAN_S + number if published_s is None else published_s
    has_rows = summary.rows > 0
    return Result(
        run=run,
        number=number,
        analysis="host:1:2023-11-14T22:13:20.000+00:00",
        started=utc(published_s - 0.2),
        published=utc(published_s),
        offsets={"0": number},
        highest={},
        summary=SummaryMessage.of(summary),
        timings=Timings(
            batch_ms=200,
            interval_ms=1000,
            latency_first_ms=latency_last_ms + 1000 if has_rows else None,
            latency_last_ms=latency_last_ms if has_rows else None,
            backlog_slices=backlog,
        ),
    )


def run_record(number: int = 1, **changes: object) -> Run:
    """Return the record of a run."""
    values = {
        "number": number,
        "note": "night shift",
        "source": "cosmics",
        "started": utc(BEGAN_S),
        "start_offsets": {"0": 0},
    }
    return Run.model_validate({**values, **changes})


def run_total(number: int, summary: Summary, *, run: int = 1) -> RunTotal:
    """Return the total of a run through a result."""
    return RunTotal(
        run=run, number=number, offsets={"0": number}, highest={}, summary=SummaryMessage.of(summary)
    )
