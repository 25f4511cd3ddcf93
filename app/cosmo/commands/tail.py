"""`cosmo tail`: what is on a topic."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("tail")
@click.argument("topic")
@click.option("-n", "--records", type=click.IntRange(0), default=10, show_default=True, help="How many.")
@click.option("--from-beginning", is_flag=True, help="All that is kept, instead of the last ones.")
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document a line, with the rows of slices.")
@click.pass_obj
def command(
    document: Path, topic: str, records: int, *, from_beginning: bool, follow: bool, as_json: bool
) -> None:
    """Show the last records of TOPIC, a line each.

    A line has the time (UTC), partition/offset, and what the record says.
    TOPIC is a name, or stream, results or runs for those of the settings.
    """
    from collections.abc import Iterator

    from cosmo.broker import Broker, Record
    from cosmo.commands.shared.service import stopped_by_signals
    from cosmo.record_lines import json_of, line_of
    from cosmo.settings import Settings

    settings = Settings.load(document)
    broker, topics = Broker(settings), settings.topics
    topic = {"stream": topics.stream.name, "results": topics.results.name, "runs": topics.runs.name}.get(
        topic, topic
    )
    end = broker.end_offsets(topic)

    def batches() -> Iterator[list[Record]]:
        yield from broker.stream(topic, {}, end) if from_beginning else [broker.last(topic, records, end)]
        if follow:
            follower = broker.follow(topic, end)
            try:
                while True:
                    yield follower.poll(200)
            finally:
                follower.close()

    show = json_of if as_json else line_of
    with stopped_by_signals() as stop:
        for batch in batches():
            for record in batch:
                click.echo(show(topics, topic, record))
            if stop.is_set():
                return
