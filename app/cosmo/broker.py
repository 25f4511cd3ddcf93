"""Slices, results and runs in and out of Kafka. The only importer of kafka.

`NumberedLog` is the one way to publish: the first copy of a number in its partition counts, everybody
else's is a repeat. So a message is sent until it is acknowledged, then what lies before it is looked at, and
who finds that another process published the number first, stops. Nothing is lost and nothing counted twice,
whatever dies.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import kafka
import kafka.errors
from kafka.admin import KafkaAdminClient

from cosmo.errors import BrokerAway, BrokerError, MalformedMessage, NoRun, Superseded
from cosmo.results import Result, Run, RunTotal
from cosmo.settings import Settings
from cosmo.slice_records import Headers, SliceRecord, Writer, utc

log = logging.getLogger(__name__)

LOOK_BACK = 16
"""Records of the run looked at below the newest one: more than can be in flight from processes that died."""
MOST_AT_ONCE = 256
"""Records held in memory when looking back further."""
REQUEST_TIMEOUT_MS = 10_000
DELIVERY_TIMEOUT_MS = 30_000
_AWAY = (
    kafka.errors.KafkaConnectionError,
    kafka.errors.KafkaTimeoutError,
    kafka.errors.RetriableError,
    kafka.errors.BrokerNotAvailableError,
    OSError,
)

Offsets = dict[int, int]
"""Offset by partition."""
_T = TypeVar("_T")


@dataclass(frozen=True)
class Record:
    """One record of a topic."""

    partition: int
    offset: int
    timestamp_s: float
    key: bytes | None
    value: bytes | None
    headers: Headers

    def header(self, name: str) -> bytes | None:
        """Return the last header of a name, or None."""
        return dict(self.headers).get(name)

    def is_numbered(self, run: int) -> bool:
        """Whether this is a numbered message of a run."""
        number = self.header("number")
        return self.header("run") == str(run).encode() and number is not None and number.isdigit()

    @property
    def number(self) -> int:
        """Number of a numbered message."""
        return int(self.header("number") or b"-1")


@dataclass(frozen=True)
class Newest:
    """The newest numbered message of a run, and where the topic stood when it was looked for."""

    record: Record | None
    ends: Offsets  #: end of each partition
    highest: Offsets  #: highest number on each partition, -1 where there is none


class Broker:
    """A Kafka broker, by its address in the settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.topics = settings.topics
        self.writer = Writer(socket.gethostname(), os.getpid(), utc(time.time()))  #: this process

    # -- connections

    def _common(self) -> dict[str, object]:
        return {
            "bootstrap_servers": self._settings.kafka_address,
            "request_timeout_ms": REQUEST_TIMEOUT_MS,
            "bootstrap_timeout_ms": REQUEST_TIMEOUT_MS,
            "reconnect_backoff_max_ms": 1000,
            "api_version": (2, 8),  # of the protocol: spares the question at each connection
        }

    @contextmanager
    def _consumer(self, **changes: object) -> Iterator[kafka.KafkaConsumer]:
        with self.translated():
            consumer = kafka.KafkaConsumer(
                **{
                    **self._common(),
                    "enable_auto_commit": False,
                    "auto_offset_reset": "earliest",
                    "allow_auto_create_topics": False,
                    "max_partition_fetch_bytes": 8 << 20,
                    "fetch_max_wait_ms": 100,
                    **changes,
                }
            )
            try:
                yield consumer
            finally:
                consumer.close(autocommit=False)

    @contextmanager
    def _admin(self) -> Iterator[KafkaAdminClient]:
        with self.translated():
            admin = KafkaAdminClient(**self._common())
            try:
                yield admin
            finally:
                admin.close()

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn errors of the library into ours."""
        try:
            yield
        except _AWAY as error:
            raise BrokerAway(
                f"expected a broker at {self._settings.kafka_address}, got {error!r}; start it or wait for it"
            ) from error
        except kafka.errors.KafkaError as error:
            raise BrokerError(
                f"the broker at {self._settings.kafka_address} refused: {error!r}; see its log"
            ) from error

    # -- topics

    def answers_in_ms(self) -> float:
        """Return how long the broker takes to list its topics; all of ours must be there."""
        start = time.monotonic()
        wanted = {self.topics.stream.name, self.topics.results.name, self.topics.runs.name}
        with self._admin() as admin:
            start = time.monotonic()
            missing = wanted - set(admin.list_topics())
        if missing:
            raise BrokerError(
                f"expected topics {', '.join(sorted(wanted))}, missing: {', '.join(sorted(missing))}"
            )
        return 1000 * (time.monotonic() - start)

    def create_topics(self) -> list[str]:
        """Create those of the three topics that do not exist, and return their names."""
        stream, results, runs = self.topics.stream, self.topics.results, self.topics.runs
        record_bytes = str(self._settings.producer.record_max_bytes)
        wanted = {
            stream.name: {
                "num_partitions": stream.partitions,
                "configs": {
                    "retention.bytes": str(stream.retention_mib * 2**20 // stream.partitions),
                    "retention.ms": "-1",
                    "segment.bytes": str(_segment_bytes(stream.retention_mib * 2**20 // stream.partitions)),
                    "max.message.bytes": record_bytes,
                },
            },
            results.name: {
                "num_partitions": 1,
                "configs": {
                    "retention.bytes": str(results.retention_mib * 2**20),
                    "retention.ms": str(results.retention_hours * 3_600_000),
                },
            },
            runs.name: {
                "num_partitions": 1,
                "configs": {"cleanup.policy": "compact", "segment.bytes": str(2**24)},
            },
        }
        with self._admin() as admin:
            missing = wanted.keys() - set(admin.list_topics())
            if missing:
                topics = {name: {**wanted[name], "replication_factor": 1} for name in missing}
                admin.create_topics(topics, wait_for_metadata=True)
        return sorted(missing)

    def end_offsets(self, topic: str) -> Offsets:
        """Return the end of each partition of a topic."""
        with self._consumer() as consumer:
            return _ends(consumer, topic)

    # -- reading

    def read(self, topic: str, start: Offsets, end: Offsets) -> list[Record]:
        """Return the records from `start` up to `end` of each partition."""
        with self._consumer() as consumer:
            return _read(consumer, topic, start, end)

    def newest(self, topic: str, run: int, start: Offsets) -> Newest:
        """Find the first copy of the highest number of a run, looking no further back than `start`."""
        with self._consumer() as consumer:
            ends = _ends(consumer, topic)
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
            earlier = _read(consumer, topic, {partition: start}, {partition: stop})
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
                Result.from_json(record.value)
                return True
            SliceRecord.read(record.headers, record.value)
        except MalformedMessage:
            return False
        return record.number % self.topics.stream.partitions == record.partition

    def newest_slice(self, run: Run) -> tuple[SliceRecord | None, Newest]:
        """Return the newest slice of a run, which holds the whole state of its producer."""
        newest = self.newest(self.topics.stream.name, run.number, _offsets(run.start_offsets))
        record = newest.record
        return (SliceRecord.read(record.headers, record.value) if record else None), newest

    def newest_result(self, run: int) -> tuple[Result | None, Newest]:
        """Return the newest result of a run, which holds the whole state of its analysis."""
        newest = self.newest(self.topics.results.name, run, {})
        return (Result.from_json(newest.record.value) if newest.record else None), newest

    def results(self, run: int, after: int) -> list[Result]:
        """Return the first copies of a run's results above a number, ascending."""
        topic = self.topics.results.name
        with self._consumer() as consumer:
            stop = _ends(consumer, topic)[0]
            first: dict[int, Record] = {}
            settled = 0  # records seen below those wanted
            while stop > 0 and settled < LOOK_BACK:
                start = max(0, stop - 4 * LOOK_BACK)
                for record in reversed(_read(consumer, topic, {0: start}, {0: stop})):
                    if record.is_numbered(run) and record.number > after:
                        if self.takes(topic, run, record):
                            first[record.number] = record
                    elif record.is_numbered(run) or _is_earlier_run(record, run):
                        settled += 1
                stop = start
        return [Result.from_json(first[number].value) for number in sorted(first)]

    # -- runs

    def run_messages(self) -> tuple[dict[int, Run], dict[int, RunTotal]]:
        """Return the records and the newest totals of all runs; unreadable ones are told and left out."""
        topic = self.topics.runs.name
        with self._consumer() as consumer:
            records = _read(consumer, topic, {}, _ends(consumer, topic))
        runs: dict[int, Run] = {}
        totals: dict[int, RunTotal] = {}
        for record in records:
            key = (record.key or b"").decode(errors="replace")
            try:
                if key.startswith("run:"):
                    run = Run.from_json(record.value)
                    runs[run.number] = run
                elif key.startswith("total:"):
                    total = RunTotal.from_json(record.value)
                    known = totals.get(total.run)
                    if known is None or total.number > known.number:
                        totals[total.run] = total
            except MalformedMessage as error:
                log.warning("%s, record %d of %s", error, record.offset, topic)
        return runs, totals

    def current_run(self) -> Run:
        """Return the run that is on.

        Raises
        ------
        NoRun : no run was begun, or the last one has ended.
        """
        runs, _ = self.run_messages()
        if not runs or runs[max(runs)].ended:
            raise NoRun(
                "expected a run that is on, there is none; begin one with `cosmo run` or `cosmo demo`"
            )
        return runs[max(runs)]

    def put_run(self, run: Run) -> None:
        """Write the record of a run."""
        self._put_on_runs(f"run:{run.number}", run.to_json())

    def put_total(self, total: RunTotal) -> None:
        """Write the total of a run."""
        self._put_on_runs(f"total:{total.run}", total.to_json())

    def _put_on_runs(self, key: str, value: bytes) -> None:
        with self.translated(), _producer(self._common(), 4 << 20) as producer:
            producer.send(self.topics.runs.name, key=key.encode(), value=value).get(
                DELIVERY_TIMEOUT_MS / 1000
            )

    def watch_ends(self, topic: str) -> Ends:
        """Return what tells the ends of a topic's partitions, again and again."""
        return Ends(self, topic)

    # -- writing and following

    def numbered_log(self, topic: str, run: int, newest: Newest) -> NumberedLog:
        """Return the way to publish numbered messages of a run after the newest one."""
        return NumberedLog(self, topic, run, newest, self._settings.producer.record_max_bytes)

    def follow(self, topic: str, start: Offsets) -> Follower:
        """Return the records of a topic from `start` on, as they come."""
        with self.translated():
            return Follower(self, topic, start)

    def new_producer(self, record_max_bytes: int) -> kafka.KafkaProducer:
        """Return a client for `NumberedLog`."""
        return kafka.KafkaProducer(**_producer_settings(self._common(), record_max_bytes))

    def new_follower(self) -> kafka.KafkaConsumer:
        """Return a client for `Follower`."""
        return kafka.KafkaConsumer(
            **self._common(),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            allow_auto_create_topics=False,
            max_partition_fetch_bytes=8 << 20,
        )


class NumberedLog:
    """Publishes numbered messages, one in flight; see the module's text."""

    def __init__(self, broker: Broker, topic: str, run: int, newest: Newest, record_max_bytes: int) -> None:
        self._broker = broker
        self._topic = topic
        self._run = run
        self._writer = broker.writer
        self._record_max_bytes = record_max_bytes
        self._known = dict(newest.ends)
        self._highest = dict(newest.highest)
        self._client: kafka.KafkaProducer | None = None

    def publish(
        self, partition: int, number: int, value: bytes, headers: Headers, stopped: Callable[[], bool]
    ) -> bool:
        """Send until acknowledged, then see that this copy is the first.

        Returns
        -------
        bool : True when published; False if `stopped` said so while the broker was away.

        Raises
        ------
        Superseded : another process published this number first.
        """
        said = False
        while True:
            try:
                with self._broker.translated():
                    offset = self._send(partition, value, headers)
                    self._be_first(partition, number, offset)
            except BrokerAway as error:
                self._forget_client()
                if stopped():
                    return False
                if not said:
                    log.warning("%s; nothing is lost, trying again until it answers", error)
                    said = True
            else:
                if said:
                    log.warning("the broker answers again; message %d of %s is through", number, self._topic)
                return True

    def close(self) -> None:
        """Close the connection."""
        self._forget_client()

    def _send(self, partition: int, value: bytes, headers: Headers) -> int:
        if self._client is None:
            self._client = self._broker.new_producer(self._record_max_bytes)
        future = self._client.send(self._topic, value=value, headers=headers, partition=partition)
        return int(future.get(DELIVERY_TIMEOUT_MS / 1000).offset)

    def _be_first(self, partition: int, number: int, offset: int) -> None:
        between: list[Record] = []
        if offset != self._known[partition]:
            between = self._broker.read(self._topic, {partition: self._known[partition]}, {partition: offset})
        for record in between:
            is_ours = self._broker.takes(self._topic, self._run, record)
            if is_ours and record.number > self._highest[partition]:
                self._highest[partition] = record.number
                winner = (record.header("producer") or record.header("analysis") or b"?").decode()
                if record.number >= number and winner != str(self._writer):
                    raise Superseded(
                        f"expected to publish number {number} of run {self._run} on {self._topic}, "
                        f"but {winner} did so first; stop one of the two"
                    )
        self._highest[partition] = max(self._highest[partition], number)
        self._known[partition] = offset + 1

    def _forget_client(self) -> None:
        if self._client is not None:
            self._client.close(timeout=0)
            self._client = None


class Ends:
    """The ends of a topic's partitions, over a connection that stays."""

    def __init__(self, broker: Broker, topic: str) -> None:
        self._broker = broker
        self._topic = topic
        self._consumer: kafka.KafkaConsumer | None = None

    def __call__(self) -> Offsets:
        """Return the end of each partition now."""
        with self._broker.translated():
            if self._consumer is None:
                self._consumer = self._broker.new_follower()
            return _ends(self._consumer, self._topic)

    def close(self) -> None:
        """Close the connection."""
        if self._consumer is not None:
            self._consumer.close(autocommit=False)


class Follower:
    """Reads a topic as it grows. Not for use by several threads at once, but for `close`."""

    def __init__(self, broker: Broker, topic: str, start: Offsets) -> None:
        self._broker = broker
        self._consumer = broker.new_follower()
        partitions = [kafka.TopicPartition(topic, partition) for partition in start]
        self._consumer.assign(partitions)
        for partition in partitions:
            self._consumer.seek(partition, start[partition.partition])
        self._closed = threading.Event()

    def poll(self, timeout_ms: int) -> list[Record]:
        """Return what has come, waiting up to a time for the first record."""
        with self._broker.translated():
            batches = self._consumer.poll(timeout_ms=timeout_ms)
        return [_record(message) for batch in batches.values() for message in batch]

    def close(self) -> None:
        """Close the connection."""
        self._consumer.close(autocommit=False)


def wait_for(what: Callable[[], _T], stopped: Callable[[float], bool], waiting_for: str) -> _T | None:
    """Try until the broker answers and a run is on.

    Parameters
    ----------
    what : is called until it raises neither BrokerAway nor NoRun.
    stopped : waits up to the seconds given and returns True to give up.
    waiting_for : is said, once, with the reason.

    Returns
    -------
    What `what` returned, or None if stopped.
    """
    pause_s, said = 0.1, False
    while True:
        try:
            return what()
        except (BrokerAway, NoRun) as error:
            if not said:
                log.warning("waiting for %s: %s", waiting_for, error)
                said = True
        if stopped(pause_s):
            return None
        pause_s = min(2 * pause_s, 2.0)


def _is_earlier_run(record: Record, run: int) -> bool:
    other = record.header("run")
    return other is not None and other.isdigit() and int(other) < run


def _segment_bytes(retention_bytes: int) -> int:
    """Return a segment size at which retention, which deletes whole segments, follows closely."""
    return min(2**30, max(2**24, retention_bytes // 8))


def _offsets(by_name: dict[str, int]) -> Offsets:
    return {int(partition): offset for partition, offset in by_name.items()}


def _producer_settings(common: dict[str, object], record_max_bytes: int) -> dict[str, object]:
    return {
        **common,
        "acks": "all",
        "enable_idempotence": False,  # it ends with the client; numbers do its work beyond that
        "max_in_flight_requests_per_connection": 1,
        "linger_ms": 0,
        "delivery_timeout_ms": DELIVERY_TIMEOUT_MS - 5000,
        "max_block_ms": REQUEST_TIMEOUT_MS,
        "max_request_size": record_max_bytes + 65536,
        "allow_auto_create_topics": False,
    }


@contextmanager
def _producer(common: dict[str, object], record_max_bytes: int) -> Iterator[kafka.KafkaProducer]:
    producer = kafka.KafkaProducer(**_producer_settings(common, record_max_bytes))
    try:
        yield producer
    finally:
        producer.close(timeout=5)


def _ends(consumer: kafka.KafkaConsumer, topic: str) -> Offsets:
    partitions = consumer.partitions_for_topic(topic)
    if not partitions:
        raise BrokerError(f"expected the topic {topic}, it does not exist; create the topics first")
    ends = consumer.end_offsets([kafka.TopicPartition(topic, partition) for partition in sorted(partitions)])
    return {place.partition: end for place, end in ends.items()}


def _read(consumer: kafka.KafkaConsumer, topic: str, start: Offsets, end: Offsets) -> list[Record]:
    """Read up to `end`, whatever is missing in between (compacted, or deleted by retention)."""
    places = {kafka.TopicPartition(topic, partition): stop for partition, stop in end.items()}
    places = {place: stop for place, stop in places.items() if start.get(place.partition, 0) < stop}
    if not places:
        return []
    consumer.assign(list(places))
    for place, first in consumer.beginning_offsets(list(places)).items():
        consumer.seek(place, max(first, start.get(place.partition, 0)))
    records: list[Record] = []
    deadline = time.monotonic() + DELIVERY_TIMEOUT_MS / 1000
    while any(consumer.position(place) < stop for place, stop in places.items()):
        batches = consumer.poll(timeout_ms=500)
        if batches:
            deadline = time.monotonic() + DELIVERY_TIMEOUT_MS / 1000
        elif time.monotonic() > deadline:
            raise BrokerAway(
                f"expected {topic} up to its end, nothing came for {DELIVERY_TIMEOUT_MS // 1000} s"
            )
        for place, batch in batches.items():
            records += (_record(message) for message in batch if message.offset < places[place])
    return records


def _record(message: kafka.consumer.fetcher.ConsumerRecord) -> Record:
    headers = [(key, value if value is not None else b"") for key, value in message.headers or ()]
    return Record(
        message.partition, message.offset, message.timestamp / 1000, message.key, message.value, headers
    )
