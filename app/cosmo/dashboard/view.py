"""What one page shows: the window chosen, and what a pause leaves out. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from cosmo.dashboard.collector import Batch, Snapshot
from cosmo.dashboard.history import Point
from cosmo.dashboard.recent import total
from cosmo.statistics import Summary

LAST_BATCH = "batch"
WHOLE_RUN = "run"
"""Every other window is a number of seconds of receipt, such as "60"."""


@dataclass(frozen=True)
class Shown:
    """What the panels draw."""

    window: Summary  #: of the window chosen
    run: Summary  #: of the whole run
    points: tuple[Point, ...]
    words: str  #: what the window holds


@dataclass(frozen=True)
class Stretch:
    """A time of receipt, in Unix seconds: after the first, up to and with the last."""

    after_s: float
    last_s: float

    def holds(self, time_s: float) -> bool:
        """Whether a time lies in the stretch."""
        return self.after_s < time_s <= self.last_s


class View:
    """The state of one page.

    A pause holds the page still. Results that come meanwhile are always received, kept and added to the run.
    If the page goes on collecting, all of them are there when it resumes. If not, they are left out of its
    last batch, its windows of receipt and its curves over time; the whole run always holds everything.
    """

    def __init__(self, window: str) -> None:
        self.window = window
        self._held: Snapshot | None = None
        self._held_at_s = 0.0
        self._left_out: list[Stretch] = []
        self._batch: Batch | None = None  # the newest that was not left out
        self._run: int | None = None

    @property
    def is_paused(self) -> bool:
        """Whether the page holds still."""
        return self._held is not None

    def pause(self, snapshot: Snapshot, now_s: float) -> None:
        """Hold still."""
        if self._held is None:
            self._held, self._held_at_s = self._seen(snapshot), now_s

    def resume(self, now_s: float, *, with_what_came: bool) -> None:
        """Go on."""
        if self._held is not None and not with_what_came:
            self._left_out.append(Stretch(self._held_at_s, now_s))
        self._held = None

    def moment_s(self, now_s: float) -> float:
        """Return the time that the page shows, in Unix s."""
        return self._held_at_s if self._held is not None else now_s

    def shown(self, snapshot: Snapshot, now_s: float) -> Shown:
        """Return what to draw now."""
        snapshot = self._held or self._seen(snapshot)
        now_s = self.moment_s(now_s)
        points = tuple(point for point in snapshot.history if self._is_in(point.received_s))
        window, words = self._window(snapshot, now_s)
        return Shown(window, snapshot.total, points, words)

    def _seen(self, snapshot: Snapshot) -> Snapshot:
        run = snapshot.run.number if snapshot.run else None
        if run != self._run:
            self._run, self._left_out, self._batch = run, [], None
        if snapshot.batch and self._is_in(snapshot.batch.received_s):
            self._batch = snapshot.batch
        return snapshot

    def _is_in(self, received_s: float) -> bool:
        return not any(stretch.holds(received_s) for stretch in self._left_out)

    def _window(self, snapshot: Snapshot, now_s: float) -> tuple[Summary, str]:
        if self.window == WHOLE_RUN:
            return snapshot.total, _words(snapshot.total, f"{snapshot.results:,} results of the run")
        if self.window == LAST_BATCH:
            if self._batch is None:
                return Summary.empty(), "no batch with rows yet"
            words = f"result {self._batch.number:,}, {self._batch.interval_s:.1f} s of streaming"
            return self._batch.summary, _words(self._batch.summary, words)
        span_s = int(self.window)
        buckets = [
            bucket
            for bucket in snapshot.recent.get(span_s, ())
            if bucket.last_s >= now_s - span_s and bucket.first_s <= now_s and self._is_in(bucket.first_s)
        ]
        summary = total(buckets)
        return summary, _words(summary, f"received in the last {span_s:,} s")


def _words(summary: Summary, what: str) -> str:
    return f"{what} · {summary.rows:,} rows · {seconds(summary.live_s)} live"


def seconds(time_s: float) -> str:
    """Return a time in words: whole seconds, or three digits of a short one."""
    if 0 < time_s < 0.001:
        return f"{1000 * time_s:.3g} ms"
    return f"{time_s:,.0f} s" if time_s >= 100 else f"{time_s:.3g} s"
