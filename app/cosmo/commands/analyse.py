"""`cosmo analyse`: the part that measures, in Spark."""

from __future__ import annotations

from pathlib import Path

import click

from cosmo.commands.shared.documents import lock_of


@click.command("analyse")
@click.pass_obj
def command(document: Path) -> None:
    """Analyse the run in Spark (the service cosmo-analysis)."""
    from cosmo import artifacts
    from cosmo.analysis import analyse
    from cosmo.commands.shared import service
    from cosmo.settings import Settings

    settings = Settings.load(document)
    jars = artifacts.fetch(lock_of(document), settings.paths.cache).spark_kafka
    with service.stopped_by_signals() as stop:
        analyse(settings, jars, stop, service.ready, service.alive)
