"""`cosmo generate`: generated rows, as a file."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("generate")
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--rows", type=click.IntRange(1), required=True, help="How many.")
@click.option("--kind", type=click.Choice(["cosmics", "beam"]), default="cosmics", show_default=True)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Equal seeds, equal rows.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    help="Put in, such as dead-cell:chamber=0,channel=5,from_orbit=10000; may be repeated.",
)
@click.option(
    "--truth", type=click.Path(path_type=Path, dir_okay=False), help="Write it here: .csv, .parquet."
)
def command(out: Path, rows: int, kind: str, seed: int, faults: tuple[str, ...], truth: Path | None) -> None:
    """Write generated rows to OUT, packed if it ends in .gz.

    Faults are dead-cell, noisy-cell, dead-chamber, shifted-t0, lost-fpga, burst and rate-drop, each with its
    values and, if not for ever, from_orbit and to_orbit, counted from the first. See docs/settings.md.
    """
    from cosmo.commands.shared.progress import count_bar
    from cosmo.generate import generate
    from cosmo.generator import KINDS, parse_fault

    recording = KINDS[kind](seed=seed, faults=tuple(parse_fault(text) for text in faults))
    with count_bar("writing", rows) as progress:
        generate(recording, rows, out, truth, progress)
