"""`cosmo restart`: one tier after the other, host by host."""

from __future__ import annotations

import sys

import click

from cosmo.commands.shared.plays import play, verb

TIERS = ("zookeeper", "kafka", "spark_master", "spark_worker", "analysis", "producer", "dashboard")


@verb("restart")
@click.option("--tier", type=click.Choice(TIERS), help="This one only; without it, all in their order.")
def command(options: tuple[str, ...], tier: str | None) -> None:
    """Restart what is meant to run, one host after the other.

    Each is waited for until it works, before the next one. A run goes on: nothing
    is lost or counted twice. What failed is started, what was halted stays so.
    """
    sys.exit(play("restart", options, tag=tier or ""))
