"""`cosmo prefetch`: all that hosts install, into the controller's cache."""

from __future__ import annotations

import sys

from cosmo.commands.shared.plays import play, verb


@verb("prefetch")
def command(options: tuple[str, ...]) -> None:
    """Fetch all that hosts install into the controller's cache.

    Jars, Python packages, Java and uv; init needs no registry then.
    """
    sys.exit(play("prefetch", options))
