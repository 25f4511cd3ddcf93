"""Particles of the beam as inclined straight lines: the cells that they hit, and the drift times there."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from cosmo.detector import (
    BX_NS,
    CELL_HEIGHT_MM,
    CELL_WIDTH_MM,
    CELLS_PER_LAYER,
    DRIFT_VELOCITY_MM_PER_NS,
    N_CHANNELS,
    N_LAYERS,
    TDC_PER_BX,
)
from cosmo.generator.beam_shape import (
    ALONE_SHARE,
    CHANNEL_OF_LAYER,
    EFFICIENCY,
    HALF_CELL,
    LAYERS,
    MEAN_SLOPE,
    SHOWER_SPREAD,
    SLOPE_SPREAD,
)
from cosmo.generator.lookup import ENTRIES, places
from cosmo.generator.pulses import Origin, Pulses

HALF_CELL_MM: Final = CELL_WIDTH_MM / 2
MAX_DRIFT_NS: Final = HALF_CELL_MM / DRIFT_VELOCITY_MM_PER_NS
"""From the edge of a cell: 390.3 ns."""
ACTIVE_SHARE: Final = 0.935
"""Part of a cell's width that gives hits: 1.4 mm at either wall do not."""

_HIT_LAYERS: Final = ((np.arange(1 << N_LAYERS)[:, None] >> np.arange(N_LAYERS)) & 1).astype(np.bool_)
_STAGGER: Final = np.array([1, 0, 1, 0], np.float32)
"""Half cells by which layers 1 to 4 are shifted."""
_RISE: Final = ((np.arange(N_LAYERS) - (N_LAYERS - 1) / 2) * CELL_HEIGHT_MM / HALF_CELL_MM).astype(np.float32)
"""Height of layers 1 to 4 above a chamber's middle, in half cells' widths."""
_COUNTS_PER_NS: Final = TDC_PER_BX / BX_NS


def hits_of_particles(
    rng: np.random.Generator,
    counts: NDArray[np.int64],
    chamber: NDArray[np.int64],
    axis: NDArray[np.float32],
) -> Pulses:
    """Return the hits of particles in the order of particles, dead cells left out.

    Parameters
    ----------
    counts
        When each particle passes, in TDC counts, shape (n,).
    chamber
        Which chamber it passes, 0-3, shape (n,).
    axis
        Where its shower does, as a share of the chamber's particles, 0 to 1, shape (n,).
    """
    n = len(chamber)
    middle = HALF_CELL[chamber, _places_around(rng, axis, chamber)] + rng.random(n, dtype=np.float32)
    slope = MEAN_SLOPE[chamber] + SLOPE_SPREAD[chamber] * rng.standard_normal(n, dtype=np.float32)
    layers = LAYERS[chamber, places(rng, n)]
    hit = np.flatnonzero(_HIT_LAYERS[layers])
    particle, layer = hit // N_LAYERS, hit % N_LAYERS

    # From the left edge of the layer's first cell, and from the wire, in half cells.
    across = middle[particle] + slope[particle] * _RISE[layer] - _STAGGER[layer]
    cell = np.floor(across / 2).astype(np.int16)
    distance = np.abs(across - 2 * cell - 1)
    chosen = np.flatnonzero((cell >= 0) & (cell < CELLS_PER_LAYER) & (distance < ACTIVE_SHARE))
    particle, distance = particle[chosen], distance[chosen]
    channel = N_LAYERS * cell[chosen] + CHANNEL_OF_LAYER[layer[chosen]]
    of_chamber = chamber[particle]
    alive = np.flatnonzero(rng.random(len(chosen), dtype=np.float32) < EFFICIENCY[of_chamber, channel])
    particle, channel, of_chamber = particle[alive], channel[alive], of_chamber[alive]

    drift_time_ns = MAX_DRIFT_NS * distance[alive].astype(np.float64)
    return Pulses(
        counts=counts[particle] + np.rint(_COUNTS_PER_NS * drift_time_ns).astype(np.int64),
        fpga=(of_chamber // 2).astype(np.int16),
        channel=(of_chamber % 2 * N_CHANNELS + channel).astype(np.int16),
        origin=np.full(len(particle), Origin.TRACK, np.int8),
        drift_time_ns=drift_time_ns,
    )


def _places_around(
    rng: np.random.Generator, axis: NDArray[np.float32], chamber: NDArray[np.int64]
) -> NDArray[np.uint16]:
    """Return the place of each particle in the table of its chamber, shape (n,): about its shower's axis.

    Shares of the particles, not millimetres, are what a shower spreads over: so it is as narrow as the beam
    where that is dense, and the chamber's profile stays what it is.
    """
    n = len(axis)
    share = axis + SHOWER_SPREAD[chamber] * rng.standard_normal(n, dtype=np.float32)
    alone = np.flatnonzero(rng.random(n, dtype=np.float32) < ALONE_SHARE)
    share[alone] = rng.random(len(alone), dtype=np.float32)
    # Folded back at both edges of the chamber.
    share = np.abs(share - 2 * np.rint(share / 2))
    place: NDArray[np.uint16] = np.minimum(ENTRIES * share, ENTRIES - 1).astype(np.uint16)
    return place
