"""The text of rows: every field is a look-up, so that a million rows take a fifth of a second."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

WHOLE_MEASURES: Final = range(137)
"""TDC_MEAS of whole numbers: 0-30 of hits, up to 136 of HEAD 1."""
_FOURTH: Final = (np.arange(-9830, 9831) / 16384).astype(np.float16).tolist()
_FIFTH: Final = (np.arange(-4480, 4481) / 64).astype(np.float16).tolist()
"""HEAD 4 reads -0.6 to 0.6, HEAD 5 -70 to 70: floats of half precision, as in the recordings."""
FOURTH_NUMBERS: Final = range(len(WHOLE_MEASURES), len(WHOLE_MEASURES) + len(_FOURTH))
"""Numbers that stand for a TDC_MEAS of HEAD 4, from the least to the largest; the one in the middle is 0."""
FIFTH_NUMBERS: Final = range(FOURTH_NUMBERS.stop, FOURTH_NUMBERS.stop + len(_FIFTH))
"""Numbers that stand for a TDC_MEAS of HEAD 5."""

_MAX_BX: Final = 18_504
_HEADS, _FPGAS, _CHANNELS = 8, 2, 256
_GROUPS: Final = 1000

# A row is laid out in fields of 4 or 8 bytes, filled up with NULs, which are then taken out. They are moved
# as integers, which numpy copies faster than text.
_LAYOUT: Final = np.dtype(
    [
        ("cell", np.uint64),
        ("millions", np.uint32),
        ("thousands", np.uint32),
        ("ones", np.uint32),
        ("bx", np.uint64),
        ("measure", np.uint64),
        ("decimals", np.uint32),
    ]
)


def _table(field: str, texts: list[str]) -> NDArray[np.unsignedinteger[Any]]:
    as_number = _LAYOUT[field]
    encoded = np.array([text.encode("ascii") for text in texts], dtype=f"S{as_number.itemsize}")
    return encoded.view(as_number)


_CELL: Final = _table(
    "cell", [f"{h},{f},{c}," for h in range(_HEADS) for f in range(_FPGAS) for c in range(_CHANNELS)]
)
_MILLIONS: Final = _table("millions", [""] + [str(k) for k in range(1, 4295)])
# The second half of each is for rows in which nothing stands before: without leading zeros.
_THOUSANDS: Final = _table(
    "thousands", [f"{k:03}" for k in range(_GROUPS)] + [f"{k or ''}" for k in range(_GROUPS)]
)
_ONES: Final = _table("ones", [f"{k:03}," for k in range(_GROUPS)] + [f"{k}," for k in range(_GROUPS)])
_BX: Final = _table("bx", [f"{k}," for k in range(_MAX_BX + 1)])
_MEASURES: Final = [f"{k}\n" for k in WHOLE_MEASURES] + [f"{value:.6f}\n" for value in _FOURTH + _FIFTH]
_MEASURE: Final = _table("measure", [text[:8] for text in _MEASURES])
_DECIMALS: Final = _table("decimals", [text[8:] for text in _MEASURES])


def text_of(
    head: NDArray[np.int16],
    fpga: NDArray[np.int16],
    channel: NDArray[np.int16],
    orbit: NDArray[np.int64],
    bx: NDArray[np.int16],
    measure: NDArray[np.int64],
) -> bytes:
    r"""Return one line a row, each ending in '\n', without a header.

    Parameters
    ----------
    head, fpga, channel, bx : shape (n,)
        0-7, 0-1, 0-255, 0-18504.
    orbit : shape (n,)
        0 to 2^32 - 1.
    measure : shape (n,)
        TDC_MEAS if below 137, else one of `FOURTH_NUMBERS` or `FIFTH_NUMBERS`.
    """
    rows = np.empty(len(head), _LAYOUT)
    thousand, ones = np.divmod(orbit, _GROUPS)
    millions, thousands = np.divmod(thousand, _GROUPS)
    rows["cell"] = _CELL[(head.astype(np.intp) * _FPGAS + fpga) * _CHANNELS + channel]
    rows["millions"] = _MILLIONS[millions]
    rows["thousands"] = _THOUSANDS[thousands + _GROUPS * (millions == 0)]
    rows["ones"] = _ONES[ones + _GROUPS * (thousand == 0)]
    rows["bx"] = _BX[bx]
    rows["measure"] = _MEASURE[measure]
    rows["decimals"] = _DECIMALS[measure]
    return rows.tobytes().translate(None, b"\0")
