"""Beam: showers, trigger words, and a link that is too slow for them; 1.13 million rows/s."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cosmo.detector import N_FPGAS
from cosmo.generator.delays import in_order_sent
from cosmo.generator.faults import DeadChamber, Span
from cosmo.generator.packets import dead_counts
from cosmo.generator.pulses import COUNTS_PER_ORBIT, Pulses
from cosmo.generator.recording import Recording
from cosmo.generator.rows import Rows
from cosmo.generator.showers import showers
from cosmo.generator.triggers import triggers, without_hits

LIVE_SHARE: Final = 0.8
"""Part of a chunk's time for which showers are made: more than the 0.74 for which the link is live."""


@dataclass(frozen=True, kw_only=True)
class Beam(Recording):
    """A beam run without end, about 100 rows an orbit; chunks of 512 orbits, 46 ms. See `Recording`.

    Every chunk begins a packet of its own; the rest is as in the recording this was fitted to, which holds no
    ancillary rows.
    """

    kind = "beam"
    orbits_per_chunk = 1 << 9
    first_orbit: int = 3_869_200_000

    def _pulses(self, rng: np.random.Generator, span: Span) -> Pulses:
        counts = self.orbits_per_chunk * COUNTS_PER_ORBIT
        hits = showers(rng, int(LIVE_SHARE * counts))
        live = hits.followed_by(*triggers(rng, hits)).in_time_order()
        at = live.counts + dead_counts(rng, live.counts)
        n = int(np.searchsorted(at, counts))
        pulses = Pulses(at[:n], live.fpga[:n], live.channel[:n], live.origin[:n], live.drift_time_ns[:n])
        return pulses[~self._words_of_dead_chambers(pulses, span)]

    def _words_of_dead_chambers(self, pulses: Pulses, span: Span) -> NDArray[np.bool_]:
        """Return which are trigger words that a dead chamber's hits would have made, shape (n,)."""
        dead = [
            (fault.chamber, fault.during(pulses.orbit, span))
            for fault in self.faults
            if isinstance(fault, DeadChamber)
        ]
        gone = np.zeros(len(pulses), np.bool_)
        for chamber, during in dead:
            gone |= during & (pulses.chamber == chamber)
        lacking = np.zeros(len(pulses), np.bool_)
        for chamber, during in dead:
            lacking |= during & without_hits(pulses, chamber // N_FPGAS, gone)
        return lacking

    def _sent(
        self,
        rng: np.random.Generator,
        pulses: Pulses,
        n_faultless: int,  # noqa: ARG002 - of cosmics
        span: Span,
    ) -> tuple[Pulses, Rows, NDArray[np.int64]]:
        hits = pulses[in_order_sent(rng, pulses)]
        return hits, self._as_rows(hits, span), np.arange(len(hits))
