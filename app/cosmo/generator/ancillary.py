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
ROWS_PER_GROUP: Final = len(HEADS)
LEAD_ORBITS: Final = (137_500, 115_000)
"""How far ahead of the hits the groups of FPGA 0 and 1 are."""
WINDOW_ORBITS: Final = 1 << 11
"""A group is at random in its window, so up to 2,000 orbits off. Windows fill chunks, so that it rises."""
MAX_BX_HEAD_3: Final = 18_504
"""The largest BX_COUNTER of HEAD 3; a third of its rows hold it."""
MAX_CHANNEL_HEAD_0: Final = 4
ODD_CHANNEL_HEAD_0: Final = 31
"""One row of HEAD 0 in seven holds this instead."""
NEGATIVE_HEAD_4_SHARE: Final = 7 / 8
MAX_TDC_HEAD_1: Final = 136


def ancillary(
    rng: np.random.Generator, n_groups: int, first_orbit: int, orbits: int
) -> tuple[Rows, NDArray[np.int64]]:
    """Return so many groups of either FPGA, sent evenly over the orbits of a chunk, and when each row is.

    A block of 4 rows of FPGA 0 is followed by one of FPGA 1; the last two may be shorter, so that the next
    chunk begins with a group too.

    Parameters
    ----------
    rng
        Where chance comes from.
    first_orbit, orbits
        First orbit of the chunk, not wrapped, and how many it has.

    Returns
    -------
    rows : Rows
        2 x 5 x `n_groups`, as they are sent.
    sent : NDArray[np.int64], shape (rows,)
        Orbit in which each is sent, since the start of the chunk, not falling.
    """
    block = np.arange(ROWS_PER_GROUP * n_groups) // BLOCK_ROWS
    n_blocks = int(block[-1]) + 1 if n_groups else 1
    sent = (2 * block + 1) * orbits // (2 * n_blocks)
    of_fpga = [_of_fpga(rng, fpga, sent) for fpga in range(len(LEAD_ORBITS))]
    order = np.argsort(np.tile(block, len(of_fpga)), kind="stable")
    rows = Rows.joined(*of_fpga)[order]
    rows.orbit[:] += first_orbit
    return rows, np.tile(sent, len(of_fpga))[order]


def _of_fpga(rng: np.random.Generator, fpga: int, sent: NDArray[np.int64]) -> Rows:
    n = len(sent)
    head = np.resize(np.array(HEADS, np.int16), n)
    window = sent[::ROWS_PER_GROUP] // WINDOW_ORBITS * WINDOW_ORBITS
    of_group = np.sort(window + rng.integers(0, WINDOW_ORBITS, len(window)))
    rows = Rows(
        head=head,
        fpga=np.full(n, fpga, np.int16),
        channel=np.zeros(n, np.int16),
        orbit=np.repeat(of_group + LEAD_ORBITS[fpga], ROWS_PER_GROUP),
        bx=np.zeros(n, np.int16),
        measure=np.zeros(n, np.int64),
    )
    kind = {h: np.flatnonzero(head == h) for h in HEADS}
    wild = rng.integers(0, MAX_BX_HEAD_3 + 1, len(kind[3]))
    rows.bx[kind[3]] = np.where(rng.random(len(wild)) < 1 / 3, MAX_BX_HEAD_3, wild)
    rows.measure[kind[1]] = 2 * rng.integers(0, MAX_TDC_HEAD_1 // 2 + 1, len(kind[1]))
    usual = rng.integers(0, MAX_CHANNEL_HEAD_0 + 1, len(kind[0]))
    rows.channel[kind[0]] = np.where(rng.random(len(usual)) < 1 / 7, ODD_CHANNEL_HEAD_0, usual)
    rows.bx[kind[0]] = rng.integers(0, BX_PER_ORBIT, len(kind[0]))
    rows.measure[kind[0]] = rng.integers(0, TDC_PER_BX, len(kind[0]))
    zero = (FOURTH_NUMBERS.start + FOURTH_NUMBERS.stop) // 2
    size = rng.integers(0, FOURTH_NUMBERS.stop - zero, len(kind[4]))
    rows.measure[kind[4]] = zero + np.where(rng.random(len(size)) < NEGATIVE_HEAD_4_SHARE, -size, size)
    rows.measure[kind[5]] = rng.integers(FIFTH_NUMBERS.start, FIFTH_NUMBERS.stop, len(kind[5]))
    return rows
