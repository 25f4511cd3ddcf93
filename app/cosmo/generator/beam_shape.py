"""What the beam looks like in each chamber: a profile of straight lines on a log scale, slopes, dead cells.

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
    ((0, 3.42), (8, 6.42), (16, 11.58), (24, 35.0), (30, 113.0), (32, 185.0)),
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
    (0.332, 0.150, 0.172, 0.346),
    (0.599, 0.192, 0.093, 0.116),
    (0.354, 0.188, 0.143, 0.315),
    (0.744, 0.115, 0.069, 0.072),
)
"""Per chamber: relative frequency of 1, 2, 3 and 4 hits."""

_LAYER_WEIGHTS: Final = (
    (3.09, 1.61, 1.62, 1.0),
    (1.48, 1.13, 1.19, 1.0),
    (8.05, 3.43, 1.74, 1.0),
    (1.15, 0.87, 0.97, 1.0),
)
"""Per chamber: relative efficiency of layers 1 to 4."""

MEAN_SLOPE: Final = np.array([-0.16, -0.20, 0.22, 0.03], np.float32)
SLOPE_SPREAD: Final = np.array([0.15, 0.26, 0.18, 0.20], np.float32)
"""Per chamber: mean and standard deviation of dx/dz of the particles, normally distributed."""
SHOWER_SPREAD: Final = np.array([0.24, 0.036, 0.20, 0.041], np.float32)
"""Per chamber: standard deviation of a particle from its shower's axis, as a share of all its particles."""
ALONE_SHARE: Final = 0.14
"""Share of the particles that are anywhere."""

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
