"""Panel: the age of rows when their result is published."""

from __future__ import annotations

from cosmo.dashboard.look import curve_colours
from cosmo.dashboard.timeline import Timeline


class LatencyPanel(Timeline):
    """Age of the earliest and of the latest row of a batch: all others lie between."""

    def __init__(self) -> None:
        first, second = curve_colours()
        curves = {
            "latency_first_ms": ("earliest row", second),
            "latency_last_ms": ("latest row", first),
        }
        super().__init__(curves, "Row to result (ms)", "ms")
