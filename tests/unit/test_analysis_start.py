"""Where an analysis goes on from: the newest result it found, and what adds up with those before."""

from __future__ import annotations

import pickle
import threading
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest

from cosmo.analysis import Analysis
from cosmo.settings import Settings
from cosmo.slice_numbers import SliceNumbers
from cosmo.statistics import Summary
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


def one_slice(partitions, number):
    return Summary.counting(numbers=SliceNumbers.of(partitions, number % partitions, [number]))


class MixedBroker(GrowingBroker):
    """Result 4, of another number of partitions, was published after the total through number 2."""

    def __init__(self):
        self.log = MagicMock()

    def results(self, _run, after):
        return [result(number, one_slice(16 if number == 4 else 8, number)) for number in range(after + 1, 6)]

    def run_messages(self):
        return {}, {1: run_total(2, one_slice(8, 2))}

    def numbered_log(self, *_):
        return self.log


def test_a_result_that_does_not_add_up_is_not_in_its_total(caplog):
    broker = MixedBroker()
    Analysis(SETTINGS, broker, run_record(), threading.Event()).close()
    assert broker.put.summary.summary().numbers.count == 2
    assert caplog.messages[0].startswith("result 4 of run 1 is left out of the sum: ")


def test_a_batch_that_does_not_add_up_is_not_published():
    broker = MixedBroker()
    analysis = Analysis(SETTINGS, broker, run_record(), threading.Event())
    row = {"partition": 0, "next_offset": 9, "first_release": 1.0, "last_release": 0.0}
    batch = MagicMock()
    batch.collect.return_value = [SimpleNamespace(**row, summary=pickle.dumps(one_slice(16, 16)))]
    with pytest.raises(ValueError, match="a topic with 8 partitions, got 16"):
        analysis.measure_batch(batch, 0)
    broker.log.publish.assert_not_called()
