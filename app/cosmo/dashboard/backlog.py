"""Panel: slices that wait to be analysed."""

from __future__ import annotations

from cosmo.dashboard.look import curve_colours
from cosmo.dashboard.timeline import Timeline


class BacklogPanel(Timeline):
    """Records of the stream behind a batch; of several in one point, the largest."""

    def __init__(self) -> None:
        curves = {"backlog_slices": ("backlog", curve_colours()[0])}
        super().__init__(curves, "Backlog (timeslices)", "timeslices")
