"""Pulses: what the front end sees, in time order or not, before the readout makes rows of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cosmo.detector import (
    BX_PER_ORBIT,
    N_CHANNELS,
    SCINTILLATOR_CHANNEL,
    SCINTILLATOR_FPGA,
    TDC_PER_BX,
)

COUNTS_PER_ORBIT: Final = BX_PER_ORBIT * TDC_PER_BX
"""TDC counts of 25/30 ns in one orbit: 106,920."""


class Origin(IntEnum):
    """What made a pulse."""

    TRACK = 0
    """A particle's charge that drifted from the track to the wire."""
    EARLY = 1
    """Charge that a knock-on electron freed nearer to the wire than the track: the leading-edge peak."""
    BACKGROUND = 2
    """A cell of a muon's track that fired at a time of its own."""
    NOISE = 3
    SCINTILLATOR = 4
    AFTER_PULSE = 5
    """A second pulse of a cell that a particle had just hit."""
    FAULT = 6
    """A fault that was put in: a noisy cell, a burst."""


@dataclass(frozen=True, eq=False)
class Pulses:
    """Pulses as columns of one length n.

    Attributes
    ----------
    counts : NDArray[np.int64], shape (n,)
        Time since the start of the chunk, in TDC counts of 25/30 ns: exact, orbits included.
    fpga, channel : NDArray[np.int16], shape (n,)
        The numbers of the row, so channel 64-127 is the second chamber of its FPGA.
    origin : NDArray[np.int8], shape (n,)
        An `Origin`.
    drift_time_ns : NDArray[np.float64], shape (n,)
        True drift time in ns, before the TDC rounds it; NaN where no charge drifted.
    """

    counts: NDArray[np.int64]
    fpga: NDArray[np.int16]
    channel: NDArray[np.int16]
    origin: NDArray[np.int8]
    drift_time_ns: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.counts)

    def __getitem__(self, chosen: NDArray[np.int64] | NDArray[np.bool_] | slice) -> Pulses:
        return Pulses(
            self.counts[chosen],
            self.fpga[chosen],
            self.channel[chosen],
            self.origin[chosen],
            self.drift_time_ns[chosen],
        )

    @property
    def chamber(self) -> NDArray[np.int16]:
        """Chamber of each pulse, -1 where the channel is no chamber's."""
        return np.where(self.channel < 2 * N_CHANNELS, 2 * self.fpga + self.channel // N_CHANNELS, -1).astype(
            np.int16
        )

    @property
    def orbit(self) -> NDArray[np.int64]:
        """Orbit of each pulse since the start of the chunk."""
        return self.counts // COUNTS_PER_ORBIT

    @staticmethod
    def scintillator(counts: NDArray[np.int64]) -> Pulses:
        """Return scintillator pulses at `counts`, shape (n,)."""
        n = len(counts)
        return Pulses(
            counts,
            np.full(n, SCINTILLATOR_FPGA, np.int16),
            np.full(n, SCINTILLATOR_CHANNEL, np.int16),
            np.full(n, Origin.SCINTILLATOR, np.int8),
            np.full(n, np.nan),
        )

    def followed_by(self, *parts: Pulses) -> Pulses:
        """Return these pulses with those of all parts after them."""
        whole = (self, *parts)
        return Pulses(
            np.concatenate([p.counts for p in whole]),
            np.concatenate([p.fpga for p in whole]),
            np.concatenate([p.channel for p in whole]),
            np.concatenate([p.origin for p in whole]),
            np.concatenate([p.drift_time_ns for p in whole]),
        )

    def delayed_by(self, orbits: int) -> Pulses:
        """Return the pulses so many orbits later."""
        counts = self.counts + orbits * COUNTS_PER_ORBIT
        return Pulses(counts, self.fpga, self.channel, self.origin, self.drift_time_ns)

    def in_orbits(self, first: int, orbits: int) -> Pulses:
        """Return those of some orbits, timed from the first of these on, of pulses in time order."""
        start, end = np.searchsorted(self.counts, np.array([first, first + orbits]) * COUNTS_PER_ORBIT)
        return self[start:end].delayed_by(-first)

    def in_time_order(self) -> Pulses:
        """Return the pulses in time order; of equal times, the earlier one here comes first."""
        return self[np.argsort(self.counts, kind="stable")]
