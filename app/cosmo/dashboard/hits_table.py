"""Panel: the hits of each chamber and of all."""

from __future__ import annotations

import numpy as np

from cosmo.dashboard.plots import CHAMBERS
from cosmo.dashboard.table import NOTHING, Table
from cosmo.detector import N_CHANNELS
from cosmo.statistics import Summary


class HitsTable:
    """Hits, their share and rate, and how many channels had any."""

    def __init__(self) -> None:
        self._table = Table(
            {
                "chamber": "Chamber",
                "hits": "Hits",
                "share": "Share",
                "hits_per_s": "Hits/s of live time",
                "channels": f"Channels hit, of {N_CHANNELS}",
                "scintillator": "Hits with scintillator",
            }
        )
        self.source = self._table.source
        self.root = self._table.root

    def update(self, summary: Summary) -> None:
        """Show a summary."""
        hits = summary.hits
        channels = np.count_nonzero(summary.occupancy.values(), axis=1)
        triggered = summary.scintillator_occupancy.values().sum(axis=1).astype(np.int64)
        every = int(hits.sum())

        def row(name: str, n: int, n_channels: str, with_scintillator: int) -> tuple[str, ...]:
            share = f"{100 * n / every:.1f} %" if every else NOTHING
            return name, f"{n:,}", share, _rate(n, summary), n_channels, f"{with_scintillator:,}"

        rows = [row(str(c), int(hits[c]), str(int(channels[c])), int(triggered[c])) for c in CHAMBERS]
        rows.append(row("all", every, str(int(channels.sum())), int(triggered.sum())))
        scintillator_hits = summary.scintillator_hits
        rows.append(("scintillator", f"{scintillator_hits:,}", "", _rate(scintillator_hits, summary), "", ""))
        data = {
            key: list(column) for key, column in zip(self.source.data, zip(*rows, strict=True), strict=True)
        }
        self._table.show(data, [*(f"var(--chamber-{c})" for c in CHAMBERS), "strong", ""])


def _rate(hits: int, summary: Summary) -> str:
    if not summary.live_orbits:
        return NOTHING
    rate = hits / summary.live_s
    return f"{rate:,.0f}" if rate >= 1000 else f"{rate:,.1f}" if rate >= 10 else f"{rate:,.2f}"
