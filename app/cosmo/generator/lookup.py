"""Draws from a few values with given shares: one random integer and one look-up for each."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

ENTRIES: Final = 1 << 16
"""Places of a table: shares are kept to 1 in 65,536."""


def lookup(shares: NDArray[np.float64]) -> NDArray[np.int16]:
    """Return a table, shape (ENTRIES,), that holds value k in a part of its places given by `shares[k]`.

    Parameters
    ----------
    shares : shape (values,)
        From 0; they need not add up to 1.
    """
    upto = np.rint(np.cumsum(shares) / shares.sum() * ENTRIES).astype(np.int64)
    return np.repeat(np.arange(len(shares), dtype=np.int16), np.diff(upto, prepend=0))


def places(rng: np.random.Generator, n: int) -> NDArray[np.uint16]:
    """Return n random places of a table, shape (n,)."""
    return rng.integers(0, ENTRIES, n, dtype=np.uint16)
