"""Showers of the beam, in live time: small ones in one chamber, its halo, and ones that reach several."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from cosmo.detector import MAX_CHANNEL, N_CHAMBERS, N_FPGAS, TDC_PER_BX
from cosmo.generator.beam_tracks import hits_of_particles
from cosmo.generator.lookup import lookup, places
from cosmo.generator.pulses import Origin, Pulses

MEAN_GAP_COUNTS: Final = 131.0 * TDC_PER_BX
"""Live time from a shower to the next, exponential: 131 bunch crossings."""
SHOWER_SHAPE: Final = 1.41
"""Showers' sizes, mean 1, follow a gamma distribution of this shape."""
HALO_SHARE: Final = 0.464
"""Share of the showers that are in one chamber only: the halo."""
HALO_CHAMBER_SHARES: Final = (0.508, 0.240, 0.189, 0.063)
HALO_PARTICLES: Final = np.array([0.195, 1.03, 0.42, 1.11])
"""A halo shower of size 1 has in each chamber one particle and so many more, Poisson distributed ..."""
SHOWER_PARTICLES: Final = np.array([2.28, 0.347, 1.04, 0.053])
"""... and any other of size 1 so many in each chamber."""
AFTER_PULSE_SHARE: Final = 0.018
"""Share of the hits that are followed by another of the same cell, 4 to 14 bunch crossings later."""
AFTER_PULSE_COUNTS: Final = (4 * TDC_PER_BX, 14 * TDC_PER_BX)
CELL_DEAD_COUNTS: Final = (83, 7 * TDC_PER_BX)
"""A cell is dead as long as its pulse lasts, uniformly distributed from 2.77 to 7 bunch crossings."""
UNMAPPED_SHARE: Final = 1.5e-4
"""Share of the hits on a channel of no chamber: 129 to 138, of either FPGA."""
UNMAPPED_CHANNELS: Final = (129, 139)

_CHAMBER_OF_HALO: Final = lookup(np.array(HALO_CHAMBER_SHARES))


def showers(rng: np.random.Generator, live_counts: int) -> Pulses:
    """Return the pulses of the chambers in so much live time, in time order, dead cells left out."""
    event_counts = _event_counts(rng, live_counts)
    event, chamber = _particles(rng, len(event_counts))
    # The two chambers of an FPGA see a shower at like places; those of different FPGAs, as recorded, do not.
    axis = rng.random((len(event_counts), N_FPGAS), dtype=np.float32)[event, chamber // 2]
    hits = hits_of_particles(rng, event_counts[event], chamber, axis)
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
    size = rng.gamma(SHOWER_SHAPE, 1.0 / SHOWER_SHAPE, n_events)
    n_particles = np.zeros((n_events, N_CHAMBERS), np.int64)
    halo = np.flatnonzero(is_halo)
    chamber = _CHAMBER_OF_HALO[places(rng, len(halo))]
    n_particles[halo, chamber] = 1 + rng.poisson(size[halo] * HALO_PARTICLES[chamber])
    shower = np.flatnonzero(~is_halo)
    n_particles[shower] = rng.poisson(size[shower, None] * SHOWER_PARTICLES)
    of = np.repeat(np.arange(n_particles.size), n_particles.ravel())
    return of // N_CHAMBERS, of % N_CHAMBERS


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
    cell = pulses.fpga * (MAX_CHANNEL + 1) + pulses.channel
    of_cells = np.argsort(cell, kind="stable")
    cell, counts = cell[of_cells], pulses.counts[of_cells]
    ready = np.ones(len(pulses), np.bool_)
    ready[of_cells[1:]] = (cell[1:] != cell[:-1]) | (np.diff(counts) >= dead_counts[of_cells[:-1]])
    return ready
