"""Rows in read order to timeslices: whole orbits only, so that no orbit is split over records. Pure.

Rows are not in time order, so an orbit is *closed*, its last row read, only when the last `lag_rows` hits
were all of later orbits. A timeslice is cut at closed orbits: it takes [from, to) of the orbit axis, and
slices tile that axis. What is no hit, or is late, rides in the slice being filled and moves no clock. A hit
too far from the closed edge is *held* until the next ordinary hit (then it was wild) or until enough held
hits agree (then the clock jumped: a new *epoch*). A wild hit rides too, and lies in no slice's orbits, since
no slice spans more than a hit must be away to be held.

The rules stand in `Timeslicer._row`, one row at a time. `Timeslicer._skip` takes a stretch of rows at once
where it can show that nothing but accepting them can happen.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cosmo.detector import HIT_HEAD, ORBIT_MODULUS, serial_difference
from cosmo.hits import Lines, read
from cosmo.pending_rows import HELD, OPEN, RIDES, TAKEN, PendingRows

JUMP_ORBITS = 1 << 20
"""A hit further than this (93 s) from the closed edge is held; a slice with rows that ride spans no more."""
NO_EPOCH = -1

_SHORTEST_STRETCH = 16
"""Fewer rows than this are quicker one by one."""
_LONGEST_STRETCH = 1 << 20


@dataclass(frozen=True)
class Limits:
    """Sizes that decide where slices are cut."""

    lag_rows: int = 64  #: hits that must all be of later orbits before an orbit is closed
    slice_bytes: int = 1024 * 1024  #: closed text that makes a slice
    carry_bytes: int = 256 * 1024  #: more open text than this: the earliest orbit is split

    def __post_init__(self) -> None:
        if min(self.lag_rows, self.slice_bytes, self.carry_bytes) < 1:
            raise ValueError(f"expected positive limits, got {self}")


@dataclass(frozen=True)
class Clock:
    """Where a timeslicer stands on the orbit axis."""

    epoch: int = NO_EPOCH  #: counts clock jumps; NO_EPOCH until the first orbits are agreed on
    edge: int = 0  #: everything before this orbit has been cut
    base: int = 0  #: first orbit of this pass over the source


@dataclass(frozen=True)
class Timeslice:
    """Rows of whole orbits, and what is needed to go on after them."""

    from_orbit: int  #: first orbit of the slice, 0..2^32-1
    to_orbit: int  #: one past its last orbit (both 0 without an epoch)
    epoch: int
    split: bool  #: closed by force: the last orbit's other rows will be late
    text: bytes  #: the CSV lines
    rows: int  #: lines that are rows (no header, no blank line)
    first_release: float  #: when the earliest row entered the timeslicer
    last_release: float
    clock: Clock
    carry: bytes = b""  #: rows entered before the cut that are in no slice so far
    carry_rows: int = 0

    @property
    def orbits(self) -> int:
        """Orbits covered: the slice's live time."""
        return (self.to_orbit - self.from_orbit) % ORBIT_MODULUS


class Timeslicer:
    """Cuts rows, fed in read order, into timeslices. The same rows give the same slices however they are fed.

    Parameters
    ----------
    limits : where to cut.
    clock, carry : the state to go on from, as a slice gave it.
    release : release time given to the rows of the carry.
    """

    def __init__(
        self, limits: Limits, clock: Clock | None = None, carry: bytes = b"", release: float = 0.0
    ) -> None:
        self._limits = limits
        self._clock = clock or Clock()
        self._pending = PendingRows()
        self._held: list[int] = []  # places in pending
        self._done: list[Timeslice] = []  # cut by the row being read
        self._taken: list[NDArray[np.bool_]] = []  # what had been taken after each of them
        self._ridden_bytes = 0
        self._held_bytes = 0
        self._stretch = _SHORTEST_STRETCH
        self._restart(self._clock.edge)
        if carry:
            lines = read(carry)
            for row in range(len(lines)):  # may cut (limits were lowered, say): given with the next call
                self._take(lines, row, release)

    # Orbits are unwrapped inside an epoch: plain integers that grow past 2^32.
    def _restart(self, edge: int) -> None:
        """Begin at an edge with nothing open."""
        self._edge = edge
        self._closed_before = edge  # every orbit before this is closed
        self._closed_bytes = 0
        self._unclosed: dict[int, int] = {}  # bytes by orbit
        self._unclosed_bytes = 0
        self._window: deque[int] = deque(maxlen=self._limits.lag_rows)

    @property
    def clock(self) -> Clock:
        """Where the timeslicer stands; the orbit shift of a next pass follows from edge and base."""
        return self._clock

    @property
    def pending_rows(self) -> int:
        """Rows that are in no slice yet."""
        return int(self._pending.is_row[: self._pending.n].sum())

    def oldest_release(self) -> float | None:
        """Release time of the oldest row that a cut now would send, or None if there is nothing to cut.

        It is -inf where the carry made slices by itself: they are due at once.
        """
        if self._done:
            return float("-inf")
        chosen = self._closed()
        return float(self._pending.release[: self._pending.n][chosen].min()) if chosen.any() else None

    def feed(self, lines: Lines, first: int, last: int, release: float = 0.0) -> list[tuple[Timeslice, int]]:
        """Read rows first..last of `lines`; return the slices cut, each with the row after it."""
        cut: list[tuple[Timeslice, int]] = []
        row = first
        while row < last:
            n = self._skip(lines, row, last, release)
            if not n:
                self._take(lines, row, release)
                n = 1
            row += n
            if self._done:
                cut += ((timeslice, row) for timeslice in self._finish())
        return cut

    def cut(self) -> list[Timeslice]:
        """Cut what is closed, because of its age."""
        if self._ridden_bytes + self._closed_bytes:
            self._cut(self._closed_before)
        return self._finish()

    def empty_slice(self, now: float) -> Timeslice:
        """Return a slice without rows, after the last one, that holds the state."""
        pending = self._pending
        edge = self._clock.edge
        everything = np.ones(pending.n, dtype=np.bool_)
        return Timeslice(
            from_orbit=edge,
            to_orbit=edge,
            epoch=self._clock.epoch,
            split=False,
            text=b"",
            rows=0,
            first_release=now,
            last_release=now,
            clock=self._clock,
            carry=pending.chosen_text(everything),
            carry_rows=self.pending_rows,
        )

    def end(self) -> list[Timeslice]:
        """Close everything: the source, or a pass over it, has ended."""
        if self._held and self._clock.epoch == NO_EPOCH:
            self._decide()
        else:
            self._release_held()
        if self._clock.epoch == NO_EPOCH:
            return self.cut()
        self._close_all()
        return self._finish()

    def begin_pass(self) -> None:
        """Note that a new pass over the source begins: its first orbit falls on the edge reached."""
        self._clock = replace(self._clock, base=self._clock.edge)

    def _take(self, lines: Lines, row: int, release: float) -> None:
        self._pending.append(lines, row, release)
        self._row(int(lines.orbit[row]) if lines.fate[row] == HIT_HEAD else None)

    # The rules, one row at a time. The row is the last of the pending ones.
    def _row(self, orbit: int | None) -> None:
        pending, place = self._pending, self._pending.n - 1
        size = int(pending.size[place])
        if orbit is None:
            self._ridden_bytes += size
        elif self._clock.epoch != NO_EPOCH and abs(self._from_closed(orbit)) <= JUMP_ORBITS:
            self._release_held()
            self._accept(place, self._closed_before + self._from_closed(orbit))
        else:
            pending.status[place], pending.orbit[place] = HELD, orbit
            self._held.append(place)
            self._held_bytes += size
            if len(self._held) >= self._limits.lag_rows:
                self._decide()
        while self._unclosed_bytes + self._held_bytes > self._limits.carry_bytes:
            if self._unclosed:
                self._cut(min(self._unclosed) + 1, split=True)
            else:
                self._release_held()
        if self._ridden_bytes + self._closed_bytes >= self._limits.slice_bytes:
            self._cut(self._closed_before)

    def _from_closed(self, orbit: int) -> int:
        return serial_difference(orbit, self._closed_before)

    def _accept(self, place: int, orbit: int) -> None:
        pending = self._pending
        size = int(pending.size[place])
        if orbit < self._edge:  # late: its slice is gone
            pending.status[place] = RIDES
            self._ridden_bytes += size
            return
        pending.status[place], pending.orbit[place] = OPEN, orbit
        if orbit < self._closed_before:
            self._closed_bytes += size
        else:
            self._unclosed[orbit] = self._unclosed.get(orbit, 0) + size
            self._unclosed_bytes += size
        self._window.append(orbit)
        if len(self._window) == self._limits.lag_rows:
            self._close_before(min(self._window))

    def _close_before(self, orbit: int) -> None:
        if orbit <= self._closed_before:  # once closed, closed
            return
        if orbit - self._edge > JUMP_ORBITS:  # a hit that is held from now on might be inside
            self._cut(self._closed_before)
        self._closed_before = orbit
        for closed in [o for o in self._unclosed if o < orbit]:
            size = self._unclosed.pop(closed)
            self._unclosed_bytes -= size
            self._closed_bytes += size

    def _release_held(self) -> None:
        """Let the held rows ride: they were wild (clock_jump)."""
        if self._held:
            self._pending.status[self._held] = RIDES
            self._ridden_bytes += self._held_bytes
            self._held, self._held_bytes = [], 0
            if self._clock.epoch == NO_EPOCH:  # the first epoch may begin around them
                self._cut(self._edge)

    def _decide(self) -> None:
        """Start a new epoch if more than half of the held rows agree; those that do not, ride."""
        held, pending = np.array(self._held), self._pending
        orbits = pending.orbit[held]
        best = int(np.argmax(_agreeing(orbits)))
        apart = (orbits - orbits[best]).astype(np.uint32).view(np.int32).astype(np.int64)
        group = np.abs(apart) <= JUMP_ORBITS
        n_agree = int(group.sum())
        if 2 * n_agree <= len(held):
            self._release_held()
            return
        if self._clock.epoch != NO_EPOCH:
            self._close_all()
        first = int(orbits[best] + apart[group].min()) % ORBIT_MODULUS
        base = first if self._clock.epoch == NO_EPOCH else self._clock.base
        self._clock = Clock(self._clock.epoch + 1, first, base)
        self._restart(first)
        accepted = [
            (int(place), first + serial_difference(int(orbit), first))
            for place, orbit in zip(held[group], orbits[group], strict=True)
        ]
        self._pending.status[held[group]] = RIDES  # until accepted below
        self._held = [int(place) for place in held[~group]]
        self._held_bytes = int(pending.size[self._held].sum()) if self._held else 0
        self._release_held()
        for place, orbit in accepted:
            self._accept(place, orbit)

    def _close_all(self) -> None:
        """Close every open orbit. The epoch ends one past the newest of the last hits; rows beyond ride."""
        end = max((self._edge, *(orbit + 1 for orbit in self._window)))  # so one wild row does not move it
        pending = self._pending
        status, orbits = pending.status[: pending.n], pending.orbit[: pending.n]
        beyond = (status == OPEN) & (orbits >= end)
        self._ridden_bytes += int(pending.size[: pending.n][beyond].sum())
        status[beyond] = RIDES
        if ((status == RIDES) | (status == OPEN)).any():
            self._cut(end)
        self._restart(self._edge)

    def _closed(self) -> NDArray[np.bool_]:
        status = self._pending.status[: self._pending.n]
        orbits = self._pending.orbit[: self._pending.n]
        return np.asarray((status == RIDES) | ((status == OPEN) & (orbits < self._closed_before)))

    def _cut(self, edge: int, *, split: bool = False) -> None:
        """Make a slice of all that rides and all open rows before the edge.

        An edge beyond the closed one may be too far for what rides: that is cut before.
        """
        if self._ridden_bytes and edge - self._edge > JUMP_ORBITS:
            self._cut(self._closed_before)
        pending = self._pending
        status, orbits = pending.status[: pending.n], pending.orbit[: pending.n]
        chosen = (status == RIDES) | ((status == OPEN) & (orbits < edge))
        from_orbit, self._edge = self._edge, edge
        self._closed_before = max(self._closed_before, edge)
        self._ridden_bytes = self._closed_bytes = 0
        for orbit in [o for o in self._unclosed if o < edge]:
            self._unclosed_bytes -= self._unclosed.pop(orbit)
        self._clock = replace(self._clock, edge=edge % ORBIT_MODULUS)
        # After a split it may be that nothing is chosen, orbits without rows: then the row being read counts.
        releases = pending.release[: pending.n][chosen if chosen.any() else slice(-1, None)]
        self._done.append(
            Timeslice(
                from_orbit=from_orbit % ORBIT_MODULUS,
                to_orbit=edge % ORBIT_MODULUS,
                epoch=self._clock.epoch,
                split=split,
                text=pending.chosen_text(chosen),
                rows=int(pending.is_row[: pending.n][chosen].sum()),
                first_release=float(releases.min()),
                last_release=float(releases.max()),
                clock=self._clock,
            )
        )
        status[chosen] = TAKEN
        self._taken.append(status == TAKEN)

    def _finish(self) -> list[Timeslice]:
        """Give the slices cut by this row their carry, which is known only now, and forget their rows."""
        finished = []
        for timeslice, taken in zip(self._done, self._taken, strict=True):
            carried = np.ones(self._pending.n, dtype=np.bool_)
            carried[: len(taken)] = ~taken
            finished.append(
                replace(
                    timeslice,
                    carry=self._pending.chosen_text(carried),
                    carry_rows=int(self._pending.is_row[: self._pending.n][carried].sum()),
                )
            )
        if finished:
            gone = ~carried
            self._held = [int(place) - int(gone[:place].sum()) for place in self._held]
            self._pending.drop(gone)
            self._done, self._taken = [], []
        return finished

    # The same rules for a stretch of rows in which nothing can be cut and nothing is held.
    def _skip(self, lines: Lines, first: int, last: int, release: float) -> int:
        """Take as many rows as can be taken at once, and return their number."""
        if self._held or self._done:
            return 0
        room = min(
            self._limits.slice_bytes - 1 - self._ridden_bytes - self._closed_bytes - self._unclosed_bytes,
            self._limits.carry_bytes - self._unclosed_bytes,
        )
        before = int(lines.ends[first - 1]) if first else 0
        if first + _SHORTEST_STRETCH > last or lines.ends[first + _SHORTEST_STRETCH - 1] - before > room:
            return 0
        # Looking further than the next wild hit is work done again after it.
        last = min(last, first + self._stretch, int(np.searchsorted(lines.ends, before + room, side="right")))
        hit_rows = np.flatnonzero(lines.fate[first:last] == HIT_HEAD)
        if self._clock.epoch == NO_EPOCH:
            if len(hit_rows):
                last, hit_rows = first + int(hit_rows[0]), hit_rows[:0]
            orbits = closed_before = np.zeros(0, np.int64)
            in_time = np.zeros(0, np.bool_)
        else:
            orbits, in_time, closed_before = self._follow(lines.orbit[first:last][hit_rows])
            n_hits = min(
                _first_true(np.abs(orbits - closed_before[:-1]) > JUMP_ORBITS),
                int(np.searchsorted(closed_before[1:], self._edge + JUMP_ORBITS, side="right")),
            )
            self._stretch = min(2 * self._stretch, _LONGEST_STRETCH)
            if n_hits < len(hit_rows):
                last = first + int(hit_rows[n_hits])
                self._stretch = max(_SHORTEST_STRETCH, 2 * (last - first))
                hit_rows, orbits, in_time = hit_rows[:n_hits], orbits[:n_hits], in_time[:n_hits]
                closed_before = closed_before[: n_hits + 1]
        if last - first < _SHORTEST_STRETCH:
            return 0
        new = self._pending.extend(lines, first, last, release)
        status, places = self._pending.status[new], hit_rows[in_time]
        status[places] = OPEN
        self._pending.orbit[new][places] = orbits[in_time]
        self._ridden_bytes += int(self._pending.size[new][status == RIDES].sum())
        self._window.extend(orbits[in_time][-self._limits.lag_rows :].tolist())
        if len(hit_rows):
            self._close_before(int(closed_before[-1]))
        self._add_open(orbits[in_time], self._pending.size[new][places])
        return last - first

    def _follow(
        self, raw: NDArray[np.uint32]
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64]]:
        """Return unwrapped orbits, which are in time, and the closed edge before each and after all."""
        apart = (raw - np.uint32(self._closed_before % ORBIT_MODULUS)).view(np.int32)
        orbits = self._closed_before + apart.astype(np.int64)
        in_time = orbits >= self._edge
        window = np.array(self._window, dtype=np.int64)
        newest = np.concatenate((window, orbits[in_time]))
        edges = np.full(
            len(newest) + 1, self._closed_before, dtype=np.int64
        )  # edges[k]: with k hits in newest
        lag = self._limits.lag_rows
        if len(newest) >= lag:
            edges[lag:] = np.maximum.accumulate(
                np.maximum(_trailing_minimum(newest, lag), self._closed_before)
            )
        after = len(window) + np.cumsum(in_time)
        return orbits, in_time, edges[np.concatenate(([len(window)], after))]

    def _add_open(self, orbits: NDArray[np.int64], sizes: NDArray[np.int64]) -> None:
        closed = orbits < self._closed_before
        self._closed_bytes += int(sizes[closed].sum())
        self._unclosed_bytes += int(sizes[~closed].sum())
        for orbit, size in zip(orbits[~closed].tolist(), sizes[~closed].tolist(), strict=True):
            self._unclosed[orbit] = self._unclosed.get(orbit, 0) + size


def cut_lines(blocks: Iterable[Lines], limits: Limits) -> Iterator[Timeslice]:
    """Cut lines, read in blocks, into timeslices to their end."""
    timeslicer = Timeslicer(limits)
    for lines in blocks:
        yield from (timeslice for timeslice, _ in timeslicer.feed(lines, 0, len(lines)))
    yield from timeslicer.end()


def _agreeing(orbits: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return of each orbit counter how many of them, itself too, lie within JUMP_ORBITS of it."""
    ascending = np.sort(orbits)
    around = np.concatenate((ascending - ORBIT_MODULUS, ascending, ascending + ORBIT_MODULUS))
    first = np.searchsorted(around, orbits - JUMP_ORBITS)
    return np.asarray(np.searchsorted(around, orbits + JUMP_ORBITS, side="right") - first)


def _first_true(flags: NDArray[np.bool_]) -> int:
    return int(np.argmax(flags)) if flags.any() else len(flags)


def _trailing_minimum(values: NDArray[np.int64], width: int) -> NDArray[np.int64]:
    """Return the minimum of each `width` neighbours, shape (len(values) - width + 1,), by doubling."""
    minimum, covered = values, 1
    while 2 * covered <= width:
        minimum, covered = np.minimum(minimum[:-covered], minimum[covered:]), 2 * covered
    rest = width - covered
    return np.minimum(minimum[: len(minimum) - rest], minimum[rest:])
