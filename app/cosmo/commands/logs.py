"""`cosmo logs`: the journals of all hosts, here."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from cosmo.commands.shared.plays import play, verb


@verb("logs")
@click.option(
    "--since", default="-1 hour", show_default=True, help="As journalctl takes it: '-2 days', '21:00'."
)
@click.option(
    "--to",
    type=click.Path(path_type=Path, file_okay=False),
    default="logs",
    show_default=True,
    help="Folder on this machine.",
)
def command(options: tuple[str, ...], since: str, to: Path) -> None:
    """Fetch the journals of COSMO's units from all hosts.

    They are written to DEPLOYMENT/HOST/UNIT.log, the last 4 MiB of each unit.
    """
    sys.exit(play("logs", options, {"cosmo_since": since, "cosmo_logs": str(to.absolute())}))
