"""What the oracle expects of a file that is looped over: each count times the passes, orbits moved on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from oracle import summary as oracle
from oracle.rows import lines
from oracle.timeslicer import ORBITS, cut


@dataclass(frozen=True)
class Pass:
    """The oracle's summary of one pass, and its orbits one by one, to be moved."""

    summary: dict
    orbits: NDArray[np.int64]  #: number of each, in the order of the file
    active: NDArray[np.int64]  #: active channels of each, orbits x chambers

    @classmethod
    def of_file(cls, path: Path) -> Pass:
        """Ask the oracle: plain Python, about 40,000 rows/s."""
        return cls.of(path.read_bytes())

    @classmethod
    def of(cls, data: bytes) -> Pass:
        """Ask the oracle about the bytes of a file."""
        total = oracle.empty()
        orbits = [orbit for piece in cut(lines(data)) for orbit in oracle.count_slice(total, piece)]
        numbers = np.array([number for number, _ in orbits], np.int64)
        return cls(total, numbers, np.array([active for _, active in orbits], np.int64).reshape(-1, 4))

    @property
    def rows(self) -> int:
        return int(self.summary["rows"])

    def times(self, passes: int) -> dict:
        """Return the summary of so many passes; each begins at the orbit where the one before it ended."""
        total = {name: value * passes for name, value in self.summary.items() if isinstance(value, int)}
        for name in ("hits", *oracle.TABLES):
            total[name] = (np.array(self.summary[name], np.int64) * passes).tolist()
        for name in ("ancillary", "malformed"):
            total[name] = {key: n * passes for key, n in self.summary[name].items()}
        total["active_by_orbit"] = self._blocks(passes)
        return total

    def _blocks(self, passes: int) -> dict:
        moved = self.summary["live_orbits"] * np.arange(passes, dtype=np.int64)
        log2_block = 0
        while True:  # the smallest blocks of which at most so many are occupied
            blocks = [np.unique(((self.orbits + shift) % ORBITS) >> log2_block) for shift in moved]
            occupied = np.unique(np.concatenate(blocks))
            if len(occupied) <= oracle.MOST_BLOCKS:
                break
            log2_block += 1
        orbits = np.zeros(len(occupied), np.int64)
        totals, maxima = np.zeros((2, len(occupied), 4), np.int64)
        for shift in moved:
            place = np.searchsorted(occupied, ((self.orbits + shift) % ORBITS) >> log2_block)
            np.add.at(orbits, place, 1)
            np.add.at(totals, place, self.active)
            np.maximum.at(maxima, place, self.active)
        entries = zip(orbits.tolist(), totals.tolist(), maxima.tolist(), strict=True)
        return {
            "log2_block": log2_block,
            "blocks": {int(block): list(entry) for block, entry in zip(occupied, entries, strict=True)},
        }
