"""The order of the beam's rows: hits wait, trigger words do not, and the FPGAs take turns on the link."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from cosmo.detector import N_FPGAS, TDC_PER_BX
from cosmo.generator.pulses import COUNTS_PER_ORBIT, Origin, Pulses

MEAN_DELAY_COUNTS: Final = 6 * TDC_PER_BX
"""A hit is ready so long after its time on average, exponentially distributed ..."""
MAX_DELAY_COUNTS: Final = 40 * TDC_PER_BX
"""... and never later than this; a trigger word is ready at once."""
TURN_COUNTS: Final = 36
"""An FPGA sends a row, the first that is ready, and no other for 1.2 bunch crossings.

So in a shower, when rows of both are waiting, they come in turn.
"""
CROSSING_ROWS: Final = 8
"""At most so many rows of an orbit are sent after one of the next orbit, each after at most so many of them.

So a row comes at most 15 rows after the first of a later orbit, as recorded: behind 8 of the next orbit and 7
of its own.
"""


def in_order_sent(rng: np.random.Generator, pulses: Pulses) -> NDArray[np.int64]:
    """Return the index of the pulse at each place of the output, for pulses in time order."""
    counts = pulses.counts
    n = len(counts)
    delay = MEAN_DELAY_COUNTS * rng.standard_exponential(n, dtype=np.float32)
    delay[pulses.origin == Origin.SCINTILLATOR] = 0.0
    sent = counts + np.minimum(delay, MAX_DELAY_COUNTS).astype(np.int64)
    for fpga in range(N_FPGAS):
        own = np.flatnonzero(pulses.fpga == fpga)
        own = own[np.argsort(sent[own], kind="stable")]
        turns = TURN_COUNTS * np.arange(len(own))
        # Each is sent when it is ready, or a turn after the one before.
        sent[own] = np.maximum.accumulate(sent[own] - turns) + turns
    orbit = counts // COUNTS_PER_ORBIT
    last = np.flatnonzero(np.diff(orbit, append=-1))
    last_of_orbit = np.repeat(last, np.diff(last, prepend=-1))
    # A row that is sent by the time of another follows, of its orbit, only rows before that one: 8 at most.
    bound = np.where(
        np.arange(n) > last_of_orbit - CROSSING_ROWS,
        counts[np.minimum(last_of_orbit + CROSSING_ROWS + 1, n - 1)],
        (orbit + 1) * COUNTS_PER_ORBIT - 1,
    )
    return np.argsort(np.minimum(sent, bound), kind="stable")
