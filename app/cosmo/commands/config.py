"""`cosmo config`: the settings, and the schema of what is published."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.group("config")
def command() -> None:
    """Look at the settings."""


@command.command()
@click.pass_obj
def check(document: Path) -> None:
    """Validate the settings."""
    from cosmo.settings import Settings

    Settings.load(document)
    click.echo(f"{document}: all settings are valid")


@command.command()
@click.pass_obj
def show(document: Path) -> None:
    """Print the settings as the application takes them."""
    import yaml

    from cosmo.settings import Settings

    click.echo(yaml.safe_dump(Settings.load(document).model_dump(mode="json"), sort_keys=False), nl=False)


@command.command()
def schema() -> None:
    """Print the JSON Schema of the messages on cosmo-results."""
    from cosmo.results import result_schema

    click.echo(json.dumps(result_schema(), indent=1, sort_keys=True))
