"""`cosmo init`: bare hosts to a running infrastructure."""

from __future__ import annotations

import sys

from cosmo.commands.shared.plays import play, verb


@verb("init")
def command(options: tuple[str, ...]) -> None:
    """Install and start ZooKeeper, Kafka with its topics, and Spark.

    The application is installed too. Again, it changes nothing that is well. --check --diff shows what it
    would do.
    """
    sys.exit(play("init", options))
