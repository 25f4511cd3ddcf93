"""The broker as COSMO sees it: its topics, their newest messages, its runs."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from functools import partial

import kafka

from cosmo.broker import access, topics
from cosmo.broker.connection import (
    DELIVERY_TIMEOUT_MS,
    Connection,
    ends_of,
    last,
    read_between,
    stream_between,
)
from cosmo.broker.description import TopicDescription, describe
from cosmo.broker.following import Ends, Follower
from cosmo.broker.numbered_log import NumberedLog
from cosmo.broker.records import Newest, Offsets, Record, whole_number
from cosmo.broker.run_messages import newest_run_messages
from cosmo.broker.sending import Sent, send
from cosmo.errors import BrokerAway, MalformedMessage, NoRun
from cosmo.results import Result, Run, RunTotal
from cosmo.settings import Settings
from cosmo.slice_records import SliceRecord, Writer

LOOK_BACK = 16
"""Records of the run looked at below the newest one: more than can be in flight from processes that died."""
RESULTS_AT_ONCE = 4 * LOOK_BACK
"""Records of results read at once; so many of earlier runs in a row say that none of ours is below."""
MOST_AT_ONCE = 256
"""Records held in memory when looking back further."""


class Broker:
    """A Kafka broker, by its address in the settings."""

    def __init__(self, settings: Settings) -> None:
        self._connection = Connection(settings)
        self._wanted_topics = topics.configurations(settings)
        self._wanted_rights = access.rights(settings.topics)
        self.topics = settings.topics

    @property
    def writer(self) -> Writer:
        """The identity of this process as a writer of numbered messages."""
        return self._connection.writer

    def answers_in_ms(self) -> float:
        """Return how long the broker takes to list its topics.

        Raises
        ------
        BrokerAway : it does not answer, or does not know all of our topics: it may have just started.
        """
        with self._connection.admin() as admin:
            start = time.monotonic()
            missing = self._wanted_topics.keys() - set(admin.list_topics())
            took_ms = 1000 * (time.monotonic() - start)
        if missing:
            names = ", ".join(sorted(self._wanted_topics))
            raise BrokerAway(
                f"expected the topics {names}; missing: {', '.join(sorted(missing))}; wait, or create them"
            )
        return took_ms

    def create_topics(self) -> list[str]:
        """Create those of the three topics that do not exist, and bring the others to what the settings say.

        Return what was changed; see `topics.apply`, also for what it raises.
        """
        with self._connection.admin() as admin:
            return topics.apply(admin, self._wanted_topics, self.topics.stream.name)

    def topic_names(self) -> list[str]:
        """Return the names of the topics that are not Kafka's own."""
        with self._connection.admin() as admin:
            return sorted(name for name in admin.list_topics() if not name.startswith("__"))

    def describe_topics(self) -> list[TopicDescription]:
        """Describe the topics that are not Kafka's own."""
        return describe(self._connection, self.topic_names())

    def set_access(self) -> list[str]:
        """Give each part its rights and take all others, and return what was changed, one sentence each."""
        with self._connection.admin() as admin:
            return access.apply(admin, self._wanted_rights)

    def end_offsets(self, topic: str) -> Offsets:
        """Return the end of each partition of a topic."""
        with self._connection.consumer() as consumer:
            return ends_of(consumer, topic)

    def stream_ends(self) -> Offsets:
        """Return the end of each partition of the stream.

        Raises
        ------
        SettingsError : the topic has another number of partitions than the settings say.
        """
        ends = self.end_offsets(self.topics.stream.name)
        self._require_partitions(self.topics.stream.name, ends)
        return ends

    def _require_partitions(self, topic: str, ends: Offsets) -> None:
        topics.require_partitions(self._wanted_topics, self.topics.stream.name, topic, len(ends))

    def record_ends(self, topic: str) -> Offsets:
        """Return the offset after the last record of each partition, 0 where there is none.

        That is its end, but where a transaction was written: its marker has an offset, and no reader gets it.
        """
        with self._connection.consumer() as consumer:
            newest = {
                place: last(consumer, topic, 1, {place: end})
                for place, end in ends_of(consumer, topic).items()
            }
        return {place: records[-1].offset + 1 if records else 0 for place, records in newest.items()}

    def read(self, topic: str, start: Offsets, end: Offsets) -> list[Record]:
        """Return the records from `start` up to `end` of each partition."""
        with self._connection.consumer() as consumer:
            return read_between(consumer, topic, start, end)

    def first_from(self, topic: str, start: Offsets) -> list[Record]:
        """Return the first record from `start` on of each partition that has one."""
        found = []
        with self._connection.consumer() as consumer:
            for partition, end in ends_of(consumer, topic).items():
                pieces = stream_between(
                    consumer, topic, {partition: start.get(partition, 0)}, {partition: end}
                )
                found += next((records[:1] for records in pieces if records), [])
        return found

    def stream(self, topic: str, start: Offsets, end: Offsets) -> Iterator[list[Record]]:
        """Yield what `read` returns, as it comes."""
        with self._connection.consumer() as consumer:
            yield from stream_between(consumer, topic, start, end)

    def last(self, topic: str, n: int, end: Offsets) -> list[Record]:
        """Return the last `n` records below `end`, in the order of their times."""
        with self._connection.consumer() as consumer:
            return last(consumer, topic, n, end)

    def send(self, topic: str, values: Iterable[bytes]) -> Sent:
        """Send values as records without key or headers; see `sending.send`."""
        return send(self._connection, topic, values)

    def watch_ends(self, topic: str) -> Ends:
        """Return what tells the ends of a topic's partitions, again and again."""
        return Ends(self._connection, topic)

    def follow(self, topic: str, start: Offsets) -> Follower:
        """Return the records of a topic from `start` on, as they come."""
        with self._connection.translated():
            return Follower(self._connection, topic, start)

    def numbered_log(self, topic: str, run: int, newest: Newest) -> NumberedLog:
        """Return the way to publish numbered messages of a run after the newest one."""
        return NumberedLog(self._connection, partial(self.takes, topic, run), topic, run, newest)

    def newest(self, topic: str, run: int, start: Offsets) -> Newest:
        """Find the first copy of the highest number of a run, looking no further back than `start`.

        Raises
        ------
        SettingsError : the topic has another number of partitions than the settings say.
        """
        with self._connection.consumer() as consumer:
            ends = ends_of(consumer, topic)
            self._require_partitions(topic, ends)
            found: Record | None = None
            highest: Offsets = {}
            for partition, end in ends.items():
                low = start.get(partition, 0)
                first = self._newest_first_copy(consumer, topic, partition, run, low, end)
                highest[partition] = first.number if first else -1
                if first and (found is None or first.number > found.number):
                    found = first
        return Newest(found, ends, highest)

    def _newest_first_copy(
        self, consumer: kafka.KafkaConsumer, topic: str, partition: int, run: int, low: int, end: int
    ) -> Record | None:
        """Return the first copy of the highest number of a run on one partition.

        Along a partition the numbers of first copies rise, so the newest stands near the end. Late copies of
        other numbers may follow it, and another copy of its own number; LOOK_BACK covers them.
        """
        records: list[Record] = []
        start, step = end, LOOK_BACK
        while start > low:
            stop, start = start, max(low, start - step)
            step = min(2 * step, MOST_AT_ONCE)  # what stands above may be many records that are not ours
            earlier = read_between(consumer, topic, {partition: start}, {partition: stop})
            records = [record for record in earlier if self.takes(topic, run, record)] + records
            if records:
                highest = max(record.number for record in records)
                first = next(i for i, record in enumerate(records) if record.number == highest)
                if first >= LOOK_BACK or start == low:
                    return records[first]
        return None

    def takes(self, topic: str, run: int, record: Record) -> bool:
        """Whether the readers of a topic take a record for a numbered message of a run.

        Readers and writers must agree on it: what a reader skips must not stop a writer.
        """
        if not record.is_numbered(run):
            return False
        try:
            if topic == self.topics.results.name:
                result = Result.from_json(record.value)
                return (result.run, result.number) == (run, record.number)
            SliceRecord.read(record.headers, record.value)
        except MalformedMessage:
            return False
        return record.number % self.topics.stream.partitions == record.partition

    def newest_slice(self, run: Run) -> tuple[SliceRecord | None, Newest]:
        """Return the newest slice of a run, which holds the whole state of its producer.

        Raises
        ------
        SettingsError : the settings name another stream, or the topic has another number of partitions.
        """
        stream = self.topics.stream
        run.require_stream(stream.name, stream.partitions)
        newest = self.newest(stream.name, run.number, _by_number(run.start_offsets))
        record = newest.record
        return (SliceRecord.read(record.headers, record.value) if record else None), newest

    def newest_result(self, run: int) -> tuple[Result | None, Newest]:
        """Return the newest result of a run, which holds the whole state of its analysis."""
        newest = self.newest(self.topics.results.name, run, {})
        return (Result.from_json(newest.record.value) if newest.record else None), newest

    def results(self, run: int, after: int) -> list[Result]:
        """Return the first copies of a run's results above a number, ascending.

        It reads backwards until enough numbers of the run below those wanted have come, or enough records of
        earlier runs in a row: an analysis that was forgotten may write among ours.
        """
        topic = self.topics.results.name
        with self._connection.consumer() as consumer:
            stop = ends_of(consumer, topic)[0]
            first: dict[int, Record] = {}
            settled: set[int] = set()
            earlier = 0
            while stop > 0 and len(settled) < LOOK_BACK and earlier < RESULTS_AT_ONCE:
                start = max(0, stop - RESULTS_AT_ONCE)
                for record in reversed(read_between(consumer, topic, {0: start}, {0: stop})):
                    if not record.is_numbered(run):
                        earlier += _is_earlier_run(record, run)
                        continue
                    earlier = 0
                    if record.number <= after:
                        settled.add(record.number)
                    elif self.takes(topic, run, record):
                        first[record.number] = record
                stop = start
        return [Result.from_json(first[number].value) for number in sorted(first)]

    def run_messages(self) -> tuple[dict[int, Run], dict[int, RunTotal]]:
        """Return the records and the newest totals of all runs."""
        topic = self.topics.runs.name
        with self._connection.consumer() as consumer:
            return newest_run_messages(read_between(consumer, topic, {}, ends_of(consumer, topic)))

    def current_run(self) -> Run:
        """Return the run that is on.

        Raises
        ------
        NoRun : no run was begun, or the last one has ended.
        SettingsError : the settings name another stream than that of the run.
        """
        runs, _ = self.run_messages()
        if not runs or runs[max(runs)].ended:
            raise NoRun(
                "expected a run that is on, there is none; begin one with `cosmo run` or `cosmo demo`"
            )
        run = runs[max(runs)]
        run.require_stream(self.topics.stream.name, self.topics.stream.partitions)
        return run

    def put_run(self, run: Run) -> None:
        """Write the record of a run."""
        self._put_on_runs(f"run:{run.number}", run.to_json())

    def put_total(self, total: RunTotal) -> None:
        """Write the total of a run."""
        self._put_on_runs(f"total:{total.run}", total.to_json())

    def _put_on_runs(self, key: str, value: bytes) -> None:
        with self._connection.producer() as producer:
            sent = producer.send(self.topics.runs.name, key=key.encode(), value=value)
            sent.get(DELIVERY_TIMEOUT_MS / 1000)


def _by_number(by_name: dict[str, int]) -> Offsets:
    return {int(partition): offset for partition, offset in by_name.items()}


def _is_earlier_run(record: Record, run: int) -> bool:
    other = whole_number(record.header("run"))
    return other is not None and other < run
