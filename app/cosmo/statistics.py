"""Summary: all that is measured from timeslices, as a value that adds up. Pure.

`Summary.of(slices)` measures, `a + b` adds, `Summary.empty()` is the zero; addition is associative and
commutative. The same rows give the same Summary however they are cut between orbits, reordered within the
allowed disorder, or spread over machines. Everything is counted in 64-bit integers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from typing import Any

import hist
import numpy as np
from numpy.typing import NDArray

from cosmo.active_orbits import ActiveByOrbit
from cosmo.counting import N_CELLS, SCINTILLATOR, UNMAPPED, Tally, WholeOrbits
from cosmo.detector import (
    DRIFT_BINS,
    DRIFT_HIGH_NS,
    DRIFT_LOW_NS,
    HIT_HEAD,
    N_CHAMBERS,
    N_CHANNELS,
    N_HEADS,
    ORBIT_S,
)
from cosmo.hits import BLANK, HEADER, MALFORMED, REASONS, read
from cosmo.slice_numbers import SliceNumbers

_TEXT_AT_ONCE = 1 << 20
"""Bytes of slices measured together: enough to hide numpy's overhead, few enough to stay in the cache."""

Histogram = hist.Hist[Any]
"""A `hist.Hist` with named axes and 64-bit integer storage."""


@dataclass(frozen=True)
class Summary:
    """Statistics of the hits, and the account of every row and slice."""

    occupancy: Histogram  #: hits, chamber x channel
    scintillator_occupancy: Histogram  #: the same in orbits that hold a scintillator hit
    active_channels: Histogram  #: orbits with any hit, chamber x number of active channels (0..64)
    drift_time: Histogram  #: hits in such orbits, chamber x drift time in bins of 1 ns, with flow
    active_by_orbit: ActiveByOrbit  #: active channels against orbit
    scintillator_hits: int = 0
    unmapped: int = 0  #: hits of channels that belong to no chamber
    ancillary: tuple[int, ...] = (0,) * N_HEADS  #: rows by HEAD (HEAD 2 stays 0)
    malformed: tuple[int, ...] = (0,) * len(REASONS)  #: rows by reason, in the order of `hits.REASONS`
    header_lines: int = 0  #: not rows
    blank_lines: int = 0  #: not rows
    late: int = 0  #: hits outside their slice's orbits, by up to 2^20; in 1-3 only
    clock_jump: int = 0  #: hits further outside; in 1-3 only
    unframed: int = 0  #: rows from records that are no timeslices; in 1-3 only
    live_orbits: int = 0  #: orbits covered by the slices
    split_slices: int = 0  #: slices cut by force inside an orbit
    malformed_slices: int = 0  #: records that are null, binary or have unreadable headers
    repeated_slices: int = 0  #: records whose number was seen before; not measured
    foreign_slices: int = 0  #: records of another run; not measured
    numbers: SliceNumbers = field(default_factory=SliceNumbers)  #: which slices were measured, by partition

    @classmethod
    def empty(cls) -> Summary:
        """Return the zero of the addition."""
        return cls(_cells(), _cells(), _activity(), _drift(), ActiveByOrbit.empty())

    @classmethod
    def counting(cls, **counts: Any) -> Summary:  # noqa: ANN401 - the types are the fields' own
        """Return a Summary of nothing but some of the counts, by field name."""
        return replace(cls.empty(), **counts)

    @classmethod
    def of(cls, slices: Iterable[WholeOrbits]) -> Summary:
        """Measure timeslices."""
        total = Tally()
        together: list[WholeOrbits] = []
        waiting = 0
        for piece in slices:
            together.append(piece)
            waiting += len(piece.text)
            if waiting >= _TEXT_AT_ONCE:
                total.add_slices(together)
                together, waiting = [], 0
        if together:
            total.add_slices(together)
        return cls._of_tally(total)

    @classmethod
    def of_unframed(cls, records: Iterable[bytes | None]) -> Summary:
        """Measure records that are no timeslices: their hits count in statistics 1-3, nothing in 4-6.

        A null or binary (not UTF-8) record is one malformed slice.
        """
        total = Tally()
        texts = []
        for record in records:
            if record is None or not _is_text(record):
                total.malformed_slices += 1
            else:
                texts.append(record if record.endswith(b"\n") or not record else record + b"\n")
        total.add_unframed(read(b"".join(texts)))
        return cls._of_tally(total)

    @classmethod
    def _of_tally(cls, tally: Tally) -> Summary:
        occupancy, scintillator, active, drift = _cells(), _cells(), _activity(), _drift()
        occupancy.view()[:] = tally.cells[:N_CELLS].reshape(N_CHAMBERS, N_CHANNELS)
        scintillator.view()[:] = tally.scintillator_cells.reshape(N_CHAMBERS, N_CHANNELS)
        active.view()[:] = tally.active.reshape(N_CHAMBERS, N_CHANNELS + 1)
        drift.view(flow=True)[:] = tally.drift.reshape(N_CHAMBERS, DRIFT_BINS + 2)
        heads = tally.fates[:N_HEADS].tolist()
        heads[HIT_HEAD] = 0  # hits, counted by cell
        return cls(
            occupancy,
            scintillator,
            active,
            drift,
            tally.active_by_orbit,
            scintillator_hits=int(tally.cells[SCINTILLATOR]),
            unmapped=int(tally.cells[UNMAPPED]),
            ancillary=tuple(heads),
            malformed=tuple(tally.fates[min(MALFORMED.values()) : HEADER].tolist()),
            header_lines=int(tally.fates[HEADER]),
            blank_lines=int(tally.fates[BLANK]),
            late=tally.late,
            clock_jump=tally.clock_jump,
            unframed=tally.unframed,
            live_orbits=tally.live_orbits,
            split_slices=tally.split_slices,
            malformed_slices=tally.malformed_slices,
        )

    def __add__(self, other: Summary) -> Summary:
        values: dict[str, Any] = {}
        for entry in fields(self):
            mine, theirs = getattr(self, entry.name), getattr(other, entry.name)
            if isinstance(mine, tuple):
                values[entry.name] = tuple(a + b for a, b in zip(mine, theirs, strict=True))
            else:
                values[entry.name] = mine + theirs
        return Summary(**values)

    @property
    def hits(self) -> NDArray[np.int64]:
        """Hits of each chamber, shape (4,)."""
        return np.asarray(self.occupancy.values().sum(axis=1), dtype=np.int64)

    @property
    def rows(self) -> int:
        """All rows: each is a chamber hit, a scintillator hit, unmapped, ancillary or malformed."""
        chamber_hits = int(self.hits.sum())
        return (
            chamber_hits + self.scintillator_hits + self.unmapped + sum(self.ancillary) + sum(self.malformed)
        )

    @property
    def rows_in_slices(self) -> int:
        """Rows that came in timeslices: only these does a producer count as sent."""
        return self.rows - self.unframed

    @property
    def live_s(self) -> float:
        """Live time in s."""
        return self.live_orbits * ORBIT_S

    @property
    def lost_slices(self) -> int:
        """Slices whose number is missing below the highest of their partition."""
        return self.numbers.missing


def _cells() -> Histogram:
    chamber = hist.axis.Integer(0, N_CHAMBERS, name="chamber", flow=False)
    channel = hist.axis.Integer(0, N_CHANNELS, name="channel", flow=False)
    return hist.Hist(chamber, channel, storage=hist.storage.Int64())


def _activity() -> Histogram:
    chamber = hist.axis.Integer(0, N_CHAMBERS, name="chamber", flow=False)
    active = hist.axis.Integer(0, N_CHANNELS + 1, name="active_channels", flow=False)
    return hist.Hist(chamber, active, storage=hist.storage.Int64())


def _drift() -> Histogram:
    chamber = hist.axis.Integer(0, N_CHAMBERS, name="chamber", flow=False)
    time = hist.axis.Regular(DRIFT_BINS, DRIFT_LOW_NS, DRIFT_HIGH_NS, name="drift_time_ns")
    return hist.Hist(chamber, time, storage=hist.storage.Int64())


def _is_text(record: bytes) -> bool:
    try:
        record.decode()
    except UnicodeDecodeError:
        return False
    return True
