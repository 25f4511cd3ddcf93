"""What all plots have in common: the figure, and ranges that follow the data."""

from __future__ import annotations

import math
from typing import Any, Final

from bokeh.models import HoverTool, NumeralTickFormatter, Range1d
from bokeh.plotting import figure

from cosmo.detector import N_CHAMBERS

CHAMBERS: Final = range(N_CHAMBERS)
_STEPS: Final = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)


def nice_above(value: float, least: float = 1.0) -> float:
    """Return a round number a little above a value, so that an axis seldom moves; at least `least`."""
    wanted = max(1.05 * value, least)
    decade = 10.0 ** math.floor(math.log10(wanted))
    return next(step * decade for step in _STEPS if step * decade >= wanted * (1 - 1e-12))


class FollowingRange:
    """The range of an axis that follows the data, until the reader zooms; a reset follows again."""

    def __init__(self, start: float, end: float) -> None:
        self.range = Range1d(start, end, reset_start=start, reset_end=end)
        self._target = (start, end)

    def follow(self, start: float, end: float) -> None:
        """Show from `start` to `end`, unless the reader looks at something else."""
        is_zoomed = (self.range.start, self.range.end) != self._target
        if (start, end) == self._target:
            return
        self._target = (start, end)
        self.range.update(reset_start=start, reset_end=end)
        if not is_zoomed:
            self.range.update(start=start, end=end)


def new_figure(
    *,
    x_label: str,
    y_label: str,
    x: FollowingRange,
    y: FollowingRange,
    height: int = 260,
    hover: list[tuple[str, str]] | None = None,
    counts: bool = True,
    **options: Any,  # noqa: ANN401  # handed on to bokeh
) -> Any:  # noqa: ANN401  # a bokeh figure, which mypy does not follow
    """Return an empty figure as wide as its card; `counts` says that its y axis counts something."""
    plot = figure(
        height=height,
        sizing_mode="stretch_width",
        x_range=x.range,
        y_range=y.range,
        x_axis_label=x_label,
        y_axis_label=y_label,
        tools="xpan,box_zoom,xwheel_zoom,reset,save",
        active_drag="box_zoom",
        active_scroll=None,  # scrolling moves the page; the wheel zooms when its tool is chosen
        title="no data yet",  # an empty one would get no room, nor later a text
        toolbar_location="above",  # in the line of the title: beside the frame it would take width
        min_border=4,
        min_border_left=64,
        **options,
    )
    plot.toolbar.logo = None
    plot.toolbar.autohide = True
    plot.xgrid.grid_line_color = None
    if hover:
        plot.add_tools(HoverTool(tooltips=hover, mode="vline"))
    if options.get("y_axis_type") != "log":
        plot.yaxis.formatter = NumeralTickFormatter(format="0,0.[00]")
        plot.yaxis.ticker.min_interval = 1 if counts else 0
    return plot


def legend_above(plot: Any) -> None:  # noqa: ANN401  # a bokeh figure
    """Put the legend over the frame, in one line."""
    plot.legend.orientation = "horizontal"
    plot.legend.padding = 0
    plot.legend.margin = 0
    plot.legend.spacing = 14
    plot.add_layout(plot.legend[0], "above")
