"""A generated recording: chunks that can each be made alone, with faults in them and the truth beside."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cached_property, reduce
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from cosmo.detector import HIT_HEAD, ORBIT_MODULUS, TDC_PER_BX
from cosmo.errors import SettingsError, SourceError
from cosmo.generator.faults import Fault, Span, check_together, parts_of, with_faults
from cosmo.generator.pulses import COUNTS_PER_ORBIT, Pulses
from cosmo.generator.rows import Rows
from cosmo.generator.truth import Truth


@dataclass(frozen=True, eq=False)
class Chunk:
    r"""A span of orbits: CSV lines without a header, each ending in '\n', and what is true of them."""

    rows: bytes
    n_rows: int
    _hits: Pulses = field(repr=False)  # as sent
    _places: NDArray[np.int64] = field(repr=False)  # of the hits among the rows
    _first_orbit: int = field(repr=False)

    @cached_property
    def truth(self) -> Truth:
        """What is true of the rows; worked out when asked for."""
        return Truth.of(self._hits.in_time_order(), self._first_orbit)

    def first(self, n_rows: int) -> Chunk:
        """Return the first rows only, and what is true of them."""
        if n_rows >= self.n_rows:
            return self
        rows = b"".join(self.rows.splitlines(keepends=True)[:n_rows])
        n_hits = int(np.searchsorted(self._places, n_rows))
        return Chunk(rows, n_rows, self._hits[np.arange(n_hits)], self._places[:n_hits], self._first_orbit)

    def followed_by(self, later: Chunk) -> Chunk:
        """Return this and a span of later orbits as one."""
        return Chunk(
            self.rows + later.rows,
            self.n_rows + later.n_rows,
            self._hits.followed_by(later._hits.delayed_by(later._first_orbit - self._first_orbit)),
            np.concatenate([self._places, later._places + self.n_rows]),
            self._first_orbit,
        )


@dataclass(frozen=True, kw_only=True)
class Recording(ABC):
    """A recording without end. Equal values give equal bytes (under one version of numpy).

    Attributes
    ----------
    seed
        Any integer from 0.
    first_orbit
        ORBIT_CNT at which chunk 0 starts, 0 to 2^32 - 1.
    faults
        What is broken, and when.

    Raises
    ------
    SettingsError
        A value is outside what is said above.
    """

    kind: ClassVar[str]  #: its name in settings
    orbits_per_chunk: ClassVar[int]
    seed: int = 1
    first_orbit: int = 3_387_200_000
    faults: tuple[Fault, ...] = ()

    def __post_init__(self) -> None:
        if not self.seed >= 0:
            raise SettingsError(f"seed must be an integer from 0, got {self.seed}; choose another")
        if not 0 <= self.first_orbit < ORBIT_MODULUS:
            raise SettingsError(f"first_orbit must be 0 to 2^32 - 1, got {self.first_orbit}; choose another")
        check_together(self.faults)

    def chunk(self, index: int) -> Chunk:
        """Return chunk `index` (from 0), which depends on these settings and the index alone.

        It spans `orbits_per_chunk` orbits from `first_orbit` + `index` x `orbits_per_chunk`, modulo 2^32. No
        hit is held back into the next chunk, so chunks one after the other are one recording.

        Raises
        ------
        SourceError
            The index is negative.
        """
        return reduce(Chunk.followed_by, self.parts(index))

    def parts(self, index: int, first: int = 0) -> Iterator[Chunk]:
        """Yield chunk `index` in parts, from part `first` on.

        There are several where faults add many hits: each takes little memory and time. A part depends on
        these settings, the index and its number alone.

        Raises
        ------
        SourceError
            The index is negative.
        """
        if index < 0:
            raise SourceError(f"a chunk's index must be 0 or more, got {index}; start again at chunk 0")
        rng = np.random.Generator(np.random.SFC64(np.random.SeedSequence(self.seed, spawn_key=(index,))))
        whole = Span(index * self.orbits_per_chunk, self.orbits_per_chunk)
        faultless = self._pulses(rng, whole)
        spans = parts_of(self.faults, whole)
        for part, span in list(enumerate(spans))[first:]:
            inside = faultless.in_orbits(span.first - whole.first, span.orbits)
            pulses = with_faults(self.faults, self.seed, (index, part), inside, span)
            # A copy, so that no part depends on another.
            hits, rows, places = self._sent(deepcopy(rng), pulses, len(faultless), span)
            yield Chunk(rows.csv(), len(rows), hits, places, self.first_orbit + span.first)

    @abstractmethod
    def _pulses(self, rng: np.random.Generator, span: Span) -> Pulses:
        """Return the pulses of a chunk, which spans these orbits, in time order, for faults to act on."""

    @abstractmethod
    def _sent(
        self, rng: np.random.Generator, pulses: Pulses, n_faultless: int, span: Span
    ) -> tuple[Pulses, Rows, NDArray[np.int64]]:
        """Return the pulses as they are sent, all rows, and the places of the pulses among them.

        Parameters
        ----------
        rng : the same for each part of a chunk.
        pulses : of a part, timed from its first orbit on.
        n_faultless : pulses that the whole chunk has without faults.
        span : of the part.
        """

    def _as_rows(self, sent: Pulses, span: Span) -> Rows:
        orbit, within = np.divmod(sent.counts, COUNTS_PER_ORBIT)
        bx, tdc = np.divmod(within, TDC_PER_BX)
        return Rows(
            head=np.full(len(sent), HIT_HEAD, np.int16),
            fpga=sent.fpga,
            channel=sent.channel,
            orbit=orbit + (self.first_orbit + span.first),
            bx=bx.astype(np.int16),
            measure=tdc,
        )
