"""`cosmo config`: the settings, and the schema of what is published."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.group("config")
def command() -> None:
    """Look at the settings."""


@command.command()
@click.option(
    "--replacing",
    type=click.Path(path_type=Path),
    help="The settings in whose place these are to be put: is a run on that these contradict?",
)
@click.pass_obj
def check(document: Path, replacing: Path | None) -> None:
    """Validate the settings."""
    from cosmo.settings import Settings

    settings = Settings.load(document)
    if replacing:
        from cosmo import runs

        runs.require_fit(settings, replacing)
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
