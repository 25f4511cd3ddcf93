"""`cosmo halt`: the run ends."""

from __future__ import annotations

import sys

from cosmo.commands.shared.plays import play, verb


@verb("halt")
def command(options: tuple[str, ...]) -> None:
    """End the run when all that was sent is measured.

    Rows sent = rows accounted, printed. The infrastructure stays up.
    """
    sys.exit(play("halt", options))
