"""Panel: how many channels are active in an orbit, as a distribution."""

from __future__ import annotations

from typing import Final

import numpy as np
from bokeh.models import ColumnDataSource

from cosmo.dashboard.look import chamber_colours
from cosmo.dashboard.plots import CHAMBERS, FollowingRange, legend_above, new_figure, nice_above
from cosmo.detector import N_CHANNELS
from cosmo.statistics import Summary

_FLOOR: Final = 0.5
_EMPTY: Final = 0.01
"""Where a bin without orbits is drawn on the logarithmic axis: below the frame."""
_LEAST_SHOWN: Final = 12


class ActiveChannelsPanel:
    """Orbits with any hit, by their number of active channels, one line a chamber."""

    def __init__(self) -> None:
        self._x = FollowingRange(-0.5, _LEAST_SHOWN + 0.5)
        self._y = FollowingRange(_FLOOR, 10)
        names = [f"chamber_{chamber}" for chamber in CHAMBERS]
        active = np.arange(N_CHANNELS + 1)
        self.source = ColumnDataSource(
            {"active": active, **{key: np.full(len(active), _EMPTY) for key in names}}
        )
        self.root = new_figure(
            x_label="Active channels in an orbit",
            y_label="Orbits",
            x=self._x,
            y=self._y,
            height=260,
            y_axis_type="log",
        )
        for chamber, colour in zip(CHAMBERS, chamber_colours(), strict=True):
            self.root.step(
                "active",
                names[chamber],
                source=self.source,
                mode="center",
                line_width=2,
                color=colour,
                legend_label=f"chamber {chamber}",
            )
        legend_above(self.root)
        self.root.legend.click_policy = "hide"

    def update(self, summary: Summary) -> None:
        """Show a summary."""
        orbits = summary.active_channels.values().astype(np.float64)
        self.source.data = {
            "active": np.arange(N_CHANNELS + 1),
            **{f"chamber_{c}": np.where(orbits[c] > 0, orbits[c], _EMPTY) for c in CHAMBERS},
        }
        last = int(np.flatnonzero(orbits.any(axis=0))[-1]) if orbits.any() else 0
        shown = min(N_CHANNELS, max(_LEAST_SHOWN, 4 * (1 + last // 4)))
        self._x.follow(-0.5, shown + 0.5)
        self._y.follow(_FLOOR, nice_above(2 * float(orbits.max())))
        self.root.title.text = f"{int(orbits[0].sum()):,} orbits with a hit, at most {last} channels active"
