"""Rows to measure with: cosmics generated from a fixed seed, as a file to be looped over."""

from __future__ import annotations

from pathlib import Path

from cosmo.generator import Cosmics
from cosmo.hits import read
from cosmo.timeslices import Limits, Timeslice, cut_lines

SEED = 20
ROWS = 1_000_000


def write_rows(path: Path, rows: int = ROWS) -> int:
    """Write a file of at least so many rows, and return their number."""
    written, index = 0, 0
    cosmics = Cosmics(seed=SEED)
    with path.open("wb") as file:
        while written < rows:
            chunk = cosmics.chunk(index)
            file.write(chunk.rows)
            written += chunk.n_rows
            index += 1
    return written


def cut(path: Path) -> list[Timeslice]:
    """Cut a file into slices of the usual size."""
    return list(cut_lines([read(path.read_bytes())], Limits()))
