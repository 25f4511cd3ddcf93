"""From a broker, here one in memory, to the collector."""

from __future__ import annotations

import json
import logging
import threading
import time
from pathlib import Path

import pytest

from cosmo.broker import Record
from cosmo.dashboard import feed as feeds
from cosmo.dashboard.fake_feed import FakeFeed
from cosmo.dashboard.feed import BrokerFeed
from cosmo.errors import BrokerAway
from cosmo.fake import FakeRun
from cosmo.settings import Settings
from dashboard_results import BEGAN_S, hits_summary, result, run_record, run_total

SETTINGS = Settings.load(Path(__file__).parents[2] / "config" / "localhost" / "cosmo.yml")
RESULTS, RUNS = SETTINGS.topics.results.name, SETTINGS.topics.runs.name


class MemoryBroker:
    """The part of `Broker` that a feed uses, with topics as lists."""

    def __init__(self):
        self.topics = {RESULTS: [], RUNS: []}
        self.runs, self.totals = {}, {}
        self.is_away = False
        self.read_records = 0
        self.read_runs = 0

    def put(self, message, *, topic=RESULTS, key=None, headers=()):
        offset = len(self.topics[topic])
        self.topics[topic].append(Record(0, offset, BEGAN_S + offset, key, message, list(headers)))

    def put_result(self, each, *, value=None):
        headers = [("run", str(each.run).encode()), ("number", str(each.number).encode())]
        self.put(value or each.to_json(), headers=headers)

    def put_run(self, record):
        self.runs[record.number] = record
        self.put(record.to_json(), topic=RUNS, key=f"run:{record.number}".encode())

    def _answer(self):
        if self.is_away:
            raise BrokerAway("expected a broker at nowhere:1, got nothing; start it")

    def end_offsets(self, topic):
        self._answer()
        return {0: len(self.topics[topic])}

    def run_messages(self):
        self._answer()
        self.read_runs += 1
        return dict(self.runs), dict(self.totals)

    def read(self, topic, start, end):
        self._answer()
        records = self.topics[topic][start[0] : end[0]]
        self.read_records += len(records)
        return records

    def follow(self, topic, start):
        return MemoryFollower(self, topic, start[0])


class MemoryFollower:
    def __init__(self, broker, topic, offset):
        self.broker, self.topic, self.offset = broker, topic, offset

    def poll(self, timeout_ms):
        self.broker._answer()
        if self.offset > len(self.broker.topics[self.topic]):
            self.offset = 0  # as Kafka's client does where a topic was made again
        records = self.broker.topics[self.topic][self.offset :]
        self.offset += len(records)
        if not records:
            threading.Event().wait(min(timeout_ms, 10) / 1000)
        return records

    def close(self):
        pass


@pytest.fixture
def broker():
    broker = MemoryBroker()
    broker.put_run(run_record())
    return broker


@pytest.fixture
def following(broker):
    """Start feeds, and stop them."""
    stop, threads = threading.Event(), []

    def start():
        feed = BrokerFeed(SETTINGS, broker)
        threads.append(threading.Thread(target=feed.run, args=(stop,)))
        threads[-1].start()
        return feed.collector

    yield start
    stop.set()
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()


def until(condition, deadline_s=20):
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        threading.Event().wait(0.005)


def hits(collector):
    return int(collector.snapshot.total.hits[0])


def test_starts_from_the_newest_total_and_adds_what_is_above(broker, following):
    for number in range(10):
        broker.put_result(result(number, 1))
    broker.totals[1] = run_total(6, hits_summary(7))
    collector = following()
    until(lambda: hits(collector) == 10)
    assert collector.snapshot.results == 10


def test_follows_and_ignores_repeats(broker, following):
    collector = following()
    broker.put_result(result(0, 1))
    broker.put_result(result(0, 50))
    broker.put_result(result(1, 2))
    broker.put_result(result(0, 50))
    broker.put_result(result(2, 4))
    until(lambda: collector.snapshot.results == 3)
    assert hits(collector) == 7


def test_looks_back_only_as_far_as_needed(broker, following, monkeypatch):
    monkeypatch.setattr(feeds, "LOOK_BACK", 16)
    n = 3 * feeds.LOOK_BACK
    message = result(0, 0).to_json()
    for _ in range(n):
        broker.put_result(result(0, 0), value=message)
    last = result(n, 5)
    broker.put_result(last)
    broker.totals[1] = run_total(n - 1, hits_summary(2))
    # The newest 16 records start with repeats of number 0, which is not above the total: far enough.
    collector = following()
    until(lambda: hits(collector) == 7)
    assert broker.read_records == feeds.LOOK_BACK


def test_without_a_total_reads_to_the_beginning(broker, following, monkeypatch):
    monkeypatch.setattr(feeds, "LOOK_BACK", 4)
    for number in range(30):
        broker.put_result(result(number, 1))
    collector = following()
    until(lambda: hits(collector) == 30)
    assert collector.snapshot.missed == 0


def test_shows_the_newest_run_and_goes_over_to_a_newer_one(broker, following):
    broker.put_result(result(0, 1))
    collector = following()
    until(lambda: hits(collector) == 1)
    broker.put_run(run_record(2, note="next"))
    broker.put_result(result(0, 5, run=2))
    broker.put_result(result(1, 9, run=1))  # a late one of the run before
    until(lambda: hits(collector) == 5)
    assert collector.snapshot.run.note == "next"


def test_takes_in_the_end_of_the_run(broker, following):
    collector = following()
    until(lambda: collector.snapshot.run is not None)
    broker.put_run(run_record(ended="2023-11-15T00:00:00.000+00:00"))
    until(lambda: collector.snapshot.run.ended is not None)


def test_a_total_does_not_make_it_read_all_runs_again(broker, following):
    collector = following()
    until(lambda: collector.snapshot.run is not None)
    broker.put(run_total(0, hits_summary(1)).to_json(), topic=RUNS, key=b"total:1")
    broker.put_run(run_record(note="after the total"))
    until(lambda: collector.snapshot.run.note == "after the total")
    assert broker.read_runs == 1


def test_waits_for_a_run_and_says_so(broker, following):
    broker.runs.clear()
    collector = following()
    until(lambda: "there is none" in (collector.snapshot.waiting or ""))
    broker.put_run(run_record())
    until(lambda: collector.snapshot.run is not None)
    assert collector.snapshot.waiting is None


def test_survives_an_outage(broker, following, caplog):
    caplog.set_level(logging.WARNING)
    broker.put_result(result(0, 1))
    collector = following()
    until(lambda: hits(collector) == 1)
    broker.is_away = True
    until(lambda: "nowhere" in (collector.snapshot.waiting or ""))
    broker.put_result(result(1, 2))
    broker.put_result(result(1, 2))
    broker.is_away = False
    until(lambda: hits(collector) == 3)
    assert collector.snapshot.waiting is None
    assert sum("nowhere" in record.message for record in caplog.records) == 1


UNKNOWN = json.dumps({"schema_version": 99}).encode()


@pytest.mark.parametrize(
    ("message", "words"),
    [
        pytest.param(UNKNOWN, "schema version 1, got version 99", id="of another schema"),
        pytest.param(b"\xff\x00", "the JSON of a Result", id="binary"),
        pytest.param(None, "a null record", id="null"),
        pytest.param(
            result(1_000_000, 3).to_json(),
            "the headers run and number of result 1000000",
            id="without headers",
        ),
    ],
)
def test_unreadable_messages_are_skipped_counted_and_told_once(broker, following, caplog, message, words):
    caplog.set_level(logging.WARNING)
    collector = following()
    broker.put(message)
    broker.put(message)
    broker.put_result(result(0, 3))
    until(lambda: hits(collector) == 3)
    ((reason, count),) = collector.snapshot.skipped.items()
    assert words in reason
    assert count == 2
    assert sum(words in record.message for record in caplog.records) == 1


def test_a_topic_made_anew_is_read_anew(broker, following, monkeypatch):
    monkeypatch.setattr(feeds, "ASK_AFTER_S", 0.05)
    for number in range(5):
        broker.put_result(result(number, 1))
    collector = following()
    until(lambda: hits(collector) == 5)
    broker.topics[RESULTS].clear()
    broker.put_result(result(0, 8))
    until(lambda: hits(collector) == 8)


def test_a_run_with_a_lower_number_is_shown_when_the_topics_begin_anew(broker, following):
    broker.runs.clear()
    for number in (5, 6, 7):
        broker.put_run(run_record(number))
    broker.put_result(result(0, 50, run=7))
    collector = following()
    until(lambda: hits(collector) == 50)
    for topic in broker.topics.values():
        topic.clear()
    broker.runs.clear()
    broker.put_run(run_record(1, note="anew"))
    broker.put_result(result(0, 3))
    broker.put_result(result(1, 4))
    until(lambda: collector.snapshot.run.note == "anew" and hits(collector) == 7)


def test_the_same_run_on_topics_made_anew_is_not_added_to_the_old_one(broker, following):
    for number in range(5):
        broker.put_result(result(number, 10))
    collector = following()
    until(lambda: hits(collector) == 50)
    broker.topics[RESULTS].clear()
    for number in range(3):
        broker.put_result(result(number, 1))
    until(lambda: hits(collector) == 3)


def test_a_newer_record_of_an_earlier_run_changes_nothing(broker, following):
    broker.put_run(run_record(2))
    broker.put_result(result(0, 5, run=2))
    collector = following()
    until(lambda: hits(collector) == 5)
    broker.put_run(run_record(1, note="its end, told late"))
    broker.put_result(result(1, 2, run=2))
    until(lambda: hits(collector) == 7)
    assert collector.snapshot.run.number == 2


# -- the fake


def test_fake_results_are_what_they_seem():
    fake = FakeRun(began_s=BEGAN_S, rows_per_s=2000, with_faults=False)
    collector = FakeFeed(SETTINGS, fake).collector
    collector.begin(fake.record, None)
    results = fake.results()
    for _ in range(20):
        collector.add(next(results), BEGAN_S)
    total = collector.snapshot.total
    # 20 times 2000 rows, but for the orbits that are still open.
    assert 39_000 < total.rows <= 40_000
    # 1500 hits per second of live time (Poisson: 30,000 +- 173), in all chambers.
    assert 1400 < int(total.hits.sum()) / total.live_s < 1600
    assert total.lost_slices == 0
    assert (total.hits > 0).all()


def test_fake_faults_are_counted():
    results = FakeRun(began_s=BEGAN_S, rows_per_s=200).results()
    collector = FakeFeed(SETTINGS, FakeRun(began_s=BEGAN_S)).collector
    collector.begin(run_record(), None)
    for _ in range(70):
        collector.add(next(results), BEGAN_S)
    total = collector.snapshot.total
    assert (sum(total.malformed), total.repeated_slices, total.lost_slices) == (10, 3, 1)


def test_fake_runs_repeat_themselves():
    one, other = (FakeRun(began_s=BEGAN_S, seed=4).results() for _ in range(2))
    assert [next(one).to_json() for _ in range(3)] == [next(other).to_json() for _ in range(3)]
