"""The order of the rows: both FPGAs are read out in blocks of 4 rows, so rows are not in time order."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

BLOCK_ROWS: Final = 4
"""Rows of one FPGA sent at once, as in cosmic recordings."""
MAX_DISORDER_ROWS: Final = 15
"""A hit comes at most so many hits after one of a later orbit, as in the recordings."""
_PATIENCE_ROWS: Final = MAX_DISORDER_ROWS + 2


def in_blocks(fpga: NDArray[np.int16]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the order in which hits leave the readout, and where its blocks end.

    Each FPGA gathers its hits and sends a block as its fourth comes. A block whose hits would be more than 16
    places apart in time, and the one at the end, are sent with fewer, as the last of them comes.

    Parameters
    ----------
    fpga : NDArray[np.int16], shape (n,)
        FPGA of each hit, hits in time order.

    Returns
    -------
    order : NDArray[np.int64], shape (n,)
        Index of the hit at each place of the output.
    ends : NDArray[np.int64]
        Place after the last hit of each block, rising; the last is n. Empty if n is 0.
    """
    n = len(fpga)
    leaves = np.empty(n, np.int64)
    for one in np.unique(fpga):
        own = np.flatnonzero(fpga == one)
        place = np.arange(len(own))
        waited = (own - own[place - place % BLOCK_ROWS]) // _PATIENCE_ROWS
        starts = (place % BLOCK_ROWS == 0) | (np.diff(waited, prepend=0) != 0)
        first = np.flatnonzero(starts)
        beyond = np.append(first[1:], len(own))
        leaves[own] = np.repeat(own[beyond - 1], beyond - first)
    # A block leaves when its last hit comes. Its hits have places a to e in time, e - a <= 16. From a later
    # hit sent before one of them up to that one, there are only its elders in the block and hits of the other
    # FPGA before e: at most e - a - 1 = 15.
    order = np.argsort(leaves, kind="stable")
    left = leaves[order]
    return order, np.flatnonzero(np.diff(left, append=n)) + 1
