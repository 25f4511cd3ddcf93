"""`cosmo spark`: this tier alone."""

from __future__ import annotations

import sys

import click

from cosmo.commands.shared.plays import play, verb


@click.group("spark")
def command() -> None:
    """Deploy, stop or ask the Spark master and workers alone."""


@verb("deploy")
def deploy(options: tuple[str, ...]) -> None:
    """Install and start master and workers: their part of init."""
    sys.exit(play("init", options, tag="spark"))


@verb("stop")
def stop(options: tuple[str, ...]) -> None:
    """Stop and disable master and workers."""
    sys.exit(play("dismiss", options, tag="spark"))


@verb("status")
def status(options: tuple[str, ...]) -> None:
    """Ask whether all are ALIVE; exit code 0 only if they are."""
    sys.exit(play("status", options, tag="spark"))


for each in (deploy, stop, status):
    command.add_command(each)
