"""`cosmo topics`: which there are, what is in them, and making them what the settings say."""

from __future__ import annotations

import sys
from pathlib import Path

import click

LINE_OF_A_FILE = 200
"""Where nobody looks at a terminal, nothing is cut off."""


@click.command("topics")
@click.option(
    "--describe", is_flag=True, help="Partitions, offsets, sizes, retention, first and last record."
)
@click.option(
    "--create",
    is_flag=True,
    help="Create those of COSMO that do not exist, bring the others to what the settings say, "
    "set who may do what with them, and print what was changed.",
)
@click.option("--json", "as_json", is_flag=True, help="The description, for machines.")
@click.pass_obj
def command(document: Path, *, describe: bool, create: bool, as_json: bool) -> None:
    """List the topics of the broker, one name a line."""
    import json
    from dataclasses import asdict

    from rich.console import Console

    from cosmo.broker import Broker
    from cosmo.settings import Settings
    from cosmo.topics_table import topics_table

    settings = Settings.load(document)
    broker = Broker(settings)
    if create:
        changed = broker.create_topics() + (broker.set_access() if settings.security.is_on else [])
        for what in changed:
            click.echo(what)
    elif as_json:
        click.echo(json.dumps([asdict(topic) for topic in broker.describe_topics()]))
    elif describe:
        Console(highlight=False, width=None if sys.stdout.isatty() else LINE_OF_A_FILE).print(
            topics_table(broker.describe_topics())
        )
    else:
        for name in broker.topic_names():
            click.echo(name)
