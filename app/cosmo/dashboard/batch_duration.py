"""Panel: how long a batch takes."""

from __future__ import annotations

from cosmo.dashboard.look import curve_colours
from cosmo.dashboard.timeline import Timeline


class BatchDurationPanel(Timeline):
    """From the start of a batch to its publication; of several in one point, the longest."""

    def __init__(self) -> None:
        curves = {"batch_ms": ("batch", curve_colours()[0])}
        super().__init__(curves, "Batch duration (ms)", "ms")
