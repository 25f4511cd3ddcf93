"""Where an analysis goes on from: the newest result it found, whatever comes after that."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace

from cosmo.analysis import Analysis
from cosmo.settings import Settings
from dashboard_results import hits_summary, result, run_record, run_total

SETTINGS = Settings.load(Path(__file__).parents[2] / "config" / "localhost" / "cosmo.yml")


class GrowingBroker:
    """Another analysis publishes number 5 between the first look, which finds 4, and the second."""

    topics = SETTINGS.topics

    def newest_result(self, _run):
        return result(4, 1), None

    def results(self, _run, after):
        return [result(number, 1) for number in range(after + 1, 6)]

    def run_messages(self):
        return {}, {1: run_total(2, hits_summary(3))}

    def numbered_log(self, *_):
        return SimpleNamespace(close=lambda: None)

    def watch_ends(self, _topic):
        return SimpleNamespace(close=lambda: None)

    def put_total(self, total):
        self.put = total


def test_its_total_holds_the_results_through_the_newest_it_found():
    broker = GrowingBroker()
    Analysis(SETTINGS, broker, run_record(), threading.Event()).close()
    assert broker.put.number == 4
    assert broker.put.summary.summary().rows == 5  # one each of 0 to 4
