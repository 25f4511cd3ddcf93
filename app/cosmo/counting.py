"""What is counted of each slice: hits by cell, active channels by orbit, drift times. Pure.

Everything happens in whole arrays: hits of some slices at a time, orbits of all of them on one common axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cosmo.active_orbits import ActiveByOrbit
from cosmo.detector import (
    DRIFT_BINS,
    DRIFT_LOW_NS,
    DRIFT_OFFSET_30TH_NS,
    MAX_CHANNEL,
    N_CHAMBERS,
    N_CHANNELS,
    ORBIT_MODULUS,
    SCINTILLATOR_CHANNEL,
    SCINTILLATOR_FPGA,
    TDC_PER_BX,
)
from cosmo.hits import HEADER, N_FATES, Lines, read
from cosmo.timeslices import JUMP_ORBITS, NO_EPOCH

N_CELLS = N_CHAMBERS * N_CHANNELS
SCINTILLATOR, UNMAPPED = N_CELLS, N_CELLS + 1
_DENSE_ORBITS_PER_HIT = 16
_DENSE_ORBITS = 1 << 16
_DENSE_HITS_PER_ORBIT = 2


def _cell_table() -> NDArray[np.uint16]:
    """Return what FPGA * 512 + channel is: a cell (chamber * 64 + channel), the scintillator or unmapped."""
    table = np.full((8, MAX_CHANNEL + 1), UNMAPPED, dtype=np.uint16)
    for fpga in (0, 1):
        table[fpga, : 2 * N_CHANNELS] = 2 * N_CHANNELS * fpga + np.arange(2 * N_CHANNELS)
    table[SCINTILLATOR_FPGA, SCINTILLATOR_CHANNEL] = SCINTILLATOR
    return table.ravel()


_CELL = _cell_table()
_OFFSET = np.repeat(np.array(DRIFT_OFFSET_30TH_NS, dtype=np.int32), N_CHANNELS)


class WholeOrbits(Protocol):
    """What is measured: CSV text and the orbits [from_orbit, to_orbit) that it completes."""

    @property
    def from_orbit(self) -> int:
        """First orbit."""

    @property
    def to_orbit(self) -> int:
        """One past the last orbit."""

    @property
    def epoch(self) -> int:
        """Counts clock jumps; NO_EPOCH where no orbit is known yet."""

    @property
    def split(self) -> bool:
        """Whether the slice was cut by force inside an orbit."""

    @property
    def text(self) -> bytes:
        """The CSV lines."""


class Tally:
    """Sums while measuring, as plain arrays and counts; `Summary` gives them names and axes."""

    def __init__(self) -> None:
        self.cells = np.zeros(N_CELLS + 2, dtype=np.int64)
        self.scintillator_cells = np.zeros(N_CELLS, dtype=np.int64)
        self.active = np.zeros(N_CHAMBERS * (N_CHANNELS + 1), dtype=np.int64)
        self.drift = np.zeros(N_CHAMBERS * (DRIFT_BINS + 2), dtype=np.int64)
        self.fates = np.zeros(N_FATES, dtype=np.int64)
        self.active_by_orbit = ActiveByOrbit.empty()
        self.late = self.clock_jump = self.unframed = self.live_orbits = 0
        self.split_slices = self.malformed_slices = 0

    def add_unframed(self, lines: Lines) -> None:
        """Count rows that belong to no slice."""
        self._count_rows(lines)
        self.unframed += int((lines.fate < HEADER).sum())

    def add_slices(self, slices: Sequence[WholeOrbits]) -> None:
        """Measure slices together. Each keeps its orbits to itself: an orbit is never joined over slices."""
        texts = [
            piece.text if piece.text.endswith(b"\n") or not piece.text else piece.text + b"\n"
            for piece in slices
        ]
        lines = read(b"".join(texts))
        first = np.array([piece.from_orbit for piece in slices], dtype=np.uint32)
        width = np.array(
            [(piece.to_orbit - piece.from_orbit) % ORBIT_MODULUS for piece in slices], dtype=np.int64
        )
        self.live_orbits += int(width.sum())
        self.split_slices += sum(piece.split for piece in slices)
        cell = self._count_rows(lines)
        hits = lines.is_hit
        every = bool(hits.all())
        orbit = lines.orbit if every else lines.orbit[hits]
        text_ends = list(accumulate(len(text) for text in texts))
        line_ends = np.searchsorted(lines.ends, text_ends, side="right")
        hit_ends = line_ends if every else np.concatenate(([0], np.cumsum(hits)))[line_ends]
        per_slice = np.diff(hit_ends, prepend=0)

        # Orbits of all slices on one axis, slice after slice; in range is before the slice's own end.
        beyond_first = (orbit - np.repeat(first, per_slice)).astype(np.int64)
        inside = beyond_first < np.repeat(width, per_slice)
        axis_start = np.cumsum(width) - width
        place = beyond_first + np.repeat(axis_start, per_slice)
        bx30 = lines.bx.astype(np.int32) * TDC_PER_BX + lines.tdc
        if not every:
            bx30 = bx30[hits]
        if not inside.all():
            self._count_outside(slices, per_slice, orbit, ~inside)
        measured = inside & (cell != UNMAPPED)
        if not measured.all():
            place, cell, bx30 = place[measured], cell[measured], bx30[measured]
        if len(place):
            self._measure_orbits(place, cell, bx30, first, axis_start)

    def _count_rows(self, lines: Lines) -> NDArray[np.uint16]:
        """Count lines by fate and hits by cell; return the hits' cells."""
        self.fates += np.bincount(lines.fate, minlength=N_FATES)
        codes = lines.fpga.astype(np.uint16) * np.uint16(MAX_CHANNEL + 1) + lines.channel
        hits = lines.is_hit
        cell = _CELL[codes if hits.all() else codes[hits]]
        self.cells += np.bincount(cell, minlength=N_CELLS + 2)
        return np.asarray(cell)

    def _count_outside(
        self,
        slices: Sequence[WholeOrbits],
        per_slice: NDArray[np.int64],
        orbit: NDArray[np.uint32],
        outside: NDArray[np.bool_],
    ) -> None:
        last = np.repeat(np.array([piece.to_orbit for piece in slices], dtype=np.uint32), per_slice)[outside]
        has_epoch = np.repeat(np.array([piece.epoch != NO_EPOCH for piece in slices]), per_slice)[outside]
        apart = (orbit[outside] - last).view(np.int32).astype(np.int64)
        late = int((has_epoch & (np.abs(apart) <= JUMP_ORBITS)).sum())
        self.late += late
        self.clock_jump += int(outside.sum()) - late

    def _measure_orbits(
        self,
        place: NDArray[np.int64],
        cell: NDArray[np.uint16],
        bx30: NDArray[np.int32],
        first: NDArray[np.uint32],
        axis_start: NDArray[np.int64],
    ) -> None:
        """Count statistics 4-6 of hits that belong to an orbit.

        Parameters
        ----------
        place : orbit of each hit on the common axis; bx30 : its time in the orbit in TDC counts.
        first, axis_start : orbit counter and place on the common axis where each slice begins.
        """
        occupied, rank = _ranks(place)
        chamber_hit = cell < N_CELLS
        key = orbit_cells(rank, cell, len(occupied))
        active = _active_channels(key if chamber_hit.all() else key[chamber_hit], len(occupied))
        self.active += np.bincount(
            (active + np.arange(N_CHAMBERS) * (N_CHANNELS + 1)).ravel(), minlength=len(self.active)
        )
        owner = np.searchsorted(axis_start, occupied, side="right") - 1
        orbits = (first[owner].astype(np.int64) + occupied - axis_start[owner]) % ORBIT_MODULUS
        self.active_by_orbit += ActiveByOrbit.of(orbits, active)

        triggers = np.flatnonzero(~chamber_hit)
        if len(triggers):
            latest_first = triggers[np.argsort(-bx30[triggers], kind="stable")]
            start30 = np.full(len(occupied), -1, dtype=np.int32)
            start30[rank[latest_first]] = bx30[latest_first]  # the last one written is the earliest
            self._count_triggered(start30[rank], chamber_hit, cell, bx30)

    def _count_triggered(
        self,
        start30: NDArray[np.int32],
        chamber_hit: NDArray[np.bool_],
        cell: NDArray[np.uint16],
        bx30: NDArray[np.int32],
    ) -> None:
        chosen = chamber_hit & (start30 >= 0)
        cell, bx30, start30 = cell[chosen], bx30[chosen], start30[chosen]
        self.scintillator_cells += np.bincount(cell, minlength=N_CELLS)
        # In 1/30 ns, exact; counted from the low edge, so that floor division gives the bin.
        drift = 25 * (bx30 - start30) + _OFFSET[cell] - 30 * DRIFT_LOW_NS
        drift_bin = np.clip(drift // 30, -1, DRIFT_BINS) + 1
        self.drift += np.bincount(
            (cell >> 6).astype(np.int32) * (DRIFT_BINS + 2) + drift_bin, minlength=len(self.drift)
        )


def _ranks(place: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return the occupied places, ascending, and for each hit the index of its place among them."""
    start = int(place.min())
    span = int(place.max()) - start + 1
    if span > max(_DENSE_ORBITS, _DENSE_ORBITS_PER_HIT * len(place)):
        occupied, rank = np.unique(place, return_inverse=True)
        return occupied, rank.astype(np.int32)
    present = np.zeros(span, dtype=np.bool_)
    near = place - start
    present[near] = True
    return np.flatnonzero(present) + start, (np.cumsum(present, dtype=np.int32) - 1)[near].astype(np.int32)


def orbit_cells(
    rank: NDArray[np.int32], cell: NDArray[np.uint16], n_orbits: int
) -> NDArray[np.signedinteger[Any]]:
    """Return for each hit its orbit's rank * N_CELLS + its cell: 32 bits where they do, which is quicker."""
    fits = n_orbits * N_CELLS <= np.iinfo(np.int32).max
    return (rank if fits else rank.astype(np.int64)) * np.int32(N_CELLS) + cell


def _active_channels(key: NDArray[np.signedinteger[Any]], n_orbits: int) -> NDArray[np.int64]:
    """Return how many channels of each orbit and chamber were hit, shape (n_orbits, 4).

    Parameters
    ----------
    key : of each hit, the orbit's rank * N_CELLS + cell.
    """
    if len(key) < _DENSE_HITS_PER_ORBIT * n_orbits:  # a table of all cells would be nearly empty
        key = np.sort(key)
        first_of_its_kind = np.diff(key, prepend=-1) != 0
        counted = np.bincount(key[first_of_its_kind] // N_CHANNELS, minlength=n_orbits * N_CHAMBERS)
        return counted.reshape(n_orbits, N_CHAMBERS)
    seen = np.zeros(n_orbits * N_CELLS, dtype=np.uint8)
    seen[key] = 1
    return _count_ones(seen.reshape(n_orbits, N_CHAMBERS, N_CHANNELS))


def _count_ones(seen: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the sum over the last axis (64 bytes of 0 or 1), eight bytes at a time."""
    words = seen.view(np.uint64).sum(axis=-1)  # each byte of a sum is at most 8
    return np.asarray(words * np.uint64(0x0101010101010101) >> np.uint64(56), dtype=np.int64)
