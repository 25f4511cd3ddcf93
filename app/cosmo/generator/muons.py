"""Muons: the pulses of a track's cells and, of most, of the scintillator, all in one orbit."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from cosmo.detector import N_CHANNELS, TDC_PER_BX
from cosmo.generator.pulses import COUNTS_PER_ORBIT, Origin, Pulses
from cosmo.generator.tracks import cross, triggering_tracks
from cosmo.generator.truth import COUNT_30TH_NS, OFFSET_30TH_NS

EARLY_SHARE: Final = 0.02
"""Share of a muon's hits that knock-on electrons make early; their drift times (exponential, mean in ns)."""
EARLY_MEAN_NS: Final = 5.0
BACKGROUND_SHARE: Final = 0.02
"""Share of a muon's hits at a time of their own, and the drift times they seem to have, in ns."""
BACKGROUND_NS: Final = (-100.0, 500.0)
SECOND_SCINTILLATOR_SHARE: Final = 0.03
"""Share of the muons that give a second scintillator hit, up to 200 ns (240 counts) after the first."""
SECOND_SCINTILLATOR_COUNTS: Final = 240
MARGIN_COUNTS: Final = 1200
"""A muon keeps 1 us from both ends of its orbit: its hits lie -202 to 408 ns from the scintillator's."""


def muons(rng: np.random.Generator, n_seen: int, n_missed: int, orbits: int) -> Pulses:
    """Return the pulses of muons, each alone in one of the orbits 0 to `orbits` - 1.

    t(hit) = passage + drift time - offset of the chamber, rounded to the nearest TDC count. The scintillator
    gives a pulse as one passes that it sees, and none for one that it misses.
    """
    n = n_seen + n_missed
    crossings = cross(triggering_tracks(rng, n))
    orbit = rng.choice(orbits, n, replace=False)
    passage = orbit * COUNTS_PER_ORBIT + rng.integers(MARGIN_COUNTS, COUNTS_PER_ORBIT - MARGIN_COUNTS, n)

    seeming_ns, true_ns, origin = _as_seen(rng, crossings.drift_time_ns)
    after = np.rint((TDC_PER_BX * seeming_ns - OFFSET_30TH_NS[crossings.chamber]) / COUNT_30TH_NS)
    hits = Pulses(
        counts=passage[crossings.track] + after.astype(np.int64),
        fpga=(crossings.chamber // 2).astype(np.int16),
        channel=(crossings.chamber % 2 * N_CHANNELS + crossings.channel).astype(np.int16),
        origin=origin,
        drift_time_ns=true_ns,
    )
    seen = passage[:n_seen]
    again = seen[rng.random(n_seen) < SECOND_SCINTILLATOR_SHARE]
    second = again + rng.integers(1, SECOND_SCINTILLATOR_COUNTS + 1, len(again))
    return Pulses.scintillator(seen).followed_by(hits, Pulses.scintillator(second)).in_time_order()


def _as_seen(
    rng: np.random.Generator, drift_time_ns: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int8]]:
    """Return drift times as the hits seem to have them, the true ones (NaN for background), and origins."""
    n = len(drift_time_ns)
    fate = rng.random(n)
    background = fate < BACKGROUND_SHARE
    early_ns = rng.exponential(EARLY_MEAN_NS, n)
    # Charge beside the track can only be first where it is nearer to the wire.
    early = (fate >= 1.0 - EARLY_SHARE) & (early_ns < drift_time_ns)

    true_ns = np.where(early, early_ns, drift_time_ns)
    seeming_ns = np.where(background, rng.uniform(*BACKGROUND_NS, n), true_ns)
    origin = np.full(n, Origin.TRACK, np.int8)
    origin[early] = Origin.EARLY
    origin[background] = Origin.BACKGROUND
    return seeming_ns, np.where(background, np.nan, true_ns), origin
