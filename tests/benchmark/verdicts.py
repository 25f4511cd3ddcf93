"""Targets and what was measured: printed, never asserted, since they depend on the machine. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """One target."""

    target: str
    measured: float
    bound: float
    unit: str = ""
    at_least: bool = True  #: otherwise at most

    @property
    def is_met(self) -> bool:
        """NaN meets nothing: what could not be measured is not met."""
        if math.isnan(self.measured):
            return False
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound

    def __str__(self) -> str:
        relation = "at least" if self.at_least else "at most"
        met = "met" if self.is_met else "NOT met"
        return (
            f"{met}: {self.target}: {_number(self.measured)}{self.unit}"
            f" ({relation} {_number(self.bound)}{self.unit})"
        )


def ratio(numerator: float, denominator: float) -> float:
    """Return the ratio, NaN where there is nothing to divide by."""
    return numerator / denominator if denominator else math.nan


def most_once_behind(seen: list[tuple[float, bool]]) -> float:
    """Return the largest rate of those measured, NaN, unknown, where it kept up with all of them.

    Parameters
    ----------
    seen : rate and whether it kept up, at rising rates.
    """
    return math.nan if all(keeps_up for _, keeps_up in seen) else max(rate for rate, _ in seen)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
