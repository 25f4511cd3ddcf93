"""Connections to the broker: clients, and the errors of their library turned into ours."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import kafka
import kafka.errors
from kafka.admin import KafkaAdminClient

from cosmo.broker.identity import Identity
from cosmo.broker.records import Offsets, Record
from cosmo.errors import AccessRefused, BrokerAway, BrokerError
from cosmo.settings import Settings
from cosmo.slice_records import Writer, utc

REQUEST_TIMEOUT_MS = 10_000
DELIVERY_TIMEOUT_MS = 30_000
REACHED_WITHIN_S = 2.0
NAMED_WITHIN_MS = 500
LARGEST_FETCH = 8 << 20

_AWAY = (
    kafka.errors.KafkaConnectionError,
    kafka.errors.KafkaTimeoutError,
    kafka.errors.RetriableError,
    kafka.errors.BrokerNotAvailableError,
    OSError,
)
_UNREADABLE = (kafka.errors.CorruptRecordError, kafka.errors.UnsupportedCodecError)
_REFUSED = (
    kafka.errors.AuthorizationError,
    kafka.errors.SaslAuthenticationFailedError,
    kafka.errors.UnsupportedSaslMechanismError,
)


class Connection:
    """How to reach the broker that the settings name, as this process."""

    def __init__(self, settings: Settings) -> None:
        self._address = settings.kafka_address
        self._identity = Identity.of(settings)
        self._record_max_bytes = settings.producer.record_max_bytes
        self.writer = Writer(socket.gethostname(), os.getpid(), utc(time.time()))  #: this process
        self._common: dict[str, object] = {
            "bootstrap_servers": self._address,
            "request_timeout_ms": REQUEST_TIMEOUT_MS,
            "bootstrap_timeout_ms": REQUEST_TIMEOUT_MS,
            "reconnect_backoff_max_ms": 1000,
            "api_version": (2, 8),  # of the protocol: spares the question at each connection
            **self._identity.options,
        }

    def new_consumer(self) -> kafka.KafkaConsumer:
        """Return a client that reads, in no group."""
        self._require_ours()
        return kafka.KafkaConsumer(
            **self._common,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            allow_auto_create_topics=False,
            max_partition_fetch_bytes=LARGEST_FETCH,
            fetch_max_wait_ms=100,
        )

    def new_producer(self) -> kafka.KafkaProducer:
        """Return a client that sends one record at a time and has it acknowledged."""
        self._require_ours()
        return kafka.KafkaProducer(
            **self._common,
            acks="all",
            enable_idempotence=False,  # it ends with the client; numbers do its work beyond that
            max_in_flight_requests_per_connection=1,
            linger_ms=0,
            delivery_timeout_ms=DELIVERY_TIMEOUT_MS - 5000,
            max_block_ms=REQUEST_TIMEOUT_MS,
            max_request_size=self._record_max_bytes + 65536,
            allow_auto_create_topics=False,
        )

    def _require_ours(self) -> None:
        """Raise at once where nothing listens, or where the broker is not ours or does not take us.

        With the version of the protocol given, the library waits for a broker that is away without end in
        some of its calls, and never says so.
        """
        self._identity.require_ours(self._address, REACHED_WITHIN_S)

    @contextmanager
    def consumer(self) -> Iterator[kafka.KafkaConsumer]:
        """Give a client that reads, and close it."""
        with self.translated():
            consumer = self.new_consumer()
            try:
                yield consumer
            finally:
                consumer.close(autocommit=False)

    @contextmanager
    def producer(self) -> Iterator[kafka.KafkaProducer]:
        """Give a client that sends, and close it."""
        with self.translated():
            producer = self.new_producer()
            try:
                yield producer
            finally:
                producer.close(timeout=5)

    @contextmanager
    def admin(self) -> Iterator[KafkaAdminClient]:
        """Give a client that sees to topics, and close it."""
        with self.translated():
            self._require_ours()
            admin = KafkaAdminClient(**self._common)
            try:
                yield admin
            finally:
                admin.close()

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn errors of the library into ours."""
        try:
            yield
        except _REFUSED as error:
            raise AccessRefused(
                f"the broker at {self._address} refuses {self._identity}: {error!r}; "
                f"run init again, which makes users and rights"
            ) from error
        except _AWAY as error:
            raise BrokerAway(
                f"expected a broker at {self._address}, got {error!r}; start it or wait for it"
            ) from error
        except kafka.errors.KafkaError as error:
            raise BrokerError(f"the broker at {self._address} refused: {error!r}; see its log") from error


def ends_of(consumer: kafka.KafkaConsumer, topic: str) -> Offsets:
    """Return the end of each partition of a topic."""
    partitions = consumer.partitions_for_topic(topic)
    if not partitions:
        # The list holds what we may see. Asked for by its name, the broker says whether it is that.
        with suppress(kafka.errors.KafkaTimeoutError):
            consumer.end_offsets([kafka.TopicPartition(topic, 0)], timeout_ms=NAMED_WITHIN_MS)
        # A broker that has just started answers before it has learned of its topics.
        raise BrokerAway(f"expected the topic {topic}, it is not there (yet); wait, or create the topics")
    ends = consumer.end_offsets([kafka.TopicPartition(topic, partition) for partition in sorted(partitions)])
    return {place.partition: end for place, end in ends.items()}


def last(consumer: kafka.KafkaConsumer, topic: str, n: int, end: Offsets) -> list[Record]:
    """Return the last `n` records below `end`, in the order of their times."""
    places = [kafka.TopicPartition(topic, partition) for partition in end]
    first = {place.partition: start for place, start in consumer.beginning_offsets(places).items()}
    step = n
    while True:
        start = {partition: max(first[partition], stop - step) for partition, stop in end.items()}
        records = read_between(consumer, topic, start, end)
        if len(records) >= n or start == first:  # compaction leaves fewer records than offsets
            records.sort(key=lambda record: (record.timestamp_s, record.partition, record.offset))
            return records[len(records) - n :] if n < len(records) else records
        step *= 2


def read_between(consumer: kafka.KafkaConsumer, topic: str, start: Offsets, end: Offsets) -> list[Record]:
    """Read up to `end`, whatever is missing in between (compacted, or deleted by retention)."""
    return [record for records in stream_between(consumer, topic, start, end) for record in records]


def stream_between(
    consumer: kafka.KafkaConsumer, topic: str, start: Offsets, end: Offsets
) -> Iterator[list[Record]]:
    """Yield what `read_between` returns, as it comes, one partition after the other."""
    for partition, stop in end.items():
        if start.get(partition, 0) < stop:
            place = kafka.TopicPartition(topic, partition)
            yield from _stream_partition(consumer, place, start.get(partition, 0), stop)


def _stream_partition(
    consumer: kafka.KafkaConsumer, place: kafka.TopicPartition, start: int, stop: int
) -> Iterator[list[Record]]:
    consumer.assign([place])
    consumer.seek(place, max(consumer.beginning_offsets([place])[place], start))
    deadline = time.monotonic() + DELIVERY_TIMEOUT_MS / 1000
    while (position := consumer.position(place)) < stop:
        records = [record for record in poll(consumer, 500) if record.offset < stop]
        if consumer.position(place) != position:
            deadline = time.monotonic() + DELIVERY_TIMEOUT_MS / 1000
        elif time.monotonic() > deadline:
            raise BrokerAway(
                f"expected {place.topic} up to its end, nothing came for {DELIVERY_TIMEOUT_MS // 1000} s"
            )
        yield records


def poll(consumer: kafka.KafkaConsumer, timeout_ms: int) -> list[Record]:
    """Return what has come to the one partition assigned, waiting up to a time for the first record.

    A record that the library cannot read (a header's name is not UTF-8, the compression is unknown to it) is
    stepped over: nobody but a stranger writes such. One partition, because the library does not say where it
    was, and does not come back from a further poll that starts there.
    """
    try:
        batches = consumer.poll(timeout_ms=timeout_ms)
    except _UNREADABLE:
        (place,) = consumer.assignment()
        consumer.seek(place, consumer.position(place) + 1)
        return []
    return [_record_of(message) for batch in batches.values() for message in batch]


def _record_of(message: kafka.consumer.fetcher.ConsumerRecord) -> Record:
    """Return a record of the library as ours, without headers that are null."""
    headers = [(key, value) for key, value in message.headers or () if value is not None]
    return Record(
        message.partition, message.offset, message.timestamp / 1000, message.key, message.value, headers
    )
