"""Panel: hits per channel, stacked by chamber."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from bokeh.models import ColumnDataSource

from cosmo.dashboard.look import chamber_colours
from cosmo.dashboard.plots import CHAMBERS, FollowingRange, legend_above, new_figure, nice_above
from cosmo.detector import N_CHANNELS
from cosmo.statistics import Histogram, Summary


class OccupancyPanel:
    """One bar a channel, with a part for each chamber.

    Parameters
    ----------
    histogram : takes chamber x channel, shape (4, 64), from a summary.
    """

    def __init__(self, histogram: Callable[[Summary], Histogram]) -> None:
        self._histogram = histogram
        self._y = FollowingRange(0, 1)
        names = [f"chamber_{chamber}" for chamber in CHAMBERS]
        channels = list(range(N_CHANNELS))
        self.source = ColumnDataSource({"channel": channels, **{key: [0] * N_CHANNELS for key in names}})
        self.root = new_figure(
            x_label="Channel of the chamber (0 to 63)",
            y_label="Hits per channel",
            x=FollowingRange(-0.7, N_CHANNELS - 0.3),
            y=self._y,
            hover=[("channel", "@channel"), *((f"chamber {c}", f"@chamber_{c}{{0,0}}") for c in CHAMBERS)],
        )
        self.root.vbar_stack(
            names,
            x="channel",
            width=0.86,
            color=chamber_colours(),
            legend_label=[f"chamber {chamber}" for chamber in CHAMBERS],
            source=self.source,
        )
        self.root.xaxis.ticker = list(range(0, N_CHANNELS, 4))
        # All four parts of a bar answer the pointer; one tooltip says it all.
        self.root.hover.renderers = self.root.renderers[:1]
        legend_above(self.root)

    def update(self, summary: Summary) -> None:
        """Show a summary."""
        counts = self._histogram(summary).values().astype(np.int64)
        self.source.data = {
            "channel": np.arange(N_CHANNELS),
            **{f"chamber_{chamber}": counts[chamber] for chamber in CHAMBERS},
        }
        self._y.follow(0, nice_above(float(counts.sum(axis=0).max())))
        self.root.title.text = _words(counts)


def _words(counts: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> str:
    total = int(counts.sum())
    if not total:
        return "no hits"
    chamber, channel = np.unravel_index(int(counts.argmax()), counts.shape)
    share = 100 * counts[chamber, channel] / total
    return f"{total:,} hits; most in chamber {chamber}, channel {channel} ({share:.1f} %)"
