"""`cosmo beat`: whether every part on every host works."""

from __future__ import annotations

import sys

import click

from cosmo.commands.shared.plays import play, play_captured, verb


@verb("beat")
@click.option("--json", "as_json", is_flag=True, help="One JSON document and nothing else, for machines.")
def command(options: tuple[str, ...], *, as_json: bool) -> None:
    """Ask every part on every host whether it works.

    Exit code 0 only if all is well. Changes nothing.
    """
    if not as_json:
        sys.exit(play("beat", options))
    code, said = play_captured("beat", options, {"cosmo_beat_json": True})
    documents = [line for line in said.splitlines() if line.startswith('{"')]
    click.echo(documents[-1] if documents else said, err=not documents)
    sys.exit(code)
