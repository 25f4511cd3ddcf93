"""Pulses: what the front end sees, in time order or not, before the readout makes rows of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cosmo.detector import BX_PER_ORBIT, SCINTILLATOR_CHANNEL, SCINTILLATOR_FPGA, TDC_PER_BX

COUNTS_PER_ORBIT: Final = BX_PER_ORBIT * TDC_PER_BX
"""TDC counts of 25/30 ns in one orbit: 106,920."""


class Origin(IntEnum):
    """What made a pulse."""

    TRACK = 0
    """A muon's charge that drifted from the track to the wire."""
    EARLY = 1
    """Charge that a knock-on electron freed nearer to the wire than the track: the leading-edge peak."""
    BACKGROUND = 2
    """A cell of a muon's track that fired at a time of its own."""
    NOISE = 3
    SCINTILLATOR = 4


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

    @staticmethod
    def together(*parts: Pulses) -> Pulses:
        """Return the pulses of all parts in time order; of equal times, the earlier part's first."""
        counts = np.concatenate([p.counts for p in parts])
        order = np.argsort(counts, kind="stable")
        return Pulses(
            counts[order],
            np.concatenate([p.fpga for p in parts])[order],
            np.concatenate([p.channel for p in parts])[order],
            np.concatenate([p.origin for p in parts])[order],
            np.concatenate([p.drift_time_ns for p in parts])[order],
        )
