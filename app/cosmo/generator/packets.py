"""The link of the beam's readout: packets of 128 rows, one every 1.27 orbits; what comes meanwhile is lost.

So the link, not the beam, makes the 1.13 million rows/s: hits come at a higher rate until a packet is full,
then none are read until the next packet may begin. That is why so many orbits of the recording hold exactly
128 rows, and a full orbit is followed by a poor one.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from cosmo.detector import BX_PER_ORBIT, TDC_PER_BX

PACKET_ROWS: Final = 128
"""1 KiB of raw words."""
PERIOD_BX: Final = 1.27 * BX_PER_ORBIT
"""From one packet's turn to the next ..."""
PERIOD_SPREAD_BX: Final = 0.05 * BX_PER_ORBIT
"""... with this standard deviation. A packet that fills too slowly takes the time of the next one."""


def dead_counts(rng: np.random.Generator, live: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the dead time before each row, in whole bunch crossings of TDC counts, rising, shape (n,).

    Parameters
    ----------
    live
        Live time of each row in TDC counts, rising, shape (n,). Live time plus dead time is the row's time.
    """
    begins = live[::PACKET_ROWS].astype(np.float64)
    turns = np.cumsum(rng.normal(PERIOD_BX, PERIOD_SPREAD_BX, len(begins))) * TDC_PER_BX
    # A packet begins at its turn, or when the one before is full: dead time before it is the largest by which
    # any turn so far was later than its packet's live time.
    dead_bx = np.maximum.accumulate(turns - begins) // TDC_PER_BX
    # The first packet begins with the chunk.
    dead = (dead_bx - dead_bx[:1]).astype(np.int64) * TDC_PER_BX
    return np.repeat(dead, PACKET_ROWS)[: len(live)]
