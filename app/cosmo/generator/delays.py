"""The order of the beam's rows: each is sent some time after its own, so neighbours change places."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from cosmo.detector import TDC_PER_BX
from cosmo.generator.pulses import COUNTS_PER_ORBIT

MEAN_DELAY_COUNTS: Final = 8 * TDC_PER_BX
"""A row is sent so long after its time on average, exponentially distributed ..."""
MAX_DELAY_COUNTS: Final = 40 * TDC_PER_BX
"""... and never more than this."""
CROSSING_ROWS: Final = 8
"""At most so many rows of an orbit are sent after one of the next orbit, each after at most so many of them.

So a row comes at most 15 rows after the first of a later orbit, as recorded: behind 8 of the next orbit and 7
of its own.
"""


def in_order_sent(rng: np.random.Generator, counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the index of the row at each place of the output.

    Parameters
    ----------
    counts
        Times of the rows in TDC counts, rising, shape (n,).
    """
    n = len(counts)
    delay = MEAN_DELAY_COUNTS * rng.standard_exponential(n, dtype=np.float32)
    sent = counts + np.minimum(delay, MAX_DELAY_COUNTS).astype(np.int64)
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
