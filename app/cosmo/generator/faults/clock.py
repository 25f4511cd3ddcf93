"""A fault that moves hits: the clock of a chamber is off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from cosmo.detector import BX_NS, N_CHAMBERS, TDC_PER_BX
from cosmo.generator.faults.fault import MOVES, Fault, Span
from cosmo.generator.pulses import COUNTS_PER_ORBIT, Pulses

MAX_SHIFT_NS: Final = 1000.0
_COUNTS_PER_NS: Final = TDC_PER_BX / BX_NS


@dataclass(frozen=True, kw_only=True)
class ShiftedT0(Fault):
    """A chamber's clock is off: its hits come later (or, below 0, earlier) by so many ns.

    Rounded to TDC counts of 25/30 ns. A hit stays in its orbit: past one end it comes out at the other, as
    with a bunch counter that was reset at another moment.
    """

    kind = "shifted-t0"
    stage = MOVES
    chamber: int
    shift_ns: float

    def _check(self) -> None:
        self.require_below("chamber", N_CHAMBERS)
        self.require(
            abs(self.shift_ns) <= MAX_SHIFT_NS, "shift_ns", f"{-MAX_SHIFT_NS:.0f} to {MAX_SHIFT_NS:.0f}"
        )

    def act(self, rng: np.random.Generator, pulses: Pulses, span: Span) -> Pulses:  # noqa: ARG002
        """Move the chamber's pulses inside their orbits."""
        moved = (pulses.chamber == self.chamber) & self.during(pulses.orbit, span)
        orbit, within = np.divmod(pulses.counts, COUNTS_PER_ORBIT)
        within = (within + round(self.shift_ns * _COUNTS_PER_NS)) % COUNTS_PER_ORBIT
        return Pulses(
            np.where(moved, orbit * COUNTS_PER_ORBIT + within, pulses.counts),
            pulses.fpga,
            pulses.channel,
            pulses.origin,
            pulses.drift_time_ns,
        )
