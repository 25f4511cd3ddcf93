"""One open page: what the reader chooses and what comes, brought together."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from bokeh.document import Document

from cosmo.dashboard import look
from cosmo.dashboard.collector import Collector, Snapshot, spans_s
from cosmo.dashboard.page import TABS, new_page
from cosmo.dashboard.view import LAST_BATCH, WHOLE_RUN, View, seconds
from cosmo.results import BEHIND_S
from cosmo.settings import DashboardSettings

REFRESH_MS: Final = 500


class Session:
    """Brings a page up to date when there is something new.

    Parameters
    ----------
    document : empty, of one browser.
    theme : colours to begin with.
    """

    def __init__(
        self,
        document: Document,
        collector: Collector,
        settings: DashboardSettings,
        theme: str = look.LIGHT,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._document = document
        self._collector = collector
        self._settings = settings
        self._clock = clock
        self._spans_s = spans_s(settings)
        self._view = View(WHOLE_RUN)
        self.page = new_page(document, self._spans_s, WHOLE_RUN, theme)
        self._drawn: object = None
        self._told: object = None
        controls = self.page.controls
        controls.on_change("tab", self._redraw)
        controls.on_change("window", self._choose_window)
        controls.on_change("theme", self._choose_theme)
        controls.on_change("paused", self._pause)
        self.refresh()
        document.add_periodic_callback(self.refresh, REFRESH_MS)

    def refresh(self) -> None:
        """Draw what has changed since the last time."""
        snapshot, now_s = self._collector.snapshot, self._clock()
        drawn = (self._newest(snapshot, now_s), self._view.window, self.page.controls.tab)
        if drawn != self._drawn:
            shown = self._view.shown(snapshot, now_s)
            self.page.update(shown, self.page.controls.tab)
            self._drawn, self._words = drawn, shown.words
        told = (snapshot.sequence, self._view.is_paused, drawn)
        if told != self._told:
            self.page.status.shown = self._status(snapshot, now_s)
            self._told = told

    def _newest(self, snapshot: Snapshot, now_s: float) -> object:
        """Return what decides whether the panels are up to date."""
        if self._view.is_paused:
            return "paused"
        if self._view.window.isdigit():  # results fall out of this window while nothing comes
            return snapshot.sequence, int(now_s // max(1, int(self._view.window) // 30))
        return snapshot.sequence

    def _status(self, snapshot: Snapshot, now_s: float) -> dict[str, Any]:
        run = snapshot.run
        rate = snapshot.rows_per_s
        notices = [f"{_messages(n)} skipped: {reason}" for reason, n in snapshot.skipped.items()]
        if snapshot.behind_s > BEHIND_S:
            notices.append(
                f"The analysis is behind: rows wait for it up to {seconds(snapshot.behind_s)}, so old is "
                "what you see. Send fewer rows/s (producer.rows_per_s) or add cores or workers, unless it is "
                "catching up after a pause"
            )
        if snapshot.missed:
            notices.append(
                f"{snapshot.missed:,} results of this run never came: what is summed up here is incomplete; "
                "see how long results are kept (topics.results)"
            )
        if snapshot.total.unframed:
            notices.append(
                f"{snapshot.total.unframed:,} rows came in records that are no timeslices: they count as "
                "hits, but not in orbits, drift times or live time"
            )
        return {
            "now_s": now_s,
            "run": run.number if run else None,
            "note": run.note if run else "",
            "source": run.source if run else "",
            "started": run.started if run else None,
            "ended": run.ended if run else None,
            "rows": f"{snapshot.total.rows:,}",
            "rows_per_s": None if rate is None else f"{rate:,.0f}",
            "live": seconds(snapshot.total.live_s),
            "results": f"{snapshot.results:,}",
            "last_result_s": snapshot.last_result_s,
            "last_data_s": snapshot.last_data_s,
            "quiet_after_s": self._settings.quiet_after_s,
            "waiting": snapshot.waiting,
            "notices": notices,
            "window": self._words,
            "paused_s": self._view.moment_s(now_s) if self._view.is_paused else None,
            "sequence": snapshot.sequence,
        }

    # -- what the reader chooses

    def _redraw(self, _name: str, _old: object, new: str) -> None:
        if new in TABS:
            self.refresh()

    def _choose_window(self, _name: str, _old: object, new: str) -> None:
        if new in {LAST_BATCH, WHOLE_RUN, *map(str, self._spans_s)}:  # a browser can send anything
            self._view.window = new
            self.refresh()

    def _choose_theme(self, _name: str, _old: object, new: str) -> None:
        self._document.theme = look.plot_theme(look.DARK if new == look.DARK else look.LIGHT)

    def _pause(self, _name: str, _old: object, new: bool) -> None:
        snapshot, now_s = self._collector.seal(), self._clock()
        if new:
            self._view.pause(snapshot, now_s)
        else:
            self._view.resume(now_s, with_what_came=self.page.controls.collecting)
        self.refresh()


def _messages(number: int) -> str:
    return "1 message" if number == 1 else f"{number:,} messages"
