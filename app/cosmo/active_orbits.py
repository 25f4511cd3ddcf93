"""Active channels against orbit number, in a bounded number of blocks. Pure; adds up.

An axis of 2^32 orbits cannot be kept orbit by orbit. Orbits are taken together in blocks of 2^k, aligned at
orbit 0, with k the smallest that leaves at most 512 occupied blocks. Adding coarsens both to the larger k,
then as far as needed, so addition is associative and commutative as long as no orbit is split over the parts.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cosmo.detector import N_CHAMBERS

MAX_BLOCKS: Final = 512


@dataclass(frozen=True, eq=False)
class ActiveByOrbit:
    """Blocks of 2^log2_orbits orbits that hold any hit, ascending."""

    log2_orbits: int  #: k: a block is 2^k orbits
    block: NDArray[np.int64]  #: orbit >> k, shape (blocks,)
    orbits: NDArray[np.int64]  #: orbits with any hit, shape (blocks,)
    total: NDArray[np.int64]  #: sum of active channels, shape (blocks, 4)
    maximum: NDArray[np.int64]  #: largest number of active channels, shape (blocks, 4)

    @classmethod
    def empty(cls) -> ActiveByOrbit:
        """Return the zero of the addition."""
        none, none_by_chamber = np.zeros(0, np.int64), np.zeros((0, N_CHAMBERS), np.int64)
        return cls(0, none, none, none_by_chamber, none_by_chamber)

    @classmethod
    def of(cls, orbit: NDArray[np.int64], active: NDArray[np.int64]) -> ActiveByOrbit:
        """Take orbits together.

        Parameters
        ----------
        orbit : orbit counters, shape (n,); one that occurs twice counts as two orbits.
        active : active channels of each orbit, shape (n, 4).
        """
        return _blocks(0, orbit, np.ones(len(orbit), np.int64), active, active)

    def __add__(self, other: ActiveByOrbit) -> ActiveByOrbit:
        k = max(self.log2_orbits, other.log2_orbits)
        both = (self, other)
        return _blocks(
            k,
            np.concatenate([part.block >> (k - part.log2_orbits) for part in both]),
            np.concatenate([part.orbits for part in both]),
            np.concatenate([part.total for part in both]),
            np.concatenate([part.maximum for part in both]),
        )

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, ActiveByOrbit)
            and self.log2_orbits == other.log2_orbits
            and all(
                np.array_equal(getattr(self, name), getattr(other, name))
                for name in ("block", "orbits", "total", "maximum")
            )
        )

    __hash__ = None  # type: ignore[assignment]  # holds arrays


def _blocks(
    k: int,
    block: NDArray[np.int64],
    orbits: NDArray[np.int64],
    total: NDArray[np.int64],
    maximum: NDArray[np.int64],
) -> ActiveByOrbit:
    """Sort the blocks, coarsen them until they are few enough, and join equal ones."""
    if not len(block):
        return ActiveByOrbit(0, *(array[:0] for array in (block, orbits, total, maximum)))
    order = np.argsort(block, kind="stable")
    block = block[order]
    steps = bisect_left(range(64), True, key=lambda s: np.count_nonzero(np.diff(block >> s)) < MAX_BLOCKS)
    block >>= steps
    starts = np.flatnonzero(np.diff(block, prepend=-1))
    return ActiveByOrbit(
        k + steps,
        block[starts],
        np.add.reduceat(orbits[order], starts),
        np.add.reduceat(total[order], starts, axis=0),
        np.maximum.reduceat(maximum[order], starts, axis=0),
    )
