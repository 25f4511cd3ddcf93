"""Rows as columns, and their text: the only place of the generator that knows the CSV."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv

from cosmo.detector import ORBIT_MODULUS

_WHOLE: Final = range(137)
"""TDC_MEAS of whole numbers: 0-30 of hits, up to 136 of HEAD 1."""
_FOURTH: Final = [k / 4096 for k in range(-2458, 2459)]
_FIFTH: Final = [k / 32 for k in range(-2240, 2241)]
"""HEAD 4 reads -0.6 to 0.6, HEAD 5 -70 to 70, both in binary fractions, as in the recordings."""

FOURTH_NUMBERS: Final = range(len(_WHOLE), len(_WHOLE) + len(_FOURTH))
"""Values of `Rows.measure` that stand for a TDC_MEAS of HEAD 4."""
FIFTH_NUMBERS: Final = range(FOURTH_NUMBERS.stop, FOURTH_NUMBERS.stop + len(_FIFTH))
"""Values of `Rows.measure` that stand for a TDC_MEAS of HEAD 5."""

# Text by number: formatting 10,000 floats once is what keeps the rest vectorised.
_TEXTS: Final = pa.array([str(k) for k in _WHOLE] + [f"{value:.6f}" for value in _FOURTH + _FIFTH])
_OPTIONS: Final = csv.WriteOptions(include_header=False, batch_size=1 << 16, quoting_style="none")


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows as columns of one length n: `orbit` not wrapped, `measure` TDC_MEAS or the number of its text."""

    head: NDArray[np.int16]
    fpga: NDArray[np.int16]
    channel: NDArray[np.int16]
    orbit: NDArray[np.int64]
    bx: NDArray[np.int16]
    measure: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.head)

    @staticmethod
    def woven(*parts: Rows, block_rows: int) -> Rows:
        """Return parts of equal length with a block of each in turn."""
        columns = (
            np.stack([getattr(part, f.name).reshape(-1, block_rows) for part in parts], axis=1).reshape(-1)
            for f in fields(Rows)
        )
        return Rows(*columns)

    def with_inserted(self, others: Rows, places: NDArray[np.int64]) -> Rows:
        """Return these rows with each of `others` put in after as many of these as `places` says (rising)."""
        columns = (np.insert(getattr(self, f.name), places, getattr(others, f.name)) for f in fields(Rows))
        return Rows(*columns)

    def csv(self) -> bytes:
        r"""Return one line a row, each ending in '\n', without a header."""
        table = pa.table(
            {
                "head": self.head,
                "fpga": self.fpga,
                "channel": self.channel,
                "orbit": self.orbit % ORBIT_MODULUS,
                "bx": self.bx,
                "measure": _TEXTS.take(pa.array(self.measure)),
            }
        )
        sink = pa.BufferOutputStream()
        csv.write_csv(table, sink, _OPTIONS)
        text: bytes = sink.getvalue().to_pybytes()
        return text
