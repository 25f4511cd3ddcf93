"""`cosmo send`: lines as records."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click


@click.command("send")
@click.argument("topic")
@click.pass_obj
def command(document: Path, topic: str) -> None:
    """Send the lines of stdin to TOPIC, one record a line.

    TOPIC is a name, or stream for that of the settings. Rows sent to the
    stream are counted as unframed: nobody knows which
    of them make a whole orbit.
    """
    from cosmo.broker import Broker
    from cosmo.commands.shared.person import say
    from cosmo.settings import Settings

    settings = Settings.load(document)
    topic = settings.topics.stream.name if topic == "stream" else topic
    sent = Broker(settings).send(topic, _lines())
    places = [f", {n:,} on partition {partition}" for partition, n in sorted(sent.by_partition.items())]
    say(f"sent {sent.n_records:,} records, {sent.n_bytes:,} bytes, to {topic}{''.join(places)}")


def _lines() -> Iterator[bytes]:
    for line in sys.stdin.buffer:
        yield line.removesuffix(b"\n").removesuffix(b"\r")
