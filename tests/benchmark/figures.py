"""All that one run of the benchmark found."""

from __future__ import annotations

import dataclasses
import os
import platform
import statistics
from dataclasses import dataclass, field
from typing import Any

from .backlog import Compared, WorkedOff
from .ladder import AtRate
from .plain import PlainAtRate
from .released import Released
from .streams import Account
from .verdicts import most_once_behind


@dataclass
class Figures:
    """Filled while measuring; what was not measured stays empty."""

    rows_of_pass: dict[str, int]
    pure: dict[str, dict[str, list[float]]] = field(default_factory=dict)  #: before all else, and after
    laid_rows_per_s: dict[str, dict[str, float]] = field(default_factory=dict)
    """By kind and compression: the producer alone, with its start."""
    backlog: dict[str, dict[str, WorkedOff]] = field(default_factory=dict)  #: by kind, then by compression
    cores: Compared | None = None
    malformed: Compared | None = None  #: beam with 1 % malformed rows, and without
    released: list[Released] = field(default_factory=list)
    product: list[AtRate] = field(default_factory=list)
    sustained_rows_per_s: dict[str, float] = field(default_factory=dict)
    plain: list[PlainAtRate] = field(default_factory=list)
    plain_ended: str = ""  #: why its analysis ended by itself, if it did
    accounts: list[Account] = field(default_factory=list)
    took_s: float = 0.0

    def pure_rows_per_s(self, kind: str, cores: str = "all_cores") -> float:
        """Return the mean of before and after; 0 where it was not measured."""
        rates = self.pure.get(kind, {}).get(cores)
        return statistics.mean(rates) if rates else 0.0

    def product_at(self, rate: float) -> AtRate | None:
        return next((at for at in self.product if at.offered_rows_per_s == rate), None)

    def plain_at(self, rate: float) -> PlainAtRate | None:
        return next((at for at in self.plain if at.offered_rows_per_s == rate), None)

    @property
    def plain_maximum(self) -> float:
        """The most that the plain design did; NaN, unknown, where it ended before it fell behind."""
        return most_once_behind([(at.measured_rows_per_s, at.keeps_up) for at in self.plain])

    def as_json(self) -> dict[str, Any]:
        told = dataclasses.asdict(self)
        for name in ("product", "plain"):
            for entry, at in zip(told[name], getattr(self, name), strict=True):
                entry["keeps_up"] = at.keeps_up
        for name in ("cores", "malformed"):
            if pairs := getattr(self, name):
                told[name] |= {"gains": pairs.gains, "median_gain": pairs.median_gain}
        machine = {
            "cores": os.cpu_count(),
            "kernel": platform.release(),
            "processor": _processor(),
            "python": platform.python_version(),
        }
        return {"machine": machine, **told}


def _processor() -> str:
    with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123 - a file of the kernel
        return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "?")
