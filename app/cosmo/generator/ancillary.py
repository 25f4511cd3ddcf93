"""Ancillary rows: the odd ones. They tell of the electronics, carry wild times and must move nothing.

In the recordings each FPGA sends groups of five rows, HEAD 3, 1, 0, 4, 5, with one ORBIT_CNT that rises and
runs far ahead of the hits.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from cosmo.detector import BX_PER_ORBIT, TDC_PER_BX
from cosmo.generator.readout import BLOCK_ROWS
from cosmo.generator.rows import Rows
from cosmo.generator.text import FIFTH_NUMBERS, FOURTH_NUMBERS

HEADS: Final = (3, 1, 0, 4, 5)
"""Order of a group's rows."""
LEAD_ORBITS: Final = (137_000, 113_000)
"""How far ahead of the hits the rows of FPGA 0 and 1 are, and what is added at random to each group."""
LEAD_SPREAD_ORBITS: Final = 3_000
MAX_BX_HEAD_3: Final = 18_504
"""The largest BX_COUNTER of HEAD 3; a third of its rows hold it."""
MAX_CHANNEL_HEAD_0: Final = 4
MAX_TDC_HEAD_1: Final = 136
ROWS_PER_PAIR: Final = len(LEAD_ORBITS) * BLOCK_ROWS


def ancillary(rng: np.random.Generator, orbit: NDArray[np.int64]) -> Rows:
    """Return pairs of blocks, one of FPGA 0 and one of FPGA 1, of 4 rows each.

    Parameters
    ----------
    rng
        Where chance comes from.
    orbit : NDArray[np.int64], shape (pairs,)
        Orbit of the hits at each pair, not wrapped.
    """
    blocks = [_of_fpga(rng, fpga, orbit) for fpga in range(len(LEAD_ORBITS))]
    return Rows.woven(*blocks, block_rows=BLOCK_ROWS)


def _of_fpga(rng: np.random.Generator, fpga: int, orbit: NDArray[np.int64]) -> Rows:
    n = BLOCK_ROWS * len(orbit)
    head = np.resize(np.array(HEADS, np.int16), n)
    first = np.arange(0, n, len(HEADS))
    ahead = LEAD_ORBITS[fpga] + rng.integers(0, LEAD_SPREAD_ORBITS, len(first))
    of_group = np.sort(orbit[first // BLOCK_ROWS] + ahead)
    rows = Rows(
        head=head,
        fpga=np.full(n, fpga, np.int16),
        channel=np.zeros(n, np.int16),
        orbit=np.repeat(of_group, len(HEADS))[:n],
        bx=np.zeros(n, np.int16),
        measure=np.zeros(n, np.int64),
    )
    kind = {h: np.flatnonzero(head == h) for h in HEADS}
    wild = rng.integers(0, MAX_BX_HEAD_3 + 1, len(kind[3]))
    rows.bx[kind[3]] = np.where(rng.random(len(wild)) < 1 / 3, MAX_BX_HEAD_3, wild)
    rows.measure[kind[1]] = 2 * rng.integers(0, MAX_TDC_HEAD_1 // 2 + 1, len(kind[1]))
    rows.channel[kind[0]] = rng.integers(0, MAX_CHANNEL_HEAD_0 + 1, len(kind[0]))
    rows.bx[kind[0]] = rng.integers(0, BX_PER_ORBIT, len(kind[0]))
    rows.measure[kind[0]] = rng.integers(0, TDC_PER_BX, len(kind[0]))
    rows.measure[kind[4]] = rng.integers(FOURTH_NUMBERS.start, FOURTH_NUMBERS.stop, len(kind[4]))
    rows.measure[kind[5]] = rng.integers(FIFTH_NUMBERS.start, FIFTH_NUMBERS.stop, len(kind[5]))
    return rows
