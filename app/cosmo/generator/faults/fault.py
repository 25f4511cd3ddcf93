"""A fault: something wrong from an orbit on, until another."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from cosmo.detector import N_CHANNELS, N_FPGAS
from cosmo.errors import SettingsError
from cosmo.generator.pulses import Pulses

ADDS, MOVES, LOSES = range(3)
"""Stages in which faults act; after the last one pulses are still in order."""


@dataclass(frozen=True)
class Span:
    """Orbits of a chunk: `first` counts from the start of the recording, so it never wraps."""

    first: int
    orbits: int


@dataclass(frozen=True, kw_only=True)
class Fault(ABC):
    """Something wrong from an orbit on, until another.

    Attributes
    ----------
    from_orbit, to_orbit
        Orbits since the start of the recording, the second one excluded; None is for ever.

    Raises
    ------
    SettingsError
        A value is out of range; the message names it.
    """

    kind: ClassVar[str]
    stage: ClassVar[int]  #: ADDS, MOVES or LOSES hits
    from_orbit: int = 0
    to_orbit: int | None = None

    def __post_init__(self) -> None:
        self.require(self.from_orbit >= 0, "from_orbit", "0 or more")
        if self.to_orbit is not None:
            self.require(self.to_orbit > self.from_orbit, "to_orbit", f"above from_orbit ({self.from_orbit})")
        self._check()

    def __str__(self) -> str:
        """Return the fault as `fault_text.parse` reads it: kind:key=value,..., defaults left out."""
        shared = {f.name for f in fields(Fault)}
        own = [f for f in fields(self) if f.name not in shared]
        interval = [f for f in fields(Fault) if getattr(self, f.name) != f.default]
        said = ",".join(f"{f.name}={getattr(self, f.name)}" for f in own + interval)
        return f"{self.kind}:{said}"

    @abstractmethod
    def _check(self) -> None:
        """Refuse own values that are out of range."""

    @abstractmethod
    def act(self, rng: np.random.Generator, pulses: Pulses, span: Span) -> Pulses:
        """Return the pulses of a chunk with the fault in them, not necessarily in time order."""

    @property
    def added_per_orbit(self) -> float:
        """Hits that it adds to an orbit, on average."""
        return 0.0

    def silences(self, fpga: NDArray[np.int16], orbit: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which ancillary rows it loses, given their FPGA and the orbit of the hits around them.

        The orbit counts from the start of the recording.
        """
        return np.zeros(np.broadcast(fpga, orbit).shape, np.bool_)

    def orbits_of(self, span: Span) -> tuple[int, int]:
        """Return the first orbit of the chunk that has it, and the one after the last, from 0 to `orbits`."""
        last = span.first + span.orbits if self.to_orbit is None else self.to_orbit
        first = min(max(self.from_orbit - span.first, 0), span.orbits)
        return first, max(first, min(last - span.first, span.orbits))

    def during(self, orbit: NDArray[np.int64], span: Span) -> NDArray[np.bool_]:
        """Return which orbits of a chunk, counted from its first, have it."""
        first, end = self.orbits_of(span)
        return (orbit >= first) & (orbit < end)

    def require(self, holds: bool, name: str, expected: str) -> None:
        """Refuse the value of that name unless something holds (put so because nothing holds for NaN)."""
        if not holds:
            raise SettingsError(
                f"{self.kind}: {name} must be {expected}, got {getattr(self, name)}; choose another"
            )

    def require_below(self, name: str, end: int) -> None:
        """Refuse the value of that name unless it is 0 to `end` - 1."""
        self.require(0 <= getattr(self, name) < end, name, f"0 to {end - 1}")


def place_of(chamber: int, channel: int) -> tuple[int, int]:
    """Return FPGA and TDC_CHANNEL of a cell."""
    return chamber // N_FPGAS, chamber % N_FPGAS * N_CHANNELS + channel
