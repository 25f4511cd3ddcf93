"""Cosmics: muons with true tracks, noise and ancillary rows, in chunks that can each be made alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cosmo.detector import ORBIT_S
from cosmo.errors import SettingsError
from cosmo.generator.ancillary import LEAD_ORBITS, ROWS_PER_GROUP, ancillary
from cosmo.generator.faults import Span
from cosmo.generator.muons import muons
from cosmo.generator.noise import noise
from cosmo.generator.pulses import Pulses
from cosmo.generator.readout import in_blocks
from cosmo.generator.recording import Recording
from cosmo.generator.rows import Rows

ORBITS_PER_CHUNK: Final = 1 << 17
"""Orbits of one chunk: 11.7 s of live time, 23,000 rows at the default rates."""
CHUNK_S: Final = ORBITS_PER_CHUNK * ORBIT_S
MAX_HITS_PER_S: Final = 100_000.0
"""A chunk is made in memory: at this rate it is 1.2 million hits."""
MIN_HITS_PER_MUON: Final = 20
"""Hits a second there must be for each muon a second: 16 cells, two scintillator hits, some noise."""
MISSED_SHARE: Final = 1 / 20
"""So many of the muons that there is room for, beside those that trigger, pass and miss the scintillator.

By default 3.7 a second, 3 % of the hits. The start of a recording has more, two in 20 orbits with hits, but
it measures no rate; with so few, most of the hits are single noise, and hot cells keep their share.
"""


@dataclass(frozen=True, kw_only=True)
class Cosmics(Recording):
    """A cosmic run without end, in chunks of 2^17 orbits. See `Recording` for the other values.

    Attributes
    ----------
    hits_per_s
        HEAD 2 rows per second of live time, muons included; above 0, up to 100,000.
    muons_per_s
        Muons that trigger the scintillator; from 0 to a twentieth of `hits_per_s`.
    ancillary_share
        Share of all rows with another HEAD, 0 to 0.5 (at the start of a recording it is 0.5).

    Raises
    ------
    SettingsError
        A value is outside what is said above.
    """

    kind = "cosmics"
    orbits_per_chunk = ORBITS_PER_CHUNK
    hits_per_s: float = 1500.0
    muons_per_s: float = 1.5
    ancillary_share: float = 0.25

    def __post_init__(self) -> None:
        super().__post_init__()
        # Written as 'not inside' so that NaN is refused too.
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

    def _pulses(self, rng: np.random.Generator, span: Span) -> Pulses:  # noqa: ARG002 - of beam
        room_per_s = (self.hits_per_s - self.muons_per_s * MIN_HITS_PER_MUON) / MIN_HITS_PER_MUON
        n_seen = int(rng.poisson(self.muons_per_s * CHUNK_S))
        n_missed = int(rng.poisson(MISSED_SHARE * room_per_s * CHUNK_S))
        of_muons = muons(rng, n_seen, n_missed, ORBITS_PER_CHUNK)
        n_noise = max(0, int(rng.poisson(self.hits_per_s * CHUNK_S)) - len(of_muons))
        return of_muons.followed_by(noise(rng, n_noise, ORBITS_PER_CHUNK)).in_time_order()

    def _sent(
        self, rng: np.random.Generator, pulses: Pulses, n_faultless: int, span: Span
    ) -> tuple[Pulses, Rows, NDArray[np.int64]]:
        order, ends = in_blocks(pulses.fpga)
        sent = pulses[order]
        hits = self._as_rows(sent, span)
        # As many as without faults, at the same times: these change only what an FPGA that is lost sends.
        n_others = n_faultless * self.ancillary_share / (1.0 - self.ancillary_share)
        n_groups = round(n_others / ROWS_PER_GROUP / len(LEAD_ORBITS))
        before = span.first % ORBITS_PER_CHUNK
        others, at = ancillary(rng, n_groups, self.first_orbit + span.first - before, ORBITS_PER_CHUNK)
        at -= before
        # Where no hit is left nothing would tell when a row is due.
        chosen = (at >= 0) & (at < span.orbits) & (len(hits) > 0)
        for fault in self.faults:
            chosen &= ~fault.silences(others.fpga, at + span.first)
        others, at = others[chosen], at[chosen]
        # Between blocks of hits: after those that were sent before.
        after = np.append(0, ends)[np.searchsorted(sent.orbit[ends - 1], at)]
        rows = hits.with_inserted(others, after)
        places = np.arange(len(hits)) + np.searchsorted(after, np.arange(len(hits)), side="right")
        return sent, rows, places
