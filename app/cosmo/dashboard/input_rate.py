"""Panel: rows per second that reach the analysis."""

from __future__ import annotations

from cosmo.dashboard.look import curve_colours
from cosmo.dashboard.timeline import Timeline


class InputRatePanel(Timeline):
    """Rows of a result over the time since the result before."""

    def __init__(self) -> None:
        curves = {"rows_per_s": ("rows", curve_colours()[0])}
        super().__init__(curves, "Rows/s", "rows/s")
