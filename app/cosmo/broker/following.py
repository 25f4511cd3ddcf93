"""Topics as they grow: their new records, and their ends."""

from __future__ import annotations

import kafka

from cosmo.broker.connection import Connection, ends_of, poll
from cosmo.broker.records import Offsets, Record


class Follower:
    """Reads a topic as it grows. Not for use by several threads at once, but for `close`."""

    def __init__(self, connection: Connection, topic: str, start: Offsets) -> None:
        self._connection = connection
        self._consumers: list[kafka.KafkaConsumer] = []  # one for each partition, as `poll` wants it
        for partition, offset in start.items():
            place = kafka.TopicPartition(topic, partition)
            consumer = connection.new_consumer()
            self._consumers.append(consumer)
            consumer.assign([place])
            consumer.seek(place, offset)

    def poll(self, timeout_ms: int) -> list[Record]:
        """Return what has come, waiting up to a time for the first record."""
        share_ms = timeout_ms // len(self._consumers)
        with self._connection.translated():
            return [record for consumer in self._consumers for record in poll(consumer, share_ms)]

    def close(self) -> None:
        """Close the connections."""
        for consumer in self._consumers:
            consumer.close(autocommit=False)


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
