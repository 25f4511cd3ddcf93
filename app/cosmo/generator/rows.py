"""Rows as columns."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from cosmo.detector import ORBIT_MODULUS
from cosmo.generator.text import text_of


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows as columns of one length n: `orbit` not wrapped, `measure` TDC_MEAS or a number of `text`."""

    head: NDArray[np.int16]
    fpga: NDArray[np.int16]
    channel: NDArray[np.int16]
    orbit: NDArray[np.int64]
    bx: NDArray[np.int16]
    measure: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.head)

    def __getitem__(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Rows:
        return Rows(*(getattr(self, f.name)[chosen] for f in fields(Rows)))

    @staticmethod
    def joined(*parts: Rows) -> Rows:
        """Return the rows of all parts, one after the other."""
        return Rows(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Rows)))

    def with_inserted(self, others: Rows, places: NDArray[np.int64]) -> Rows:
        """Return these rows with each of `others` put in after as many of these as `places` says (rising)."""
        columns = (np.insert(getattr(self, f.name), places, getattr(others, f.name)) for f in fields(Rows))
        return Rows(*columns)

    def csv(self) -> bytes:
        r"""Return one line a row, each ending in '\n', without a header."""
        return text_of(self.head, self.fpga, self.channel, self.orbit % ORBIT_MODULUS, self.bx, self.measure)
