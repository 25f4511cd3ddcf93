"""`cosmo init`: bare hosts to a running infrastructure."""

from __future__ import annotations

import sys

import click

from cosmo.commands.shared.plays import play, verb


@verb("init")
@click.option("--rotate", is_flag=True, help="Make all passwords, keys and certificates anew.")
def command(options: tuple[str, ...], *, rotate: bool) -> None:
    """Install and start ZooKeeper, Kafka with its topics, and Spark.

    The application is installed too. Again, it changes nothing that is well. --check --diff shows what it
    would do. A run goes on meanwhile, also through --rotate.
    """
    sys.exit(play("init", options, {"cosmo_rotate": True} if rotate else {}))
