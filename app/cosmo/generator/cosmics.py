"""Cosmics: muons with true tracks, noise and ancillary rows, in chunks that can each be made alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cosmo.detector import HIT_HEAD, N_CHANNELS, ORBIT_MODULUS, ORBIT_S, TDC_PER_BX
from cosmo.errors import SettingsError, SourceError
from cosmo.generator.ancillary import ROWS_PER_PAIR, ancillary
from cosmo.generator.muons import BX_30TH_NS, OFFSET_30TH_NS, muons
from cosmo.generator.noise import noise
from cosmo.generator.pulses import COUNTS_PER_ORBIT, Origin, Pulses
from cosmo.generator.readout import in_blocks, places_of_pairs
from cosmo.generator.rows import Rows

ORBITS_PER_CHUNK: Final = 1 << 17
"""Orbits of one chunk: 11.7 s of live time, 23,000 rows at the default rates."""
CHUNK_S: Final = ORBITS_PER_CHUNK * ORBIT_S
MAX_HITS_PER_S: Final = 100_000.0
"""A chunk is made in memory: at this rate it is 1.2 million hits."""
MIN_HITS_PER_MUON: Final = 20
"""Hits a second there must be for each muon a second: 16 cells, two scintillator hits, some noise."""


@dataclass(frozen=True, eq=False)
class Truth:
    """Every chamber hit in an orbit that holds a scintillator hit, in time order: columns of one length.

    So a histogram of `drift_time_30th_ns` per chamber is the sixth statistic of the chunk, to the last count.

    Attributes
    ----------
    n_muons : int
        Muons in the chunk, each alone in its orbit.
    orbit : NDArray[np.int64]
        ORBIT_CNT of the row, wrapped.
    chamber, channel : NDArray[np.int64]
        The cell: chamber 0-3, channel 0-63.
    drift_time_ns : NDArray[np.float64]
        True drift time, not rounded; NaN where no charge drifted (background, noise).
    drift_time_30th_ns : NDArray[np.int64]
        Drift time as the rows hold it, in 1/30 ns: within 12.5 of 30 times the true one.
    origin : NDArray[np.int8]
        An `Origin`.
    """

    n_muons: int
    orbit: NDArray[np.int64]
    chamber: NDArray[np.int64]
    channel: NDArray[np.int64]
    drift_time_ns: NDArray[np.float64]
    drift_time_30th_ns: NDArray[np.int64]
    origin: NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class Chunk:
    r"""A span of 2^17 orbits: CSV lines without a header, each ending in '\n', and what is true of them."""

    rows: bytes
    n_rows: int
    truth: Truth


@dataclass(frozen=True)
class Cosmics:
    """A cosmic run without end. Equal values give equal bytes (under one version of numpy).

    Attributes
    ----------
    seed
        Any integer from 0.
    hits_per_s
        HEAD 2 rows per second of live time, muons included; above 0, up to 100,000.
    muons_per_s
        Muons that trigger the scintillator; from 0 to a twentieth of `hits_per_s`.
    ancillary_share
        Share of all rows with another HEAD, 0 to 0.5 (at the start of a recording it is 0.5).
    first_orbit
        ORBIT_CNT at which chunk 0 starts, 0 to 2^32 - 1.

    Raises
    ------
    SettingsError
        A value is outside what is said above.
    """

    seed: int = 1
    hits_per_s: float = 1500.0
    muons_per_s: float = 1.5
    ancillary_share: float = 0.25
    first_orbit: int = 3_387_200_000

    def __post_init__(self) -> None:
        # Written as 'not inside' so that NaN is refused too.
        if not self.seed >= 0:
            raise SettingsError(f"seed must be an integer from 0, got {self.seed}; choose another")
        if not 0 < self.hits_per_s <= MAX_HITS_PER_S:
            raise SettingsError(
                f"hits_per_s must be above 0 and at most {MAX_HITS_PER_S:.0f}, got {self.hits_per_s}; "
                "lower it: the producer's rate, not this, decides how fast rows are sent"
            )
        if not 0 <= self.muons_per_s * MIN_HITS_PER_MUON <= self.hits_per_s:
            raise SettingsError(
                f"muons_per_s must be 0 to hits_per_s / {MIN_HITS_PER_MUON}, that is "
                f"{self.hits_per_s / MIN_HITS_PER_MUON:g}, got {self.muons_per_s}; "
                "lower it or raise hits_per_s"
            )
        if not 0 <= self.ancillary_share <= 0.5:
            raise SettingsError(
                f"ancillary_share must be 0 to 0.5, got {self.ancillary_share}; choose another"
            )
        if not 0 <= self.first_orbit < ORBIT_MODULUS:
            raise SettingsError(f"first_orbit must be 0 to 2^32 - 1, got {self.first_orbit}; choose another")

    def chunk(self, index: int) -> Chunk:
        """Return chunk `index` (from 0), which depends on these settings and the index alone.

        It spans 2^17 orbits from `first_orbit` + `index` x 2^17, modulo 2^32. No hit is held back into
        the next chunk, so chunks one after the other are one recording.

        Raises
        ------
        SourceError
            The index is negative.
        """
        if index < 0:
            raise SourceError(f"a chunk's index must be 0 or more, got {index}; start again at chunk 0")
        rng = np.random.Generator(np.random.SFC64(np.random.SeedSequence(self.seed, spawn_key=(index,))))
        first_orbit = self.first_orbit + index * ORBITS_PER_CHUNK

        of_muons = muons(rng, int(rng.poisson(self.muons_per_s * CHUNK_S)), ORBITS_PER_CHUNK)
        n_noise = max(0, int(rng.poisson(self.hits_per_s * CHUNK_S)) - len(of_muons))
        pulses = Pulses.together(of_muons, noise(rng, n_noise, ORBITS_PER_CHUNK))

        order, ends = in_blocks(pulses.fpga)
        hits = _as_rows(pulses, order, first_orbit)
        pairs_per_hit = self.ancillary_share / (1.0 - self.ancillary_share) / ROWS_PER_PAIR
        places = places_of_pairs(ends, pairs_per_hit)
        others = ancillary(rng, hits.orbit[places - 1])
        rows = hits.with_inserted(others, np.repeat(places, ROWS_PER_PAIR))
        return Chunk(rows=rows.csv(), n_rows=len(rows), truth=_truth(pulses, first_orbit))


def _as_rows(pulses: Pulses, order: NDArray[np.int64], first_orbit: int) -> Rows:
    orbit, within = np.divmod(pulses.counts[order], COUNTS_PER_ORBIT)
    bx, tdc = np.divmod(within, TDC_PER_BX)
    return Rows(
        head=np.full(len(order), HIT_HEAD, np.int16),
        fpga=pulses.fpga[order],
        channel=pulses.channel[order],
        orbit=orbit + first_orbit,
        bx=bx.astype(np.int16),
        measure=tdc,
    )


def _truth(pulses: Pulses, first_orbit: int) -> Truth:
    orbit = pulses.counts // COUNTS_PER_ORBIT
    is_scintillator = pulses.origin == Origin.SCINTILLATOR
    # Pulses are in time order, so the first of an orbit is its earliest.
    with_muon, first = np.unique(orbit[is_scintillator], return_index=True)
    passage = pulses.counts[is_scintillator][first]

    in_chamber = np.flatnonzero((pulses.channel < 2 * N_CHANNELS) & np.isin(orbit, with_muon))
    counts, channel = pulses.counts[in_chamber], pulses.channel[in_chamber].astype(np.int64)
    chamber = 2 * pulses.fpga[in_chamber] + channel // N_CHANNELS
    after = counts - passage[np.searchsorted(with_muon, orbit[in_chamber])]
    return Truth(
        n_muons=len(with_muon),
        orbit=(orbit[in_chamber] + first_orbit) % ORBIT_MODULUS,
        chamber=chamber,
        channel=channel % N_CHANNELS,
        drift_time_ns=pulses.drift_time_ns[in_chamber],
        drift_time_30th_ns=BX_30TH_NS * after + OFFSET_30TH_NS[chamber],
        origin=pulses.origin[in_chamber],
    )
