"""`cosmo run`: a run begins."""

from __future__ import annotations

import sys

import click

from cosmo.commands.shared.plays import deployment, inventory, play, verb


@verb("run")
@click.option("--note", metavar="TEXT", help="What is special about it, as in 'night shift'.")
def command(options: tuple[str, ...], note: str | None) -> None:
    """Begin a run: analysis, dashboard, then producer.

    Done when the first rows are measured; then it prints how to reach the web pages. While a run is on, it
    goes on.
    """
    from cosmo.commands.shared import documents
    from cosmo.commands.shared.tunnel import ways
    from cosmo.errors import CosmoError
    from cosmo.settings import Settings
    from cosmo.valid_text import valid_text

    code = play("run", options, {} if note is None else {"cosmo_note": valid_text(note)})
    if code == 0:
        document = documents.CHECKOUT / "config" / deployment() / "cosmo.yml"
        try:
            lines = ways(inventory(options), Settings.load(document).ports.model_dump())
        except CosmoError as error:  # the run is on all the same
            lines = [f"the run is on; how to reach its pages cannot be told: {error}"]
        click.echo("\n".join(lines))
    sys.exit(code)
