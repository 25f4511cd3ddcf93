"""Where an analysis goes on from: the newest result it found, and what adds up with those before."""

from __future__ import annotations

import pickle
import threading
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest

from cosmo.analysis import Analysis
from cosmo.broker import Newest
from cosmo.results import MOST_COUNTED
from cosmo.settings import Settings
from cosmo.slice_numbers import SliceNumbers
from cosmo.statistics import Summary
from dashboard_results import hits_summary, result, run_record, run_total

SETTINGS = Settings.load(Path(__file__).parents[2] / "config" / "localhost" / "cosmo.yml")


class GrowingBroker:
    """Another analysis publishes number 5 between the first look, which finds 4, and the second."""

    topics = SETTINGS.topics

    def newest_result(self, _run):
        return result(4, 1), Newest(None, {0: 5}, {0: 4})

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


class ForgetfulBroker(GrowingBroker):
    """Of the results up to the total through number 1000 the newest that is still there is `newest`."""

    def __init__(self, newest):
        self.newest = newest

    def newest_result(self, _run):
        highest = -1 if self.newest is None else self.newest
        there = None if self.newest is None else result(self.newest, 1)
        return there, Newest(None, {0: 2000}, {0: highest})

    def results(self, _run, _after):
        return []

    def run_messages(self):
        total = run_total(1000, hits_summary(3))
        return {}, {1: total.model_copy(update={"offsets": {"0": 500}, "highest": {"0": 998}})}

    def numbered_log(self, *given):
        self.given = given
        return super().numbered_log()


@pytest.mark.parametrize("newest", [None, 7, 999])
def test_it_goes_on_from_the_total_where_results_are_past_their_retention(newest):
    broker = ForgetfulBroker(newest)
    analysis = Analysis(SETTINGS, broker, run_record(), threading.Event())
    assert analysis.offsets == {0: 500}
    assert analysis._highest == {0: 998}
    assert analysis._number == 1001
    assert broker.given[1:] == (1, Newest(None, {0: 2000}, {0: 1000}))
    analysis.close()
    assert (broker.put.number, broker.put.summary.summary().rows) == (1000, 3)
    assert broker.put.offsets == {"0": 500}


def test_it_goes_on_from_a_result_above_the_total():
    broker = ForgetfulBroker(1001)
    analysis = Analysis(SETTINGS, broker, run_record(), threading.Event())
    assert (analysis._number, analysis.offsets) == (1002, {0: 1001})
    assert broker.given[2].highest == {0: 1001}


def test_a_run_without_result_or_total_starts_from_its_start_offsets():
    broker = ForgetfulBroker(None)
    broker.run_messages = lambda: ({}, {})
    analysis = Analysis(SETTINGS, broker, run_record(start_offsets={"0": 5}), threading.Event())
    assert (analysis._number, analysis.offsets, broker.given[2].highest) == (0, {0: 5}, {0: -1})


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


def test_a_sum_that_no_message_holds_stops_no_analysis(caplog, monkeypatch):
    broker = GrowingBroker()
    most = Summary.counting(unmapped=MOST_COUNTED)
    monkeypatch.setattr(broker, "results", lambda _, after: [result(n, most) for n in range(after + 1, 5)])
    Analysis(SETTINGS, broker, run_record(), threading.Event()).close()
    assert not hasattr(broker, "put")
    assert caplog.messages == ["the total up to result 4 is not written: it counts more than rows can be"]


def test_a_batch_that_does_not_add_up_is_not_published():
    broker = MixedBroker()
    analysis = Analysis(SETTINGS, broker, run_record(), threading.Event())
    row = {"partition": 0, "next_offset": 9, "first_release": 1.0, "last_release": 0.0}
    batch = MagicMock()
    batch.collect.return_value = [SimpleNamespace(**row, summary=pickle.dumps(one_slice(16, 16)))]
    with pytest.raises(ValueError, match="a topic with 8 partitions, got 16"):
        analysis.measure_batch(batch, 0)
    broker.log.publish.assert_not_called()
