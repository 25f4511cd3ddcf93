"""Invented results as they would come from a broker."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from cosmo.dashboard.collector import Collector
from cosmo.dashboard.history import published_s
from cosmo.fake import FakeRun
from cosmo.settings import Settings


class FakeFeed:
    """Gives out each result of a fake run when its time has come; those of the past at once."""

    def __init__(self, settings: Settings, fake: FakeRun, clock: Callable[[], float] = time.time) -> None:
        self.collector = Collector(settings.dashboard)
        self._fake = fake
        self._clock = clock

    def run(self, stop: threading.Event) -> None:
        """Fill the collector until stopped."""
        self.collector.begin(self._fake.record, None)
        for result in self._fake.results():
            due_s = published_s(result)
            if stop.wait(max(0.0, due_s - self._clock())):
                return
            self.collector.add(result, due_s)
