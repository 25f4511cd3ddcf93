"""What the curves over time have in common."""

from __future__ import annotations

from typing import Final

import numpy as np
from bokeh.models import ColumnDataSource, CustomJSTickFormatter, DatetimeTicker

from cosmo.dashboard.history import Columns, Point, columns
from cosmo.dashboard.plots import FollowingRange, legend_above, new_figure, nice_above

_LEAST_SPAN_MS: Final = 60_000.0

# Bokeh writes times in UTC; the reader's own zone is known to the browser alone.
_LOCAL_TIME: Final = """
const [first, second] = [ticks[0], ticks[1]];
const fine = second === undefined || second - first < 60000;
const shape = {hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...(fine ? {second: "2-digit"} : {})};
return new Date(tick).toLocaleTimeString(undefined, shape);
"""


class Timeline:
    """Curves over the time of publication.

    Parameters
    ----------
    curves : column of `history.columns` -> label and colour (a CSS colour).
    unit : written after a value.
    """

    def __init__(
        self, curves: dict[str, tuple[str, str]], y_label: str, unit: str, *, height: int = 220
    ) -> None:
        self._names = list(curves)
        self._curves = curves
        self._unit = unit
        self._x = FollowingRange(0, _LEAST_SPAN_MS)
        self._y = FollowingRange(0, 1)
        self.source = ColumnDataSource({key: [] for key in ["time_ms", *curves]})
        self.root = new_figure(x_label="Local time", y_label=y_label, x=self._x, y=self._y, height=height)
        self.root.xaxis.ticker = DatetimeTicker(desired_num_ticks=6)
        self.root.xaxis.formatter = CustomJSTickFormatter(code=_LOCAL_TIME)
        for key, (label, colour) in curves.items():
            named = {"legend_label": label} if len(curves) > 1 else {}
            self.root.line("time_ms", key, source=self.source, line_width=1.8, color=colour, **named)
        if len(curves) > 1:
            legend_above(self.root)
            self.root.legend.click_policy = "hide"

    def update(self, points: tuple[Point, ...]) -> None:
        """Show the points of the history."""
        every = columns(points)
        self.source.data = {key: every[key] for key in ["time_ms", *self._names]}
        if not points:
            return
        values = np.concatenate([every[name] for name in self._names])
        if not np.isnan(values).all():
            self._y.follow(0, nice_above(float(np.nanmax(values))))
        last_ms = 1000 * points[-1].published_s
        self._x.follow(min(1000 * points[0].published_s, last_ms - _LEAST_SPAN_MS), last_ms)
        self.root.title.text = self._words(every)

    def _words(self, every: Columns) -> str:
        """Return the newest value of each curve that has one."""
        words = []
        for name, (label, _) in self._curves.items():
            known = every[name][~np.isnan(every[name])]
            if len(known):
                value = f"{known[-1]:,.0f} {self._unit}".strip()
                words.append(f"{label}: {value}" if len(self._curves) > 1 else value)
        return "newest: " + " · ".join(words) if words else "no data"
