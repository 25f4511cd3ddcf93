"""Panels: active channels against orbit number, their mean and their maximum."""

from __future__ import annotations

from typing import Final

import numpy as np
from bokeh.models import ColumnDataSource, NumeralTickFormatter

from cosmo.active_orbits import ActiveByOrbit
from cosmo.dashboard.look import chamber_colours
from cosmo.dashboard.plots import CHAMBERS, FollowingRange, legend_above, new_figure, nice_above
from cosmo.statistics import Summary

MAX_DRAWN: Final = 128
"""Blocks drawn at most: more would be a band of noise at the width of a page."""


def coarsened(blocks: ActiveByOrbit, most: int) -> ActiveByOrbit:
    """Return the same in at most `most` blocks."""
    steps = 0
    while len(np.unique(blocks.block >> steps)) > most:
        steps += 1
    block, starts = np.unique(blocks.block >> steps, return_index=True)
    if not len(block):
        return blocks
    return ActiveByOrbit(
        blocks.log2_orbits + steps,
        block,
        np.add.reduceat(blocks.orbits, starts),
        np.add.reduceat(blocks.total, starts, axis=0),
        np.maximum.reduceat(blocks.maximum, starts, axis=0),
    )


class _ActiveByOrbitPanel:
    """One line a chamber; a point stands for a block of orbits."""

    def __init__(self, y_label: str, *, counts: bool) -> None:
        self._counts = counts
        self._x = FollowingRange(0, 1)
        self._y = FollowingRange(0, 1)
        names = [f"chamber_{chamber}" for chamber in CHAMBERS]
        self.source = ColumnDataSource({key: [] for key in ["orbit", *names]})
        self.root = new_figure(
            x_label="Orbit number (1 orbit = 89.1 µs)",
            y_label=y_label,
            x=self._x,
            y=self._y,
            height=230,
            counts=counts,
        )
        for chamber, colour in zip(CHAMBERS, chamber_colours(), strict=True):
            self.root.step(
                "orbit",
                names[chamber],
                source=self.source,
                mode="center",
                line_width=1.5,
                color=colour,
                legend_label=f"chamber {chamber}",
            )
        self.root.xaxis.formatter = NumeralTickFormatter(format="0,0")
        self.root.xaxis.ticker.desired_num_ticks = 4  # ten digits each
        legend_above(self.root)
        self.root.legend.click_policy = "hide"

    def _show(self, blocks: ActiveByOrbit, values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> None:
        size = 1 << blocks.log2_orbits
        self.source.data = {
            "orbit": (blocks.block + 0.5) * size,
            **{f"chamber_{chamber}": values[:, chamber] for chamber in CHAMBERS},
        }
        if not len(values):
            self.root.title.text = "no orbit with a hit"
            return
        self._x.follow(float(blocks.block[0]) * size, float(blocks.block[-1] + 1) * size)
        self._y.follow(0, nice_above(float(values.max()), 1 if self._counts else 0.1))
        self.root.title.text = f"{int(blocks.orbits.sum()):,} orbits with a hit, in blocks of {size:,}"


class MeanActivePanel(_ActiveByOrbitPanel):
    """Mean number of active channels of the orbits that hold any hit."""

    def __init__(self) -> None:
        super().__init__("Active channels (mean)", counts=False)

    def update(self, summary: Summary) -> None:
        """Show a summary."""
        blocks = coarsened(summary.active_by_orbit, MAX_DRAWN)
        self._show(blocks, blocks.total / blocks.orbits[:, None])


class MaximumActivePanel(_ActiveByOrbitPanel):
    """Largest number of active channels in one orbit."""

    def __init__(self) -> None:
        super().__init__("Active channels (most)", counts=True)

    def update(self, summary: Summary) -> None:
        """Show a summary."""
        blocks = coarsened(summary.active_by_orbit, MAX_DRAWN)
        self._show(blocks, blocks.maximum.astype(np.float64))
