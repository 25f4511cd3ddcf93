"""What is true of generated rows: the drift time behind every hit that statistic 6 counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cosmo.detector import (
    BX_NS,
    DRIFT_OFFSET_30TH_NS,
    N_CHANNELS,
    ORBIT_MODULUS,
    SCINTILLATOR_CHANNEL,
    SCINTILLATOR_FPGA,
)
from cosmo.generator.pulses import Pulses

OFFSET_30TH_NS: Final[NDArray[np.int64]] = np.array(DRIFT_OFFSET_30TH_NS, dtype=np.int64)
COUNT_30TH_NS: Final = int(BX_NS)
"""One TDC count is 25/30 ns: 25 units of 1/30 ns."""


@dataclass(frozen=True, eq=False)
class Truth:
    """Every chamber hit in an orbit that holds a scintillator hit, in time order: columns of one length.

    So a histogram of `drift_time_30th_ns` per chamber is the sixth statistic of the rows, to the last count.

    Attributes
    ----------
    n_orbits : int
        Orbits with a scintillator hit. In cosmics each holds one muon.
    orbit : NDArray[np.int64]
        ORBIT_CNT of the row, wrapped.
    chamber, channel : NDArray[np.int64]
        The cell: chamber 0-3, channel 0-63.
    drift_time_ns : NDArray[np.float64]
        True drift time, not rounded; NaN where no charge drifted (background, noise).
    drift_time_30th_ns : NDArray[np.int64]
        Drift time as the rows hold it, in 1/30 ns. For the hit of a muon it is within 12.5 of 30 times the
        true one, unless a fault shifted the clock; in beam it is not, being against
        the orbit's first trigger.
    origin : NDArray[np.int8]
        An `Origin`.
    """

    n_orbits: int
    orbit: NDArray[np.int64]
    chamber: NDArray[np.int64]
    channel: NDArray[np.int64]
    drift_time_ns: NDArray[np.float64]
    drift_time_30th_ns: NDArray[np.int64]
    origin: NDArray[np.int8]

    @classmethod
    def empty(cls) -> Truth:
        """Return the truth of no rows."""
        return cls.of(Pulses.scintillator(np.zeros(0, np.int64)), 0)

    @classmethod
    def of(cls, pulses: Pulses, first_orbit: int) -> Truth:
        """Return the truth of pulses in time order, orbit 0 of which is `first_orbit`."""
        orbit = pulses.orbit
        is_scintillator = (pulses.channel == SCINTILLATOR_CHANNEL) & (pulses.fpga == SCINTILLATOR_FPGA)
        # Pulses are in time order, so the first of an orbit is its earliest.
        triggered, first = np.unique(orbit[is_scintillator], return_index=True)
        passage = pulses.counts[is_scintillator][first]

        hits = np.flatnonzero((pulses.channel < 2 * N_CHANNELS) & np.isin(orbit, triggered))
        chamber = pulses.chamber[hits].astype(np.int64)
        after = pulses.counts[hits] - passage[np.searchsorted(triggered, orbit[hits])]
        return cls(
            n_orbits=len(triggered),
            orbit=(orbit[hits] + first_orbit) % ORBIT_MODULUS,
            chamber=chamber,
            channel=pulses.channel[hits].astype(np.int64) % N_CHANNELS,
            drift_time_ns=pulses.drift_time_ns[hits],
            drift_time_30th_ns=COUNT_30TH_NS * after + OFFSET_30TH_NS[chamber],
            origin=pulses.origin[hits],
        )
