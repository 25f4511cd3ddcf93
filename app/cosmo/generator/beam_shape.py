"""What the beam looks like in each chamber: a profile of straight lines on a log scale, and dead cells.

Fitted to a recording of 0.06 s of beam made at INFN Legnaro. No cell has a number of its own, but those that
gave nothing: a profile has 6 to 10 knots, a layer one efficiency in each chamber.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from cosmo.detector import CELLS_PER_LAYER, LAYER_OF_CHANNEL, N_CHAMBERS, N_CHANNELS, N_LAYERS
from cosmo.generator.lookup import lookup

HALF_CELLS: Final = 2 * CELLS_PER_LAYER + 1
"""Of a chamber: 16 and a half cells, the half being the stagger of layers 1 and 3."""

_KNOTS: Final = (
    ((0, 3.42), (8, 6.42), (16, 11.58), (24, 35.03), (30, 108.36), (32, 148.62)),
    (
        (0, 3.22),
        (10, 5.72),
        (14, 5.99),
        (17, 1.46),
        (22, 1.71),
        (26, 6.25),
        (27.5, 11.81),
        (29, 25.84),
        (30, 72.5),
        (32, 0.01),
    ),
    ((0, 199.84), (2, 105.63), (4, 76.01), (8, 28.36), (16, 7.86), (26, 5.07), (32, 5.87)),
    (
        (0, 50.85),
        (2, 26.72),
        (5, 12.69),
        (10, 10.01),
        (15, 11.58),
        (17, 23.16),
        (20, 53.92),
        (26, 38.07),
        (32, 58.52),
    ),
)
"""Per chamber: (half cell, relative density of particles)."""

_HITS_OF_A_PARTICLE: Final = (
    (0.295, 0.243, 0.219, 0.243),
    (0.555, 0.216, 0.125, 0.104),
    (0.340, 0.208, 0.194, 0.258),
    (0.673, 0.147, 0.100, 0.080),
)
"""Per chamber: relative frequency of 1, 2, 3 and 4 hits."""

_LAYER_WEIGHTS: Final = (
    (3.08, 1.74, 1.32, 1.0),
    (1.14, 0.96, 0.92, 1.0),
    (7.68, 2.60, 1.43, 1.0),
    (0.98, 0.70, 0.79, 1.0),
)
"""Per chamber: relative efficiency of layers 1 to 4."""

DEAD_CELLS: Final = (
    *((0, channel) for channel in (11, 13, 29, 33, 38, 51, 54)),
    *((1, channel) for channel in (60, 61, 62, 63)),
    (3, 59),
)
"""(chamber, channel) of the cells that gave no hit; dead cells are the detector's, not a fault put in."""
WEAK_CELLS: Final = ((1, 2, 0.13), (2, 8, 0.015))
"""(chamber, channel, efficiency) of two cells that gave very few."""


def _density(chamber: int) -> NDArray[np.float64]:
    at, value = np.array(_KNOTS[chamber], np.float64).T
    return np.exp(np.interp(np.arange(HALF_CELLS), at, np.log(value)))


def _layer_sets(chamber: int) -> NDArray[np.float64]:
    """Return the share of each set of layers hit, shape (16,); bit k of a set is layer k + 1."""
    hits = (np.arange(1 << N_LAYERS)[:, None] >> np.arange(N_LAYERS)) & 1
    weight = np.prod(np.where(hits, _LAYER_WEIGHTS[chamber], 1.0), axis=1)
    n_hits = hits.sum(axis=1)
    shares = np.zeros(1 << N_LAYERS)
    for n, frequency in enumerate(_HITS_OF_A_PARTICLE[chamber], start=1):
        shares[n_hits == n] = frequency * weight[n_hits == n] / weight[n_hits == n].sum()
    return shares


HALF_CELL: Final = np.stack([lookup(_density(chamber)) for chamber in range(N_CHAMBERS)])
"""Table of where a particle passes, in half cells from the edge, shape (chamber, lookup.ENTRIES)."""
LAYERS: Final = np.stack([lookup(_layer_sets(chamber)) for chamber in range(N_CHAMBERS)])
"""Table of the set of layers that it hits, one bit each, shape (chamber, lookup.ENTRIES)."""
CHANNEL_OF_LAYER: Final = np.argsort(LAYER_OF_CHANNEL[:N_LAYERS]).astype(np.int16)
"""Channel of a layer's first cell, layers 1 to 4."""

EFFICIENCY: Final[NDArray[np.float32]] = np.ones((N_CHAMBERS, N_CHANNELS), np.float32)
for _chamber, _channel in DEAD_CELLS:
    EFFICIENCY[_chamber, _channel] = 0.0
for _chamber, _channel, _efficiency in WEAK_CELLS:
    EFFICIENCY[_chamber, _channel] = _efficiency
