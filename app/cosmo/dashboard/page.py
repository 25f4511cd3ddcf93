"""The page: one mapping of names to panels, and the document around them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final, Protocol

import jinja2
from bokeh.document import Document
from bokeh.models import CustomJS
from bokeh.resources import Resources
from bokeh.server.views.static_handler import StaticHandler

from cosmo.dashboard import look
from cosmo.dashboard.active_by_orbit import MaximumActivePanel, MeanActivePanel
from cosmo.dashboard.active_channels import ActiveChannelsPanel
from cosmo.dashboard.backlog import BacklogPanel
from cosmo.dashboard.batch_duration import BatchDurationPanel
from cosmo.dashboard.drift_time import DriftTimePanel
from cosmo.dashboard.hit_rate import HitRatePanel
from cosmo.dashboard.hits_table import HitsTable
from cosmo.dashboard.input_rate import InputRatePanel
from cosmo.dashboard.latency import LatencyPanel
from cosmo.dashboard.models import Controls, Status
from cosmo.dashboard.occupancy import OccupancyPanel
from cosmo.dashboard.plots import CHAMBERS
from cosmo.dashboard.row_fates import RowFatesPanel
from cosmo.dashboard.slice_account import SliceAccountPanel
from cosmo.dashboard.view import LAST_BATCH, WHOLE_RUN, Shown

QUALITY: Final = "quality"
MONITOR: Final = "monitor"
TABS: Final = {QUALITY: "Data quality", MONITOR: "Monitor"}


class Panel(Protocol):
    """Laid out once; `update` replaces all columns of the source."""

    root: Any
    source: Any

    def update(self, value: Any, /) -> None:  # noqa: ANN401  # a Summary or points: see `Card.takes`
        """Show a value."""


@dataclass(frozen=True)
class Card:
    """A panel and its place."""

    tab: str
    title: str
    width: int  #: in twelfths of the page
    panel: Panel
    takes: Callable[[Shown], Any]  #: the part of what is shown that the panel draws


def _window(shown: Shown) -> Any:  # noqa: ANN401
    return shown.window


def _run(shown: Shown) -> Any:  # noqa: ANN401
    return shown.run


def _points(shown: Shown) -> Any:  # noqa: ANN401
    return shown.points


def new_cards() -> dict[str, Card]:
    """Return fresh panels by name, in the order of the page."""
    occupancy = OccupancyPanel(lambda summary: summary.occupancy)
    triggered = OccupancyPanel(lambda summary: summary.scintillator_occupancy)
    cards = {
        "hits": Card(QUALITY, "Processed hits", 5, HitsTable(), _window),
        "occupancy": Card(QUALITY, "Hits per channel", 7, occupancy, _window),
        "active_channels": Card(QUALITY, "Active channels in an orbit", 5, ActiveChannelsPanel(), _window),
        "scintillator_occupancy": Card(
            QUALITY, "Hits per channel, orbits with a scintillator hit", 7, triggered, _window
        ),
        "active_mean": Card(QUALITY, "Active channels against orbit: mean", 6, MeanActivePanel(), _window),
        "active_maximum": Card(
            QUALITY, "Active channels against orbit: maximum", 6, MaximumActivePanel(), _window
        ),
    }
    for chamber in CHAMBERS:
        title = f"Drift time, chamber {chamber}"
        cards[f"drift_time_{chamber}"] = Card(QUALITY, title, 3, DriftTimePanel(chamber), _window)
    return cards | {
        "hit_rate": Card(MONITOR, "Hit rate of each chamber", 12, HitRatePanel(), _points),
        "input_rate": Card(MONITOR, "Input rate", 6, InputRatePanel(), _points),
        "latency": Card(MONITOR, "Latency, from row to result", 6, LatencyPanel(), _points),
        "batch_duration": Card(MONITOR, "Batch duration", 6, BatchDurationPanel(), _points),
        "backlog": Card(MONITOR, "Backlog", 6, BacklogPanel(), _points),
        "row_fates": Card(MONITOR, "What became of the rows", 7, RowFatesPanel(), _window),
        "slices": Card(MONITOR, "Timeslices", 5, SliceAccountPanel(), _run),
    }


@dataclass(frozen=True)
class Page:
    """The models of one open page."""

    cards: dict[str, Card]
    controls: Any
    status: Any

    def update(self, shown: Shown, tab: str) -> None:
        """Draw what is to be seen of one tab; the other is drawn when it is chosen."""
        for card in self.cards.values():
            if card.tab == tab:
                card.panel.update(card.takes(shown))


def new_page(document: Document, spans_s: tuple[int, ...], window: str, theme: str) -> Page:
    """Fill an empty document.

    Parameters
    ----------
    spans_s : windows of receipt to choose from, in s.
    window : chosen at the start.
    theme : `look.LIGHT` or `look.DARK`.
    """
    page = Page(new_cards(), Controls(window=window, theme=theme, name="controls"), Status(name="status"))
    with document.models.freeze():  # or each root would make bokeh go through all models before it
        for name, card in page.cards.items():
            card.panel.root.name = name
            card.panel.source.name = f"{name}_data"
            document.add_root(card.panel.root)
        document.add_root(page.controls)
        document.add_root(page.status)
    document.title = "COSMO"
    document.theme = look.plot_theme(theme)
    document.config.notify_connection_status = False  # the page has its own words for it
    both = {"controls": page.controls, "status": page.status}
    document.js_on_event("document_ready", CustomJS(args=both, code="cosmo.start(controls, status)"))
    document.js_on_event("connection_lost", CustomJS(code="cosmo.lost()"))
    document.js_on_event("client_reconnected", CustomJS(code="cosmo.found()"))
    document.template = _template()
    document.template_variables.update(
        cards=page.cards,
        tabs=TABS,
        windows=_windows(spans_s),
        chosen=window,
        theme=theme,
        scripts=_scripts(),
        css_variables=look.css_variables(),
        css=_text("page.css"),
        js=_text("page.js"),
    )
    return page


def _windows(spans_s: tuple[int, ...]) -> dict[str, str]:
    """Return what each choice of the window is called."""
    spans = {str(span): f"last {_duration(span)}" for span in spans_s}
    return {LAST_BATCH: "last batch", **spans, WHOLE_RUN: "whole run"}


def _duration(span_s: int) -> str:
    for unit, size in (("h", 3600), ("min", 60)):
        if span_s % size == 0:
            return f"{span_s // size} {unit}"
    return f"{span_s} s"


def _scripts() -> list[str]:
    """Return the addresses of Bokeh's scripts on this server, of only the parts that are used."""
    resources = Resources(
        mode="server",
        root_url="",
        components=["bokeh", "bokeh-widgets"],
        path_versioner=StaticHandler.append_version,
    )
    return list(resources.js_files)


def _text(name: str) -> str:
    return (files(__package__) / "page" / name).read_text(encoding="utf-8")


def _template() -> jinja2.Template:
    # The variables are ours alone: what comes from messages is put in by page.js, as text.
    return jinja2.Environment(autoescape=False).from_string(_text("page.html.jinja"))  # noqa: S701
