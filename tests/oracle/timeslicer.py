"""Cut lines into timeslices that hold whole orbits, one row after the other.

The words used here:

- hit: a valid row with HEAD 2. Only hits move anything; every other line rides in the slice being filled.
- to: the orbit where the next slice begins; everything before it has been cut. None until the first epoch.
- window: orbits of the last `lag_rows` hits taken. An orbit is closed when all of them are later.
- edge: the earliest orbit that is not closed. It never goes back: once closed, closed.
- held: hits too far from the edge to be believed, until a believable hit or their majority decides.
- riding: what goes out with the next slice, whatever its orbits. Hits that were held ride too, and are to be
  outside: so before the edge, or a cut with lines that ride, is more than NEAR from `to`, a slice ends.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from .rows import LINE_MAX_BYTES, classify, limit

ORBITS = 2**32  # ORBIT_CNT is an unsigned 32-bit counter and wraps
NEAR = 2**20  # orbits; what is further away is a jump of the clock
NO_EPOCH = -1


def serial(a: int, b: int) -> int:
    """How much orbit a is later than orbit b on the wrapping counter: -2**31 .. 2**31 - 1."""
    return (a - b + 2**31) % ORBITS - 2**31


@dataclass(frozen=True)
class Slice:
    """Lines in read order, and the orbits [from_orbit, to_orbit) they complete.

    `epoch` counts from 0 and is -1 where no epoch has begun; then both orbits are 0. `split` says
    that the last orbit was closed by force.
    """

    from_orbit: int
    to_orbit: int
    epoch: int
    split: bool
    lines: list[bytes]

    def __post_init__(self):
        for orbit in (self.from_orbit, self.to_orbit):
            if not 0 <= orbit < ORBITS:
                raise ValueError(f"a slice's orbits must be in 0..2**32 - 1, got {orbit}; wrap them first")


class Line(NamedTuple):
    """One line as read; `orbit` only where it is a hit."""

    number: int
    text: bytes
    size_bytes: int
    orbit: int | None

    @classmethod
    def of(cls, number: int, text: bytes) -> "Line":
        row = classify(text)
        return cls(number, text, len(text) + 1, row.orbit if row.kind == "hit" else None)


@dataclass
class Pile:
    """Lines and how many bytes they are."""

    lines: list[Line] = field(default_factory=list)
    size_bytes: int = 0

    def put(self, *lines: Line) -> None:
        for line in lines:
            self.lines.append(line)
            self.size_bytes += line.size_bytes

    def take(self, wanted: Callable[[Line], bool] = lambda _: True) -> list[Line]:
        """Remove the wanted lines and return them."""
        taken = []
        everything, self.lines, self.size_bytes = self.lines, [], 0
        for line in everything:
            if wanted(line):
                taken.append(line)
            else:
                self.put(line)
        return taken


class Slicer:
    """The rows read and not yet cut, and the slices cut so far."""

    def __init__(self, lag_rows: int, size_bytes: int, carry_max_bytes: int):
        self.lag_rows, self.size_bytes, self.carry_max_bytes = lag_rows, size_bytes, carry_max_bytes
        self.slices: list[Slice] = []
        self.epoch = NO_EPOCH
        self.to: int | None = None
        self.edge: int | None = None
        self.new_epoch = False  # the edge begins anew
        self.window: list[int] = []
        self.riding = Pile()  # what goes out with the next slice, whatever its orbits
        self.closed = Pile()  # hits from `to` up to the edge
        self.waiting = Pile()  # hits from the edge on
        self.held = Pile()

    def feed(self, line: Line) -> None:
        """Take one line, then cut what has become too much or is enough."""
        self.take_in(line)
        while self.waiting.size_bytes + self.held.size_bytes > self.carry_max_bytes:
            self.relieve()
        if self.riding.size_bytes + self.closed.size_bytes >= self.size_bytes:
            self.cut(self.edge)

    def age(self) -> None:
        """Cut what is closed: the slice being filled has become old."""
        if self.riding.lines or self.closed.lines:
            self.cut(self.edge)

    def end(self) -> None:
        """Close everything: the source has ended."""
        if self.to is None and self.held.lines:
            self.vote()
        self.riding.put(*self.held.take())
        if self.to is not None:
            self.close_all()
        elif self.riding.lines:
            self.cut(None)

    def take_in(self, line: Line) -> None:
        if line.orbit is None:
            self.riding.put(line)
        elif self.edge is not None and abs(serial(line.orbit, self.edge)) <= NEAR:
            self.accept(line)
        else:
            self.held.put(line)
            if len(self.held.lines) >= self.lag_rows:
                self.vote()

    def accept(self, hit: Line) -> None:
        """Take a hit near the edge; it shows that the held ones were wrong."""
        self.riding.put(*self.held.take())
        if serial(hit.orbit, self.to) < 0:
            self.riding.put(hit)  # late: its orbit is cut already
            return
        self.waiting.put(hit)
        self.window = [*self.window, hit.orbit][-self.lag_rows :]
        if len(self.window) == self.lag_rows and serial(self.earliest(), self.to) > NEAR:
            self.cut(self.edge)
        self.find_edge()

    def vote(self) -> None:
        """Let the held hits decide whether a new epoch begins: more than half of them must agree."""

        def agreeing(candidate: Line) -> list[Line]:
            return [hit for hit in held if abs(serial(hit.orbit, candidate.orbit)) <= NEAR]

        held = self.held.take()
        group = max((agreeing(candidate) for candidate in held), key=len)  # the first of equals
        if 2 * len(group) <= len(held):
            self.let_go(held)
            return
        if self.to is not None:
            self.close_all()
        self.to = group[0].orbit
        for hit in group:
            if serial(hit.orbit, self.to) < 0:
                self.to = hit.orbit
        self.epoch += 1
        self.new_epoch = True
        self.find_edge()
        self.riding.put(*[hit for hit in held if hit not in group])
        for hit in group:
            self.accept(hit)

    def let_go(self, held: list[Line]) -> None:
        """Let held hits ride; without an epoch at once, since the first one may begin around them."""
        self.riding.put(*held)
        if self.to is None:
            self.cut(None)

    def relieve(self) -> None:
        """Make the rows that wait fewer: close the earliest open orbit by force, else let go the held."""
        if not self.waiting.lines:
            self.let_go(self.held.take())
            return
        earliest = min((hit.orbit for hit in self.waiting.lines), key=lambda orbit: serial(orbit, self.edge))
        self.cut((earliest + 1) % ORBITS, split=True)

    def close_all(self) -> None:
        """Cut up to the newest orbit of the window; hits beyond it ride along, and are outside."""
        end = self.to
        for orbit in self.window:
            if serial(orbit, end) >= 0:
                end = (orbit + 1) % ORBITS
        for pile in (self.closed, self.waiting):
            self.riding.put(*pile.take(lambda hit: serial(hit.orbit, end) >= 0))
        self.window = []
        if self.riding.lines or self.closed.lines or self.waiting.lines:
            self.cut(end)

    def cut(self, at: int | None, split: bool = False) -> None:
        """End the slice being filled before orbit `at` (None: there is no epoch, so no orbit either)."""
        if self.riding.lines and at is not None and serial(at, self.to) > NEAR:
            self.cut(self.edge)
        lines = self.riding.take()
        for pile in (self.closed, self.waiting):
            lines += pile.take(lambda hit: serial(hit.orbit, at) < 0)
        texts = [line.text for line in sorted(lines)]  # by number: read order
        self.slices.append(Slice(self.to or 0, at or 0, self.epoch, split, texts))
        self.to = at
        self.find_edge()

    def earliest(self) -> int:
        return min(self.window, key=lambda orbit: serial(orbit, self.edge))

    def find_edge(self) -> None:
        """Find the edge anew, and sort the open hits into closed and waiting by it."""
        before = self.edge
        if self.to is None:
            return
        if self.edge is None or serial(self.edge, self.to) < 0 or self.new_epoch:
            self.edge, self.new_epoch = self.to, False
        if len(self.window) == self.lag_rows:
            earliest = self.earliest()
            if serial(earliest, self.edge) > 0:
                self.edge = earliest
        newest = self.waiting.lines[-1:]  # the only one that may lie before an edge that has not moved
        if self.edge != before or any(serial(hit.orbit, self.edge) < 0 for hit in newest):
            self.closed.put(*self.waiting.take(lambda hit: serial(hit.orbit, self.edge) < 0))


def cut(
    lines: Iterable[bytes],
    *,
    lag_rows: int = 64,
    size_bytes: int = 1024 * 1024,
    carry_max_bytes: int = 256 * 1024,
    line_max_bytes: int = LINE_MAX_BYTES,
) -> list[Slice]:
    r"""Cut lines (without their '\n', which counts as a byte all the same) into slices.

    A line of more than `line_max_bytes` is cut.
    """
    slicer = Slicer(lag_rows, size_bytes, carry_max_bytes)
    for number, line in enumerate(lines):
        slicer.feed(Line.of(number, limit(line, line_max_bytes)))
    slicer.end()
    return slicer.slices
