"""`cosmo analyse`: the part that measures, in Spark."""

from __future__ import annotations

from pathlib import Path

import click

from cosmo.commands.shared.documents import lock_of


@click.command("analyse")
@click.option(
    "--jars",
    "folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    envvar="COSMO_SPARK_JARS",
    help="Folder with Spark's Kafka connector, where it was delivered; else it is fetched by the lock.",
)
@click.pass_obj
def command(document: Path, folder: Path | None) -> None:
    """Analyse the run in Spark (the service cosmo-analysis)."""
    from cosmo import artifacts
    from cosmo.analysis import analyse
    from cosmo.commands.shared import service
    from cosmo.settings import Settings

    settings = Settings.load(document)
    if folder:
        jars = tuple(sorted(folder.glob("*.jar")))
    else:
        jars = artifacts.fetch(lock_of(document), settings.paths.cache).spark_kafka
    with service.stopped_by_signals() as stop:
        analyse(settings, jars, stop, service.ready, service.alive)
