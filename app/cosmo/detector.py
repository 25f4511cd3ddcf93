"""The telescope: its clock, its channels, its cells. Pure numbers, no state.

Source of every number: the MAPD-B assignment (University of Padua) and recordings made at INFN Legnaro.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

N_CHAMBERS: Final = 4
N_FPGAS: Final = 2  #: that read chambers, two each
N_CHANNELS: Final = 64
"""Cells of one chamber: 4 layers of 16."""
N_LAYERS: Final = 4
CELLS_PER_LAYER: Final = 16
N_HEADS: Final = 8
"""HEAD is a 3-bit field of the raw 64-bit word."""

HIT_HEAD: Final = 2
"""The only HEAD that marks a TDC hit; every other one is ancillary."""
SCINTILLATOR_FPGA: Final = 1
SCINTILLATOR_CHANNEL: Final = 128

MAX_FPGA: Final = 7
MAX_CHANNEL: Final = 511
MAX_BX: Final = 3563
MAX_TDC: Final = 30

BX_NS: Final = 25.0
"""One bunch crossing, in ns."""
BX_PER_ORBIT: Final = 3564
TDC_PER_BX: Final = 30
"""One TDC count is 25/30 ns."""
ORBIT_S: Final = BX_PER_ORBIT * BX_NS * 1e-9
"""One orbit, in s: 89.1 us."""
ORBIT_MODULUS: Final = 1 << 32
"""ORBIT_CNT is an unsigned 32-bit counter: it wraps after about 106 hours."""
HALF_MODULUS: Final = 1 << 31

DRIFT_OFFSET_30TH_NS: Final = (2817, 3042, 2865, 2772)
"""Drift-time offset of chambers 0-3 in units of 1/30 ns: 93.9, 101.4, 95.5, 92.4 ns."""
DRIFT_BINS: Final = 600
"""Of 1 ns, over [DRIFT_LOW_NS, DRIFT_HIGH_NS): a drift takes up to about 390 ns."""
DRIFT_LOW_NS: Final = -100
DRIFT_HIGH_NS: Final = 500
CELL_WIDTH_MM: Final = 42.0
CELL_HEIGHT_MM: Final = 13.0
DRIFT_VELOCITY_MM_PER_NS: Final = 0.0538
FRAME_HEIGHT_MM: Final = (219.8, 977.3, 1035.6, 1819.8)
"""Bottom of layer 1 above the floor, chambers 0-3. Chamber 1 is rotated by 90 degrees."""

LAYER_OF_CHANNEL: Final[NDArray[np.int8]] = np.array([4, 2, 3, 1] * CELLS_PER_LAYER, dtype=np.int8)
"""Layer 1 (bottom) to 4 (top) of channel 0..63: the pattern repeats every 4 channels along x."""


def serial_difference(a: int, b: int) -> int:
    """Return a - b on the wrapping 32-bit orbit counter, in [-2^31, 2^31): positive when a is later."""
    return (a - b + HALF_MODULUS) % ORBIT_MODULUS - HALF_MODULUS


def wire_position_mm(chamber: int, channel: int) -> tuple[float, float]:
    """Return (x, z) of a cell's wire in mm: x along the chamber's own axis, z above the floor.

    Layers 1 and 3 are shifted by half a cell, +21 mm, against 2 and 4.
    """
    layer = int(LAYER_OF_CHANNEL[channel])
    shift = CELL_WIDTH_MM / 2 if layer in (1, 3) else 0.0
    x = CELL_WIDTH_MM * (channel // N_LAYERS + 0.5) + shift
    return x, FRAME_HEIGHT_MM[chamber] + CELL_HEIGHT_MM * (layer - 0.5)
