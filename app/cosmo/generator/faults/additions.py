"""Faults that add hits: a noisy cell, a burst."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cosmo.detector import N_CHAMBERS, N_CHANNELS, N_FPGAS
from cosmo.generator.faults.fault import ADDS, Fault, Span
from cosmo.generator.pulses import COUNTS_PER_ORBIT, Origin, Pulses

MAX_HITS_PER_ORBIT: Final = 1000.0
"""Ten times the beam."""


@dataclass(frozen=True, kw_only=True)
class NoisyCell(Fault):
    """A cell fires by itself, at random times."""

    kind = "noisy-cell"
    stage = ADDS
    chamber: int
    channel: int  #: 0-63
    hits_per_orbit: float  #: on average, besides its usual ones

    def _check(self) -> None:
        self.require_below("chamber", N_CHAMBERS)
        self.require_below("channel", N_CHANNELS)
        _check_rate(self)

    @property
    def added_per_orbit(self) -> float:
        """As set."""
        return self.hits_per_orbit

    def act(self, rng: np.random.Generator, pulses: Pulses, span: Span) -> Pulses:
        """Add pulses of the cell."""
        n, counts = _at_random(rng, self, span)
        return pulses.followed_by(
            _of_cells(counts, np.full(n, self.chamber, np.int16), np.full(n, self.channel, np.int16))
        )


@dataclass(frozen=True, kw_only=True)
class Burst(Fault):
    """All cells of all chambers fire alike, at random times: electronic pick-up."""

    kind = "burst"
    stage = ADDS
    hits_per_orbit: float  #: on average, of all 256 cells together

    def _check(self) -> None:
        _check_rate(self)

    @property
    def added_per_orbit(self) -> float:
        """As set."""
        return self.hits_per_orbit

    def act(self, rng: np.random.Generator, pulses: Pulses, span: Span) -> Pulses:
        """Add pulses of all cells."""
        n, counts = _at_random(rng, self, span)
        chamber, channel = np.divmod(rng.integers(0, N_CHAMBERS * N_CHANNELS, n, dtype=np.int16), N_CHANNELS)
        return pulses.followed_by(_of_cells(counts, chamber, channel))


def _check_rate(fault: NoisyCell | Burst) -> None:
    fault.require(
        0.0 < fault.hits_per_orbit <= MAX_HITS_PER_ORBIT,
        "hits_per_orbit",
        f"above 0 and at most {MAX_HITS_PER_ORBIT:.0f}",
    )


def _at_random(
    rng: np.random.Generator, fault: NoisyCell | Burst, span: Span
) -> tuple[int, NDArray[np.int64]]:
    first, end = fault.orbits_of(span)
    n = int(rng.poisson(fault.hits_per_orbit * (end - first)))
    return n, rng.integers(first * COUNTS_PER_ORBIT, max(end, first + 1) * COUNTS_PER_ORBIT, n)


def _of_cells(counts: NDArray[np.int64], chamber: NDArray[np.int16], channel: NDArray[np.int16]) -> Pulses:
    n = len(counts)
    return Pulses(
        counts=counts,
        fpga=(chamber // N_FPGAS).astype(np.int16),
        channel=(chamber % N_FPGAS * N_CHANNELS + channel).astype(np.int16),
        origin=np.full(n, Origin.FAULT, np.int8),
        drift_time_ns=np.full(n, np.nan),
    )
