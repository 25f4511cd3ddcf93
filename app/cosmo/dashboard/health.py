"""What the server says of itself to probes: one JSON object at /healthz."""

from __future__ import annotations

from collections.abc import Callable

from tornado.web import RequestHandler

from cosmo.dashboard.feed import Feed


class HealthHandler(RequestHandler):
    """The run shown and how old its newest result and newest data are, in s; null where there is none.

    An age is negative where the clock was set back since. `behind_s` is how long rows wait for the analysis.
    """

    def initialize(self, feed: Feed, clock: Callable[[], float]) -> None:
        """Take what is asked about."""
        self._feed = feed
        self._clock = clock

    def get(self) -> None:
        """Answer."""
        snapshot, now_s = self._feed.collector.snapshot, self._clock()

        def age_s(then_s: float | None) -> float | None:
            return None if then_s is None else round(now_s - then_s, 3)

        self.set_header("Cache-Control", "no-store")
        self.finish(
            {
                "run": snapshot.run.number if snapshot.run else None,
                "results": snapshot.results,
                "rows": snapshot.total.rows,
                "result_age_s": age_s(snapshot.last_result_s),
                "data_age_s": age_s(snapshot.last_data_s),
                "behind_s": round(snapshot.behind_s, 3),
                "skipped_messages": sum(snapshot.skipped.values()),
                "missed_results": snapshot.missed,
                "waiting": snapshot.waiting,
            }
        )
