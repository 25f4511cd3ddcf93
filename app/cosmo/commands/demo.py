"""`cosmo demo`: the whole stack on this machine."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import click

from cosmo.commands.shared.documents import lock_of


@click.command("demo")
@click.argument("data", nargs=-1)
@click.option("--rate", type=float, help="Rows per second instead of the settings' rate.")
@click.option(
    "--folder", type=click.Path(path_type=Path), help="Keep topics and logs here instead of paths.data."
)
@click.pass_obj
def command(document: Path, data: tuple[str, ...], rate: float | None, folder: Path | None) -> None:
    """Run the whole stack on this machine.

    That is ZooKeeper, Kafka, Spark, producer and dashboard.
    DATA are recordings (files, folders, globs) to replay instead of generated cosmics. Ctrl-C stops it all.
    """
    from cosmo.commands.shared.person import say
    from cosmo.commands.shared.progress import fetch_bar
    from cosmo.embedded.demo import demo
    from cosmo.settings import Settings

    changes: dict[str, Any] = {}
    if data:
        changes |= {"source.kind": "files", "source.files": [str(Path(name).resolve()) for name in data]}
    if rate is not None:
        changes["producer.rows_per_s"] = rate
    if folder is not None:
        changes["paths.data"] = str(folder)
    logging.getLogger().setLevel(logging.WARNING)
    logging.getLogger("cosmo.embedded").setLevel(logging.INFO)
    settings = Settings.load(document, changes)
    with fetch_bar("fetching Kafka") as progress:
        demo(settings, lock_of(document), say, progress)
