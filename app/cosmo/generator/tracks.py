"""Straight muon tracks through the telescope: which cells they cross, and how far from the wires.

x runs along the cells of chambers 0, 2 and 3, y along the cells of chamber 1 (rotated by 90 degrees), z is
the height above the floor. A chamber is taken as square: 16 and a half cells wide (the half is the stagger),
its wires as long.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cosmo.detector import (
    CELL_HEIGHT_MM,
    CELL_WIDTH_MM,
    CELLS_PER_LAYER,
    DRIFT_VELOCITY_MM_PER_NS,
    FRAME_HEIGHT_MM,
    LAYER_OF_CHANNEL,
    N_CHAMBERS,
    N_LAYERS,
    wire_position_mm,
)

CHAMBER_WIDTH_MM: Final = CELL_WIDTH_MM * (CELLS_PER_LAYER + 0.5)
SCINTILLATOR_HEIGHT_MM: Final = (FRAME_HEIGHT_MM[1] + N_LAYERS * CELL_HEIGHT_MM + FRAME_HEIGHT_MM[2]) / 2
"""The place of the scintillators is not recorded; taken midway between chambers 1 and 2, as wide as they."""
MAX_ZENITH_DEG: Final = 45.0
"""Up to here the cells hit in neighbouring layers are neighbours: 13 mm x tan 45 is less than half a cell."""
MIN_CELLS: Final = 8
"""Cells a muon leaves at the least (the assignment: 8 hits or more altogether)."""

_CHANNEL_OF_LAYER: Final = np.argsort(LAYER_OF_CHANNEL[:N_LAYERS])
"""Channel of a layer's first cell, layers 1 to 4."""
_FIRST_WIRE_MM: Final = np.array(
    [[wire_position_mm(chamber, int(k)) for k in _CHANNEL_OF_LAYER] for chamber in range(N_CHAMBERS)]
)
"""(x, z) of the first cell's wire, shape (chamber, layer, 2)."""
_ROTATED: Final = (np.arange(N_CHAMBERS) == 1)[:, None]


@dataclass(frozen=True, eq=False)
class Tracks:
    """Straight lines, as columns of one length n.

    Attributes
    ----------
    x_mm, y_mm : NDArray[np.float64], shape (n,)
        Where the line passes the height of the scintillators.
    slope_x, slope_y : NDArray[np.float64], shape (n,)
        dx/dz and dy/dz.
    """

    x_mm: NDArray[np.float64]
    y_mm: NDArray[np.float64]
    slope_x: NDArray[np.float64]
    slope_y: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.x_mm)

    def __getitem__(self, chosen: NDArray[np.bool_] | slice) -> Tracks:
        return Tracks(self.x_mm[chosen], self.y_mm[chosen], self.slope_x[chosen], self.slope_y[chosen])


@dataclass(frozen=True, eq=False)
class Crossings:
    """Cells crossed, at most one per track, chamber and layer, ordered so; columns of one length.

    Attributes
    ----------
    track : NDArray[np.int64]
        Index into the tracks.
    chamber, channel : NDArray[np.int64]
        The cell: chamber 0-3, channel 0-63.
    drift_time_ns : NDArray[np.float64]
        Horizontal distance to the wire at the wire's height, over the drift velocity: 0 to 390.3 ns.
    """

    track: NDArray[np.int64]
    chamber: NDArray[np.int64]
    channel: NDArray[np.int64]
    drift_time_ns: NDArray[np.float64]


def cross(tracks: Tracks) -> Crossings:
    """Return the cells that the tracks cross; beside a layer or past the ends of its wires is none."""
    rise_mm = _FIRST_WIRE_MM[None, :, :, 1] - SCINTILLATOR_HEIGHT_MM
    x_mm = tracks.x_mm[:, None, None] + tracks.slope_x[:, None, None] * rise_mm
    y_mm = tracks.y_mm[:, None, None] + tracks.slope_y[:, None, None] * rise_mm
    across_mm, along_mm = np.where(_ROTATED, y_mm, x_mm), np.where(_ROTATED, x_mm, y_mm)

    first_wire_mm = _FIRST_WIRE_MM[None, :, :, 0]
    cell = np.floor((across_mm - first_wire_mm) / CELL_WIDTH_MM + 0.5).astype(np.int64)
    inside = (cell >= 0) & (cell < CELLS_PER_LAYER) & (along_mm >= 0) & (along_mm < CHAMBER_WIDTH_MM)
    distance_mm = np.abs(across_mm - first_wire_mm - CELL_WIDTH_MM * cell)
    track, chamber, layer = np.nonzero(inside)
    return Crossings(
        track=track,
        chamber=chamber,
        channel=N_LAYERS * cell[inside] + _CHANNEL_OF_LAYER[layer],
        drift_time_ns=distance_mm[inside] / DRIFT_VELOCITY_MM_PER_NS,
    )


def triggering_tracks(rng: np.random.Generator, n: int) -> Tracks:
    """Return n tracks through the scintillators that cross at least 8 cells.

    The zenith angle follows the muons' cos^2 per solid angle, hence cos^3 sin through a level plane, up to 45
    degrees.
    """
    chosen: list[Tracks] = []
    missing = n
    while missing:
        drawn = _tracks(rng, missing + missing // 4 + 8)
        cells = np.bincount(cross(drawn).track, minlength=len(drawn))
        chosen.append(drawn[cells >= MIN_CELLS][:missing])
        missing -= len(chosen[-1])
    if not chosen:
        return _tracks(rng, 0)
    return Tracks(
        np.concatenate([t.x_mm for t in chosen]),
        np.concatenate([t.y_mm for t in chosen]),
        np.concatenate([t.slope_x for t in chosen]),
        np.concatenate([t.slope_y for t in chosen]),
    )


def _tracks(rng: np.random.Generator, n: int) -> Tracks:
    # cos^3 sin integrates to cos^4, so cos^4 is uniform.
    cosine = rng.uniform(math.cos(math.radians(MAX_ZENITH_DEG)) ** 4, 1.0, n) ** 0.25
    tangent = np.sqrt(1.0 / cosine**2 - 1.0)
    azimuth = rng.uniform(0.0, 2.0 * math.pi, n)
    return Tracks(
        x_mm=rng.uniform(0.0, CHAMBER_WIDTH_MM, n),
        y_mm=rng.uniform(0.0, CHAMBER_WIDTH_MM, n),
        slope_x=tangent * np.cos(azimuth),
        slope_y=tangent * np.sin(azimuth),
    )
