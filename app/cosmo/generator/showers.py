"""Particles of the beam, in live time: single ones of its halo, and showers that reach several chambers."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from cosmo.detector import (
    BX_NS,
    CELL_WIDTH_MM,
    CELLS_PER_LAYER,
    DRIFT_VELOCITY_MM_PER_NS,
    N_CHAMBERS,
    N_CHANNELS,
    N_LAYERS,
    TDC_PER_BX,
)
from cosmo.generator.beam_shape import CHANNEL_OF_LAYER, EFFICIENCY, HALF_CELL, LAYERS
from cosmo.generator.lookup import lookup, places
from cosmo.generator.pulses import Origin, Pulses

MEAN_GAP_COUNTS: Final = 115.0 * TDC_PER_BX
"""Live time from an event to the next, exponential: 115 bunch crossings."""
HALO_SHARE: Final = 0.49
"""Share of the events that are one particle in one chamber."""
HALO_CHAMBER_SHARES: Final = (0.565, 0.185, 0.205, 0.045)
SHOWER_SHAPE: Final = 1.69
"""Showers' sizes, mean 1, follow a gamma distribution of this shape ..."""
SHOWER_PARTICLES: Final = (1.65, 0.385, 0.76, 0.075)
"""... and a shower of size 1 has so many particles in each chamber, Poisson distributed."""
MAX_DRIFT_NS: Final = CELL_WIDTH_MM / 2 / DRIFT_VELOCITY_MM_PER_NS
"""From the edge of a cell: 390.3 ns."""
SMEAR_NS: Final = 40.0
"""Standard deviation by which inclination and diffusion change a drift time."""
AFTER_PULSE_SHARE: Final = 0.05
"""Share of the hits that are followed by another of the same cell, 4 to 14 bunch crossings later."""
AFTER_PULSE_COUNTS: Final = (4 * TDC_PER_BX, 14 * TDC_PER_BX)
CELL_DEAD_COUNTS: Final = (83, 7 * TDC_PER_BX)
"""A cell is dead as long as its pulse lasts, uniformly distributed from 2.77 to 7 bunch crossings."""
UNMAPPED_SHARE: Final = 1.5e-4
"""Share of the hits on a channel of no chamber: 129 to 138, of either FPGA."""
UNMAPPED_CHANNELS: Final = (129, 139)

_CHAMBER_OF_HALO: Final = lookup(np.array(HALO_CHAMBER_SHARES))
_HIT_LAYERS: Final = ((np.arange(1 << N_LAYERS)[:, None] >> np.arange(N_LAYERS)) & 1).astype(np.bool_)
_STAGGER: Final = np.array([1, 0, 1, 0], np.int16)
"""Half cells by which layers 1 to 4 are shifted."""
_CHANNELS_PER_FPGA: Final = 512
_COUNTS_PER_NS: Final = TDC_PER_BX / BX_NS


def showers(rng: np.random.Generator, live_counts: int) -> Pulses:
    """Return the pulses of the chambers in so much live time, in time order, dead cells left out."""
    event_counts = _event_counts(rng, live_counts)
    event, chamber = _particles(rng, len(event_counts))
    hits = _hits(rng, event_counts[event], chamber)
    pulses = _with_odd_ones(rng, hits).in_time_order()
    return pulses[recorded(pulses, rng.integers(*CELL_DEAD_COUNTS, len(pulses)))]


def _event_counts(rng: np.random.Generator, live_counts: int) -> NDArray[np.int64]:
    """Return the times of events, rising, all below `live_counts`.

    The first is after a cell's longest dead time, so none is still dead from the chunk before.
    """
    mean = live_counts / MEAN_GAP_COUNTS
    times: NDArray[np.float64] = np.zeros(0)
    while not len(times) or times[-1] < live_counts:
        after = times[-1] if len(times) else CELL_DEAD_COUNTS[1]
        gaps = rng.standard_exponential(int(mean * 1.02) + 64)
        times = np.concatenate([times, after + MEAN_GAP_COUNTS * np.cumsum(gaps)])
    return times[times < live_counts].astype(np.int64)


def _particles(rng: np.random.Generator, n_events: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the event and the chamber of each particle, in the order of events."""
    is_halo = rng.random(n_events) < HALO_SHARE
    n_particles = np.zeros((n_events, N_CHAMBERS), np.int64)
    halo = np.flatnonzero(is_halo)
    n_particles[halo, _CHAMBER_OF_HALO[places(rng, len(halo))]] = 1
    shower = np.flatnonzero(~is_halo)
    size = rng.gamma(SHOWER_SHAPE, 1.0 / SHOWER_SHAPE, len(shower))
    n_particles[shower] = rng.poisson(size[:, None] * np.array(SHOWER_PARTICLES))
    of = np.repeat(np.arange(n_particles.size), n_particles.ravel())
    return of // N_CHAMBERS, of % N_CHAMBERS


def _hits(rng: np.random.Generator, counts: NDArray[np.int64], chamber: NDArray[np.int64]) -> Pulses:
    """Return the hits of particles that pass at `counts`, perpendicular to the layers.

    A particle passes somewhere in a half cell; one layer's wire is at its one end, the staggered layer's at
    the other, so that their drift times add up to the longest one but for the smear.
    """
    half_cell = HALF_CELL[chamber, places(rng, len(chamber))]
    from_left = rng.random(len(chamber), dtype=np.float32)
    layers = LAYERS[chamber, places(rng, len(chamber))]
    particle, layer = np.divmod(np.flatnonzero(_HIT_LAYERS[layers]), N_LAYERS)

    beyond_left = half_cell[particle] - _STAGGER[layer]
    cell = beyond_left >> 1
    channel = N_LAYERS * cell + CHANNEL_OF_LAYER[layer]
    chosen = np.flatnonzero((cell >= 0) & (cell < CELLS_PER_LAYER))
    place = N_CHANNELS * chamber[particle[chosen]] + channel[chosen]
    chosen = chosen[rng.random(len(chosen), dtype=np.float32) < EFFICIENCY.ravel()[place]]
    particle, channel = particle[chosen], channel[chosen]
    of_chamber = chamber[particle]

    # The wire is in the middle of the cell: at the right end of its left half.
    share = np.abs(from_left[particle] - (beyond_left[chosen] + 1) % 2)
    # Folded back at the wire and at the cell's edge.
    smear = rng.standard_normal(len(share), dtype=np.float32)
    drift_time_ns = np.abs(MAX_DRIFT_NS * share + SMEAR_NS * smear)
    drift_time_ns = MAX_DRIFT_NS - np.abs(MAX_DRIFT_NS - drift_time_ns)
    drift_counts = np.rint(_COUNTS_PER_NS * drift_time_ns).astype(np.int64)
    return Pulses(
        counts=counts[particle] + drift_counts,
        fpga=(of_chamber // 2).astype(np.int16),
        channel=(of_chamber % 2 * N_CHANNELS + channel).astype(np.int16),
        origin=np.full(len(chosen), Origin.TRACK, np.int8),
        drift_time_ns=drift_time_ns.astype(np.float64),
    )


def _with_odd_ones(rng: np.random.Generator, hits: Pulses) -> Pulses:
    """Return the hits, some followed by another pulse of their cell, and a few on channels of no chamber."""
    fate = rng.random(len(hits))
    again = hits[np.flatnonzero(fate < AFTER_PULSE_SHARE)]
    after = Pulses(
        counts=again.counts + rng.integers(*AFTER_PULSE_COUNTS, len(again)),
        fpga=again.fpga,
        channel=again.channel,
        origin=np.full(len(again), Origin.AFTER_PULSE, np.int8),
        drift_time_ns=np.full(len(again), np.nan),
    )
    unmapped = hits[np.flatnonzero(fate > 1.0 - UNMAPPED_SHARE)]
    odd = Pulses(
        counts=unmapped.counts,
        fpga=unmapped.fpga,
        channel=rng.integers(*UNMAPPED_CHANNELS, len(unmapped)).astype(np.int16),
        origin=np.full(len(unmapped), Origin.NOISE, np.int8),
        drift_time_ns=np.full(len(unmapped), np.nan),
    )
    return hits.followed_by(after, odd)


def recorded(pulses: Pulses, dead_counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which pulses, in time order, their cells were ready for, shape (n,).

    Parameters
    ----------
    pulses
        In time order.
    dead_counts
        How long each of them makes its cell dead, recorded or not, in TDC counts, shape (n,).
    """
    cell = pulses.fpga * _CHANNELS_PER_FPGA + pulses.channel
    of_cells = np.argsort(cell, kind="stable")
    cell, counts = cell[of_cells], pulses.counts[of_cells]
    ready = np.ones(len(pulses), np.bool_)
    ready[of_cells[1:]] = (cell[1:] != cell[:-1]) | (np.diff(counts) >= dead_counts[of_cells[:-1]])
    return ready
