"""Panel: drift times of one chamber."""

from __future__ import annotations

from typing import Final

import numpy as np
from bokeh.models import ColumnDataSource

from cosmo.dashboard.look import chamber_colours
from cosmo.dashboard.plots import FollowingRange, new_figure, nice_above
from cosmo.detector import DRIFT_BINS, DRIFT_HIGH_NS, DRIFT_LOW_NS
from cosmo.statistics import Summary

BIN_NS: Final = 5
"""Width drawn; the summary keeps bins of 1 ns, too fine for an hour of muons."""


class DriftTimePanel:
    """Hits in orbits with a scintillator hit, by drift time."""

    def __init__(self, chamber: int) -> None:
        self._chamber = chamber
        self._y = FollowingRange(0, 1)
        left = np.arange(DRIFT_LOW_NS, DRIFT_HIGH_NS, BIN_NS)
        self.source = ColumnDataSource({"left": left, "right": left + BIN_NS, "hits": np.zeros(len(left))})
        self.root = new_figure(
            x_label="Drift time (ns)",
            y_label=f"Hits per {BIN_NS} ns",
            x=FollowingRange(DRIFT_LOW_NS, DRIFT_HIGH_NS),
            y=self._y,
            height=220,
            hover=[("drift time", "@left to @right ns"), ("hits", "@hits{0,0}")],
        )
        colour = chamber_colours()[chamber]
        self.root.quad(
            left="left",
            right="right",
            bottom=0,
            top="hits",
            source=self.source,
            fill_color=colour,
            fill_alpha=0.75,
            line_color=colour,
            line_width=0.5,
        )

    def update(self, summary: Summary) -> None:
        """Show a summary."""
        below, *inside, above = summary.drift_time.values(flow=True)[self._chamber].astype(np.int64)
        hits = np.array(inside).reshape(DRIFT_BINS // BIN_NS, BIN_NS).sum(axis=1)
        left = np.arange(DRIFT_LOW_NS, DRIFT_HIGH_NS, BIN_NS)
        self.source.data = {"left": left, "right": left + BIN_NS, "hits": hits}
        self._y.follow(0, nice_above(float(hits.max())))
        self.root.title.text = f"{int(hits.sum()):,} hits · under {below:,} · over {above:,}"
