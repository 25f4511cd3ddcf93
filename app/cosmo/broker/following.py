"""Topics as they grow: their new records, and their ends."""

from __future__ import annotations

import kafka

from cosmo.broker.connection import Connection, ends_of, record_of
from cosmo.broker.records import Offsets, Record


class Follower:
    """Reads a topic as it grows. Not for use by several threads at once, but for `close`."""

    def __init__(self, connection: Connection, topic: str, start: Offsets) -> None:
        self._connection = connection
        self._consumer = connection.new_consumer()
        partitions = [kafka.TopicPartition(topic, partition) for partition in start]
        self._consumer.assign(partitions)
        for partition in partitions:
            self._consumer.seek(partition, start[partition.partition])

    def poll(self, timeout_ms: int) -> list[Record]:
        """Return what has come, waiting up to a time for the first record."""
        with self._connection.translated():
            batches = self._consumer.poll(timeout_ms=timeout_ms)
        return [record_of(message) for batch in batches.values() for message in batch]

    def close(self) -> None:
        """Close the connection."""
        self._consumer.close(autocommit=False)


class Ends:
    """The ends of a topic's partitions, over a connection that stays."""

    def __init__(self, connection: Connection, topic: str) -> None:
        self._connection = connection
        self._topic = topic
        self._consumer: kafka.KafkaConsumer | None = None

    def __call__(self) -> Offsets:
        """Return the end of each partition now."""
        with self._connection.translated():
            if self._consumer is None:
                self._consumer = self._connection.new_consumer()
            return ends_of(self._consumer, self._topic)

    def close(self) -> None:
        """Close the connection."""
        if self._consumer is not None:
            self._consumer.close(autocommit=False)
