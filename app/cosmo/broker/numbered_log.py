"""The one way to publish: numbered messages, of which the first copy in its partition counts.

Everybody else's copy is a repeat. So a message is sent until it is acknowledged, then what lies before it is
looked at, and who finds that another process published the number first, stops. Nothing is lost and nothing
counted twice, whatever dies.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress

import kafka
import kafka.errors

from cosmo.broker.connection import DELIVERY_TIMEOUT_MS, Connection, read_between
from cosmo.broker.records import Newest, Record
from cosmo.errors import BrokerAway, Superseded
from cosmo.slice_records import Headers

log = logging.getLogger(__name__)

Takes = Callable[[Record], bool]


class NumberedLog:
    """Publishes numbered messages of one run, one in flight; see the module's text.

    Parameters
    ----------
    takes : whether the topic's readers take a record for a numbered message of this run.
    newest : the newest message, and where the topic stood when it was looked for.
    """

    def __init__(self, connection: Connection, takes: Takes, topic: str, run: int, newest: Newest) -> None:
        self._connection = connection
        self._takes = takes
        self._topic = topic
        self._run = run
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
                with self._connection.translated():
                    offset = self._send(partition, value, headers)
                    self._be_first(partition, number, offset, value, headers)
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
            self._client = self._connection.new_producer()
        future = self._client.send(self._topic, value=value, headers=headers, partition=partition)
        return int(future.get(DELIVERY_TIMEOUT_MS / 1000).offset)

    def _be_first(self, partition: int, number: int, offset: int, value: bytes, headers: Headers) -> None:
        between: list[Record] = []
        if offset != self._known[partition]:
            with self._connection.consumer() as consumer:
                start, end = {partition: self._known[partition]}, {partition: offset}
                between = read_between(consumer, self._topic, start, end)
        for record in between:
            if self._takes(record) and record.number > self._highest[partition]:
                self._highest[partition] = record.number
                # An earlier copy of ours, whose acknowledgement was lost, is ours to the last byte.
                ours = record.number == number and (record.value, record.headers) == (value, headers)
                if record.number >= number and not ours:
                    winner = record.header("producer") or record.header("analysis") or b"?"
                    raise Superseded(
                        f"expected to publish number {number} of run {self._run} on {self._topic}, "
                        f"but {winner.decode(errors='backslashreplace')} did so first; stop one of the two"
                    )
        self._highest[partition] = max(self._highest[partition], number)
        self._known[partition] = offset + 1

    def _forget_client(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            # What is still on its way expires by itself; if it arrives, it is a repeat.
            with suppress(kafka.errors.KafkaTimeoutError):
                client.close(timeout=0)
