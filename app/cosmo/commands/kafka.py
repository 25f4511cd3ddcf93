"""`cosmo kafka`: this tier alone."""

from __future__ import annotations

import sys

import click

from cosmo.commands.shared.plays import play, verb


@click.group("kafka")
def command() -> None:
    """Deploy, stop or ask Kafka and its ZooKeeper alone."""


@verb("deploy")
def deploy(options: tuple[str, ...]) -> None:
    """Install and start ZooKeeper and Kafka: their part of init."""
    sys.exit(play("init", options, tag="kafka"))


@verb("stop")
def stop(options: tuple[str, ...]) -> None:
    """Stop and disable the broker and ZooKeeper; topics stay."""
    sys.exit(play("dismiss", options, tag="kafka"))


@verb("status")
def status(options: tuple[str, ...]) -> None:
    """Ask whether both answer; exit code 0 only if they do."""
    sys.exit(play("status", options, tag="kafka"))


for each in (deploy, stop, status):
    command.add_command(each)
