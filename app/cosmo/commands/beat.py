"""`cosmo beat`: whether everything works."""

from __future__ import annotations

import sys

import click

from cosmo.commands.shared.plays import play, verb


@verb("beat")
@click.option("--json", "as_json", is_flag=True, help="For machines: one line of JSON.")
def command(options: tuple[str, ...], *, as_json: bool) -> None:
    """Ask every part on every host whether it works.

    One table; exit code 0 only if all is well. Changes nothing.
    """
    sys.exit(play("beat", options, {"cosmo_beat_json": "true"} if as_json else None))
