"""Panel: hits per second of live time, of each chamber."""

from __future__ import annotations

from cosmo.dashboard.look import chamber_colours
from cosmo.dashboard.plots import CHAMBERS
from cosmo.dashboard.timeline import Timeline


class HitRatePanel(Timeline):
    """Hits of a batch over the live time of its slices, so the pace of the stream does not matter."""

    def __init__(self) -> None:
        colours = chamber_colours()
        curves = {f"hits_per_s_{chamber}": (f"chamber {chamber}", colours[chamber]) for chamber in CHAMBERS}
        super().__init__(curves, "Hits/s of live time", "/s", height=280)
