"""What the oracle expects of a file that is looped over: each count times the passes, orbits moved on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from oracle import summary as oracle
from oracle.rows import lines
from oracle.timeslicer import ORBITS, cut

N_CHAMBERS = 4


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
        return cls(
            total, numbers, np.array([active for _, active in orbits], np.int64).reshape(-1, N_CHAMBERS)
        )

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
        """Return `active_by_orbit` of so many passes, in the smallest blocks that are few enough."""
        moved = [(self.orbits + self.summary["live_orbits"] * k) % ORBITS for k in range(passes)]
        log2_block = self._log2_block
        occupied = np.unique(np.concatenate([_without_repeats(orbits >> log2_block) for orbits in moved]))
        while len(occupied) > oracle.MOST_BLOCKS:
            log2_block, occupied = log2_block + 1, np.unique(occupied >> 1)
        count = np.zeros(len(occupied), np.int64)
        total, maximum = np.zeros((2, len(occupied), N_CHAMBERS), np.int64)
        for orbits in moved:
            place = np.searchsorted(occupied, orbits >> log2_block)
            start = np.flatnonzero(np.diff(place, prepend=-1))  # of each stretch in one block
            np.add.at(count, place[start], np.diff(start, append=len(place)))
            np.add.at(total, place[start], np.add.reduceat(self.active, start))
            np.maximum.at(maximum, place[start], np.maximum.reduceat(self.active, start))
        entries = zip(occupied.tolist(), count.tolist(), total.tolist(), maximum.tolist(), strict=True)
        return {"log2_block": log2_block, "blocks": {block: list(entry) for block, *entry in entries}}

    @property
    def _log2_block(self) -> int:
        """Blocks of one pass: more passes never have smaller ones."""
        log2_block, occupied = 0, np.unique(self.orbits)
        while len(occupied) > oracle.MOST_BLOCKS:
            log2_block, occupied = log2_block + 1, np.unique(occupied >> 1)
        return log2_block


def _without_repeats(blocks: NDArray[np.int64]) -> NDArray[np.int64]:
    return blocks[np.flatnonzero(np.diff(blocks, prepend=-1))]
