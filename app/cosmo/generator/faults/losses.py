"""Faults that lose hits: dead cells and chambers, a lost FPGA, a rate that drops."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cosmo.detector import N_CHAMBERS, N_CHANNELS, N_FPGAS
from cosmo.generator.faults.fault import LOSES, Fault, Span, place_of
from cosmo.generator.pulses import Pulses


@dataclass(frozen=True, kw_only=True)
class DeadCell(Fault):
    """A cell gives no hit."""

    kind = "dead-cell"
    stage = LOSES
    chamber: int
    channel: int  #: 0-63

    def _check(self) -> None:
        self.require_below("chamber", N_CHAMBERS)
        self.require_below("channel", N_CHANNELS)

    def act(self, rng: np.random.Generator, pulses: Pulses, span: Span) -> Pulses:  # noqa: ARG002
        """Leave the cell's pulses out."""
        fpga, channel = place_of(self.chamber, self.channel)
        of_cell = (pulses.fpga == fpga) & (pulses.channel == channel)
        return pulses[~(of_cell & self.during(pulses.orbit, span))]


@dataclass(frozen=True, kw_only=True)
class DeadChamber(Fault):
    """A chamber gives no hit."""

    kind = "dead-chamber"
    stage = LOSES
    chamber: int

    def _check(self) -> None:
        self.require_below("chamber", N_CHAMBERS)

    def act(self, rng: np.random.Generator, pulses: Pulses, span: Span) -> Pulses:  # noqa: ARG002
        """Leave the chamber's pulses out."""
        return pulses[~((pulses.chamber == self.chamber) & self.during(pulses.orbit, span))]


@dataclass(frozen=True, kw_only=True)
class LostFpga(Fault):
    """An FPGA sends nothing: two chambers, its ancillary rows and, with FPGA 1, the scintillator are away."""

    kind = "lost-fpga"
    stage = LOSES
    fpga: int

    def _check(self) -> None:
        self.require_below("fpga", N_FPGAS)

    def act(self, rng: np.random.Generator, pulses: Pulses, span: Span) -> Pulses:  # noqa: ARG002
        """Leave the FPGA's pulses out."""
        return pulses[~((pulses.fpga == self.fpga) & self.during(pulses.orbit, span))]

    def silences(self, fpga: NDArray[np.int16], orbit: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which ancillary rows it loses: `orbit` counts from the start of the recording."""
        lost: NDArray[np.bool_] = (fpga == self.fpga) & (orbit >= self.from_orbit)
        return lost if self.to_orbit is None else lost & (orbit < self.to_orbit)


@dataclass(frozen=True, kw_only=True)
class RateDrop(Fault):
    """Only a share of all hits is there, whatever their cell; the scintillator's are thinned alike."""

    kind = "rate-drop"
    stage = LOSES
    kept_share: float  #: from 0, below 1

    def _check(self) -> None:
        self.require(0.0 <= self.kept_share < 1.0, "kept_share", "0 or more and below 1")

    def act(self, rng: np.random.Generator, pulses: Pulses, span: Span) -> Pulses:
        """Leave pulses out by chance."""
        dropped = rng.random(len(pulses)) >= self.kept_share
        return pulses[~(dropped & self.during(pulses.orbit, span))]
