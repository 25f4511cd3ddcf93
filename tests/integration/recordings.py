"""What is streamed in the tests: recordings, and a million generated rows of which the truth is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stream_parts import Parts

from cosmo.generator import Truth

SEED = 20260
MANY_ROWS = 1_000_000
BEAM, BEAM_ROWS = "minidt_beam_67000rows.csv.gz", 67_000

NewParts = Callable[..., Parts]


@dataclass(frozen=True)
class Recording:
    """A file of rows."""

    path: Path
    rows: int
    truth: tuple[Truth, ...] = ()
