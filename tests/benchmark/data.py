"""Rows to measure with, from a fixed seed: a file that the product loops over, and what must come of it.

Cosmics come at the rates at which cosmics come, beam at those of beam: they differ in what an orbit holds,
and so in what a row costs.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from cosmo.generator import KINDS
from cosmo.hits import read
from cosmo.timeslices import Limits, Timeslice, cut_lines

from .passes import Pass

SEED = 20
ROWS = 600_000
COSMICS, BEAM = "cosmics", "beam"


@dataclass(frozen=True)
class Data:
    """A file of generated rows, and the oracle's account of one pass over it."""

    kind: str
    path: Path
    one_pass: Pass


def make(folder: Path, rows: int = ROWS) -> dict[str, Data]:
    """Write a file of each kind and ask the oracle, both kinds at a time."""
    paths = {kind: folder / f"{kind}.csv" for kind in (COSMICS, BEAM)}
    with ProcessPoolExecutor(len(paths)) as pool:
        passes = pool.map(_write_and_ask, paths, paths.values(), [rows] * len(paths))
        return {kind: Data(kind, paths[kind], asked) for kind, asked in zip(paths, passes, strict=True)}


def _write_and_ask(kind: str, path: Path, rows: int) -> Pass:
    write_rows(kind, path, rows)
    return Pass.of_file(path)


def write_rows(kind: str, path: Path, rows: int = ROWS) -> None:
    """Write a file of at least so many rows."""
    written, index = 0, 0
    recording = KINDS[kind](seed=SEED)
    with path.open("wb") as file:
        while written < rows:
            chunk = recording.chunk(index)
            file.write(chunk.rows)
            written += chunk.n_rows
            index += 1


def cut(path: Path) -> list[Timeslice]:
    """Cut a file into slices of the usual size."""
    return list(cut_lines([read(path.read_bytes())], Limits()))
