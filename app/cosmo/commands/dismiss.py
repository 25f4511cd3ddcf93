"""`cosmo dismiss`: the hosts are given back."""

from __future__ import annotations

import sys

import click

from cosmo.commands.shared.plays import play, verb


@verb("dismiss")
@click.option(
    "--purge", metavar="NAME", help="Delete topics, runs, settings and users too: NAME is the deployment's."
)
def command(options: tuple[str, ...], purge: str | None) -> None:
    """Stop and disable everything; data stays.

    With a purge that names the deployment, nothing of COSMO stays on its hosts.
    """
    sys.exit(play("dismiss", options, {} if purge is None else {"cosmo_purge": purge}))
