"""Noise: single hits at random times, in the cells that make most of it."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from cosmo.detector import N_CHAMBERS, N_CHANNELS
from cosmo.generator.lookup import lookup, places
from cosmo.generator.pulses import COUNTS_PER_ORBIT, Origin, Pulses

CHAMBER_SHARES: Final = (0.24, 0.34, 0.23, 0.19)
HOT_CELLS: Final = ((0, 61, 1 / 3), (2, 0, 1 / 10))
"""(chamber, channel, share of the chamber's hits), as in recordings made at INFN Legnaro."""
UNMAPPED_SHARE: Final = 0.001
"""Share of the noise on a channel that is no chamber's: FPGA 1, channel 138, as in the recordings."""
UNMAPPED_FPGA: Final = 1
UNMAPPED_CHANNEL: Final = 138
_CHANNELS_PER_FPGA: Final = 2 * N_CHANNELS


def cell_shares() -> NDArray[np.float64]:
    """Return each cell's share of the chambers' noise, shape (4, 64): flat but for the hot cells."""
    shares = np.full((N_CHAMBERS, N_CHANNELS), 1.0 / N_CHANNELS)
    for chamber, channel, share in HOT_CELLS:
        shares[chamber] = (1.0 - share) / (N_CHANNELS - 1)
        shares[chamber, channel] = share
    shares *= np.array(CHAMBER_SHARES)[:, None]
    return shares


_CELL: Final = lookup(cell_shares().ravel())


def noise(rng: np.random.Generator, n: int, orbits: int) -> Pulses:
    """Return n noise pulses in time order, uniform over the orbits 0 to `orbits` - 1."""
    # Cells are numbered through the chambers as channels are through the FPGAs: two chambers of 64 on each.
    cell = _CELL[places(rng, n)]
    unmapped = rng.random(n) < UNMAPPED_SHARE
    # Sums of exponential gaps, over their total, are uniform times already in order: no need to sort.
    times = np.cumsum(rng.standard_exponential(n + 1))
    counts = (times[:-1] / times[-1] * (orbits * COUNTS_PER_ORBIT)).astype(np.int64)
    return Pulses(
        counts=counts,
        fpga=np.where(unmapped, UNMAPPED_FPGA, cell // _CHANNELS_PER_FPGA).astype(np.int16),
        channel=np.where(unmapped, UNMAPPED_CHANNEL, cell % _CHANNELS_PER_FPGA).astype(np.int16),
        origin=np.full(n, Origin.NOISE, np.int8),
        drift_time_ns=np.full(n, np.nan),
    )
