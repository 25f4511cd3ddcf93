"""`cosmo dashboard`: the part that shows."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("dashboard")
@click.pass_obj
def command(document: Path) -> None:
    """Show results on a web page (the service cosmo-dashboard)."""
    from cosmo.commands.shared import service
    from cosmo.dashboard import serve
    from cosmo.settings import Settings

    settings = Settings.load(document)
    with service.stopped_by_signals() as stop:
        serve(settings, stop=stop, on_ready=service.ready, on_alive=service.alive)
