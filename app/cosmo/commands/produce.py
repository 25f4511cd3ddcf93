"""`cosmo produce`: the part that streams the source."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("produce")
@click.pass_obj
def command(document: Path) -> None:
    """Stream the source into the run (the service cosmo-producer).

    SIGHUP makes it read producer.rows_per_s anew; all else is read at its start.
    """
    from cosmo.commands.shared import service
    from cosmo.commands.shared.rate import RateOfDocument
    from cosmo.file_lock import held
    from cosmo.producer import produce
    from cosmo.settings import Settings

    settings = Settings.load(document)
    settings.paths.data.mkdir(parents=True, exist_ok=True)
    lock = settings.paths.data / "producer.lock"
    with held(lock, "producer of this host"), service.stopped_by_signals() as stop:
        produce(settings, stop, service.ready, service.alive, RateOfDocument(document, settings))
