"""Rows to measure with, from a fixed seed: a file that the product loops over, and what must come of it.

Cosmics come at the rates at which cosmics come, beam at those of beam: they differ in what an orbit holds,
and so in what a row costs.
"""

from __future__ import annotations

import random
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from cosmo.generator import KINDS
from cosmo.hits import read
from cosmo.timeslices import Limits, Timeslice, cut_lines

from .passes import Pass

SEED = 20
ROWS = 600_000
COSMICS, BEAM, MALFORMED = "cosmics", "beam", "beam, 1 % malformed"
MALFORMED_SHARE = 0.01
MALFORMED_ROWS = 200_000
SPOILED = (
    b"2,0,1",
    b"2,,3,4,5,6",
    b"2,0,x,3387337571,11,12",
    b"9,0,1,3387337571,11,12",
    b"2,9,1,3387337571,11,12",
    b"2,0,600,3387337571,11,12",
    b"2,0,1,4294967296,11,12",
    b"2,0,1,3387337571,4000,12",
    b"2,0,1,3387337571,11,77",
    b"junk",
)


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


def make_malformed(folder: Path, beam: Data) -> Data:
    """Write rows of beam, 1 % of them spoiled, each in one of the ways that rows are; ask the oracle."""
    rows = beam.path.read_bytes().splitlines()[:MALFORMED_ROWS]
    chance = random.Random(SEED)
    for i in chance.sample(range(len(rows)), round(MALFORMED_SHARE * len(rows))):
        rows[i] = chance.choice(SPOILED)
    path = folder / "malformed.csv"
    path.write_bytes(b"\n".join(rows) + b"\n")
    return Data(MALFORMED, path, Pass.of_file(path))


def cut(path: Path) -> list[Timeslice]:
    """Cut a file into slices of the usual size."""
    return list(cut_lines([read(path.read_bytes())], Limits()))
