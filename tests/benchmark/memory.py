"""The memory of a process over time. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass
class Memory:
    """Samples of resident memory."""

    at_s: list[float] = field(default_factory=list)
    mib: list[float] = field(default_factory=list)

    def note(self, at_s: float, mib: float) -> None:
        """Add a sample."""
        self.at_s.append(at_s)
        self.mib.append(mib)

    def spread(self, last_s: float) -> float:
        """Return (most - least) / most of the samples in the last seconds; NaN where there are none."""
        last = [mib for at, mib in zip(self.at_s, self.mib, strict=True) if at >= self.at_s[-1] - last_s]
        return (max(last) - min(last)) / max(last) if last and max(last) else math.nan
