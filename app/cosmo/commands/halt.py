"""`cosmo halt`: the run ends."""

from __future__ import annotations

import sys

from cosmo.commands.shared.plays import play, verb


@verb("halt")
def command(options: tuple[str, ...]) -> None:
    """End the run: rows sent = rows accounted, then all parts stop.

    The producer stops, the analysis works off what is in the stream. Kafka and Spark go on; topics and
    runs stay.
    """
    sys.exit(play("halt", options))
