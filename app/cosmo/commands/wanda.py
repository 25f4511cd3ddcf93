r"""`cosmo wanda`: the fairy godparent of the detector, with a wish."""

from __future__ import annotations

from typing import Final

import click

WANDA: Final = r"""
            _/\_                .   *
            \  /   .         *
         .--||--.       *   /
        (  (__)  )      .  /  .
       (  ( oo )  )   *   /
        (  ( u )  )   .--'
     .-. `--||--'  .-(_)
    (   `-./  \.--'
     `-(   |..|   )
        `-/ .. \-'
         / .  . \
        /__.__.__\
           /_  _\
"""

WISHES: Final = (
    "May every orbit be whole. (What makes it so: docs/decisions/0001-timeslices.md)",
    "I wish you a page with no broker at all: cosmo fake",
    "May you find the dead cell: cosmo generate bad.csv --rows 20000 --fault dead-cell:chamber=0,channel=5",
    "May your histograms be yours: docs/results.md reads them with hist, numpy or ROOT.",
    "A million rows a second, without Kafka or Spark: cosmo summarise recording.csv.gz",
    "I wish you would see what flies by: cosmo tail -f results",
    "May you know what the broker keeps, and for how long: cosmo topics --describe",
    "I wish you a night without surprises: cosmo probe all says whether the parts work, not merely run.",
    "May a typing error never cost you a night: cosmo config check",
    "I wish you the whole thing on your own machine: cosmo demo. Ctrl-C, and it is as if nothing had been.",
    "May you lose nothing: whatever is killed, what was sent is accounted for. Try it.",
    "I wish you muons from a file: cosmo demo recording.csv.gz",
)


@click.command("wanda")
def command() -> None:
    """Call the fairy godparent, who grants a helpful wish."""
    import random

    click.echo(WANDA.strip("\n"))
    click.echo(f"\n  {random.choice(WISHES)}")  # noqa: S311  # no secret, a wish
