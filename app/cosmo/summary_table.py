"""A Summary for a person at a terminal."""

from __future__ import annotations

from rich.console import Group
from rich.table import Table
from rich.text import Text

from cosmo.detector import DRIFT_HIGH_NS, DRIFT_LOW_NS, N_CHAMBERS
from cosmo.hits import REASONS
from cosmo.statistics import Summary


def summary_table(summary: Summary) -> Group:
    """Return tables of the hits by chamber and of the rows by fate."""
    return Group(_by_chamber(summary), _by_fate(summary), Text(_live_time(summary)))


def _by_chamber(summary: Summary) -> Table:
    table = Table("", *(f"chamber {c}" for c in range(N_CHAMBERS)), "all", title="Hits", title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    drift_inside = summary.drift_time.values().sum(axis=1)
    drift_all = summary.drift_time.values(flow=True).sum(axis=1)
    for name, values in (
        ("hits", summary.hits),
        ("in orbits with a scintillator hit", summary.scintillator_occupancy.values().sum(axis=1)),
        (f"with a drift time in [{DRIFT_LOW_NS}, {DRIFT_HIGH_NS}) ns", drift_inside),
        ("with a drift time outside", drift_all - drift_inside),
    ):
        table.add_row(name, *(f"{int(value):,}" for value in values), f"{int(values.sum()):,}")
    return table


def _by_fate(summary: Summary) -> Table:
    table = Table("rows", "", title="Rows", title_justify="left")
    table.columns[1].justify = "right"
    fates = [("chamber hits", int(summary.hits.sum())), ("scintillator hits", summary.scintillator_hits)]
    fates += [("hits of no chamber (unmapped)", summary.unmapped)]
    fates += [(f"ancillary, HEAD {head}", n) for head, n in enumerate(summary.ancillary) if n]
    fates += [(f"malformed: {reason}", n) for reason, n in zip(REASONS, summary.malformed, strict=True) if n]
    for name, rows in fates:
        table.add_row(name, f"{rows:,}")
    table.add_section()
    table.add_row("all rows", f"{summary.rows:,}", style="bold")
    notes = [
        ("late", summary.late),
        ("clock jump", summary.clock_jump),
        ("header lines", summary.header_lines),
    ]
    for name, n in (*notes, ("blank lines", summary.blank_lines), ("split slices", summary.split_slices)):
        if n:
            table.add_row(f"[dim]{name}", f"[dim]{n:,}")
    return table


def _live_time(summary: Summary) -> str:
    if not summary.live_orbits:
        return "no live time: no hits that agree on a clock"
    rate = int(summary.hits.sum()) / summary.live_s
    return f"live time {summary.live_s:,.3f} s ({summary.live_orbits:,} orbits), {rate:,.0f} chamber hits/s"
