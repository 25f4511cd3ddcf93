"""Trigger words of the beam: an FPGA writes one where four of its hits come within a drift time.

As recorded, FPGA 1's have channel 128, the scintillator's, and FPGA 0's channel 139, which is no chamber's.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from cosmo.detector import TDC_PER_BX
from cosmo.generator.pulses import Origin, Pulses

TRIGGER_CHANNELS: Final = (139, 128)
"""Of FPGA 0 and 1."""
TRIGGER_HITS: Final = 4
WINDOW_COUNTS: Final = 16 * TDC_PER_BX
"""Four hits no further apart than this, the longest drift, are a trigger ..."""
EFFICIENCY: Final = (0.92, 0.79)
"""Share of its triggers that each FPGA writes."""
QUIET_COUNTS: Final = 30 * TDC_PER_BX
"""... unless another four were so, less than this before."""
LATENCY_BX: Final = 2
"""The word's time is whole bunch crossings, two after the fourth hit."""


def triggers(rng: np.random.Generator, pulses: Pulses) -> list[Pulses]:
    """Return the trigger words of each FPGA, in time order, for pulses in time order."""
    return [_of_fpga(rng, pulses, fpga) for fpga in range(len(TRIGGER_CHANNELS))]


def _of_fpga(rng: np.random.Generator, pulses: Pulses, fpga: int) -> Pulses:
    at = fourth_hits(pulses.counts[pulses.fpga == fpga])
    at = at[rng.random(len(at)) < EFFICIENCY[fpga]]
    n = len(at)
    return Pulses(
        counts=(at // TDC_PER_BX + LATENCY_BX) * TDC_PER_BX,
        fpga=np.full(n, fpga, np.int16),
        channel=np.full(n, TRIGGER_CHANNELS[fpga], np.int16),
        origin=np.full(n, Origin.SCINTILLATOR, np.int8),
        drift_time_ns=np.full(n, np.nan),
    )


def fourth_hits(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the times of the hits that complete a trigger, for one FPGA's hits in time order."""
    last = TRIGGER_HITS - 1
    fourth = counts[last:][counts[last:] - counts[:-last] <= WINDOW_COUNTS]
    return fourth[np.diff(fourth, prepend=-QUIET_COUNTS) >= QUIET_COUNTS]


def without_hits(pulses: Pulses, fpga: int, gone: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which pulses, in time order, are trigger words of an FPGA but lack their four hits, shape (n,).

    So do a few whose hits a pause of the link keeps apart.

    Parameters
    ----------
    gone : which pulses are not there, shape (n,).
    """
    own = pulses.fpga == fpga
    word = pulses.origin == Origin.SCINTILLATOR
    words = np.flatnonzero(own & word)
    hits = pulses.counts[own & ~word & ~gone]
    # The fourth hit is in the one bunch crossing that ends here.
    end = pulses.counts[words] - (LATENCY_BX - 1) * TDC_PER_BX
    first, beyond = np.searchsorted(hits, [end - TDC_PER_BX - WINDOW_COUNTS, end])
    lacking = np.zeros(len(pulses), np.bool_)
    lacking[words] = beyond - first < TRIGGER_HITS
    return lacking
