"""Run the command `cosmo` as another host, or until it dies at a chosen moment: no hooks in the product.

    launcher.py [--host NAME] [--die EDGE:N] -- COSMO ARGUMENTS

At the N-th message that passes EDGE the process says so and kills itself with SIGKILL:

    publish    a message is about to be published (the batch is measured, the slice is cut)
    sent       it is on its way: sent, not acknowledged
    acked      it is acknowledged; whether it is the first copy has not been looked at
    published  it is published, and nothing after that has been done
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
from collections.abc import Callable
from itertools import count

from kafka import KafkaProducer

from cosmo import broker, cli
from cosmo.broker.connection import Connection

EDGES = ("publish", "sent", "acked", "published")


def main() -> None:
    """Wrap what is asked for, then be `cosmo`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--host")
    parser.add_argument("--die", metavar="EDGE:N")
    parser.add_argument("arguments", nargs="+")
    asked = parser.parse_args()
    if asked.host:
        socket.gethostname = lambda: asked.host
    if asked.die:
        edge, _, n = asked.die.partition(":")
        _die_at(edge, int(n))
    sys.argv = ["cosmo", *asked.arguments]
    cli.main()


def _die_at(edge: str, n: int) -> None:
    passed = count(1)

    def at_edge() -> None:
        if next(passed) == n:
            sys.stderr.write(f"launcher: dies at {edge}, message {n}\n")
            sys.stderr.flush()
            os.kill(os.getpid(), signal.SIGKILL)

    numbered = broker.NumberedLog
    if edge == "publish":
        numbered.publish = _before(numbered.publish, at_edge)
    elif edge == "published":
        numbered.publish = _after(numbered.publish, at_edge)
    elif edge == "acked":
        numbered._send = _after(numbered._send, at_edge)
    elif edge == "sent":
        Connection.new_producer = _watched(Connection.new_producer, at_edge)
    else:
        raise SystemExit(f"expected one of {', '.join(EDGES)}, got {edge}")


def _before(function: Callable, then: Callable[[], None]) -> Callable:
    def wrapped(*arguments: object) -> object:
        then()
        return function(*arguments)

    return wrapped


def _after(function: Callable, then: Callable[[], None]) -> Callable:
    def wrapped(*arguments: object) -> object:
        given = function(*arguments)
        then()
        return given

    return wrapped


def _watched(new_producer: Callable, then: Callable[[], None]) -> Callable:
    """Let the client's send() go on when its request has left and is not answered."""

    def wrapped(*arguments: object) -> object:
        client = new_producer(*arguments)
        send = client.send

        def send_and_look(*message: object, **options: object) -> object:
            future = send(*message, **options)
            while not (_in_flight(client) or future.is_done):
                pass  # it is a matter of microseconds
            then()
            return future

        client.send = send_and_look
        return client

    return wrapped


def _in_flight(client: KafkaProducer) -> bool:
    connections = list(client._sender._client._manager._conns.values())  # another thread adds to them
    return any(connection.in_flight_requests for connection in connections)


if __name__ == "__main__":
    main()
