"""Plain records, as other producers send them: no key, no headers, one line or so each."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import kafka
import kafka.errors

from cosmo.broker.connection import DELIVERY_TIMEOUT_MS, Connection, ends_of
from cosmo.errors import BrokerError

IN_FLIGHT: Final = 1000
"""Records sent ahead of their acknowledgement."""


@dataclass
class Sent:
    """What was sent and acknowledged."""

    n_records: int = 0
    n_bytes: int = 0
    by_partition: Counter[int] = field(default_factory=Counter)  #: records


def send(connection: Connection, topic: str, values: Iterable[bytes]) -> Sent:
    """Send values, each at once, and return when the broker has acknowledged all.

    Raises
    ------
    BrokerError : the broker refused one, or went away; the message says how many are through.
    """
    sent = Sent()
    flying: deque[tuple[kafka.producer.future.FutureRecordMetadata, int]] = deque()

    def settle(down_to: int) -> None:
        while len(flying) > down_to:
            future, size = flying[0]
            partition = future.get(DELIVERY_TIMEOUT_MS / 1000).partition
            flying.popleft()
            sent.n_records += 1
            sent.n_bytes += size
            sent.by_partition[partition] += 1

    with connection.consumer() as consumer:
        ends_of(consumer, topic)  # a topic that does not exist is named, instead of waited for
    try:
        with connection.producer() as producer:
            for value in values:
                flying.append((producer.send(topic, value=value), len(value)))
                settle(IN_FLIGHT)
            settle(0)
    except BrokerError as error:
        raise type(error)(f"{error}; {sent.n_records} records were acknowledged before") from error
    return sent
