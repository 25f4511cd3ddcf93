"""`cosmo run`: a run begins."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from cosmo.commands.shared.plays import inventory, play, verb


@verb("run")
@click.option("--note", metavar="TEXT", help="What is special about this run; beat and the page show it.")
@click.pass_obj
def command(document: Path, options: tuple[str, ...], note: str | None) -> None:
    """Begin a run: stream, analyse, show.

    Done when the first rows are measured; then it says how to reach the pages. A run that is on goes on.
    """
    from cosmo.commands.shared.tunnel import ways
    from cosmo.settings import Settings

    code = play("run", options, {} if note is None else {"cosmo_note": note})
    if code == 0:
        ports = Settings.load(document).ports.model_dump()
        click.echo("\n".join(("", "The pages, from your machine:", *ways(inventory(options), ports))))
    sys.exit(code)
