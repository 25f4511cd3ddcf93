"""A timeslicer killed after any slice goes on from its clock and carry: nothing twice, nothing lost."""

import itertools
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import lru_cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmo.detector import ORBIT_MODULUS
from cosmo.hits import read
from cosmo.timeslices import NO_EPOCH, Clock, Limits, Timeslice, Timeslicer
from oracle.rows import classify
from sample_rows import NEAR, WRAP, hit, random_source

LAG = 8


@dataclass(frozen=True)
class Place:
    """How far the source has been read: what a producer writes beside each slice."""

    row: int = 0
    pass_number: int = 0
    shift: int = 0


@dataclass
class Stream:
    """The slices that were sent, in their order, each with the place after it."""

    sent: list[tuple[Timeslice, Place]] = field(default_factory=list)

    def play(self, lines, limits, passes, n_slices, cut_at):
        """Go on from the newest slice; die after `n_slices` more of them. True at the source's end."""
        newest, place = self.sent[-1] if self.sent else (None, Place())
        timeslicer = Timeslicer(limits, newest.clock, newest.carry) if newest else Timeslicer(limits)
        until = len(self.sent) + n_slices
        for slices in steps(timeslicer, lines, passes, place, cut_at):
            for piece in slices:
                self.sent.append(piece)
                if len(self.sent) == until:
                    return False
        return True


def steps(timeslicer, lines, passes, place, cut_at):
    """Yield the slices of each step: rows, cuts because of age, ends and beginnings of a pass."""
    while True:
        shifted = read(b"".join(shift(line, place.shift) + b"\n" for line in lines))
        stops = sorted({row for row in cut_at if place.row < row < len(lines)} | {len(lines)})
        for stop in stops:
            for timeslice, row in timeslicer.feed(shifted, place.row, stop):
                yield [(timeslice, replace(place, row=row))]
            place = replace(place, row=stop)
            if stop < len(lines):
                yield [(timeslice, place) for timeslice in timeslicer.cut()]
        yield [(timeslice, place) for timeslice in timeslicer.end()]
        if place.pass_number + 1 == passes:
            return
        clock = timeslicer.clock
        timeslicer.begin_pass()
        place = Place(0, place.pass_number + 1, (place.shift + clock.edge - clock.base) % ORBIT_MODULUS)


def shift(line, orbits):
    row = classify(line)
    return (
        hit((row.orbit + orbits) % WRAP, row.fpga, row.channel, row.bx, row.tdc)
        if row.kind == "hit"
        else line
    )


@lru_cache(maxsize=4096)
def without_orbit(line):
    """Name a hit, whatever its shift; its bunch crossing and TDC tell it from the others."""
    row = classify(line)
    return (row.fpga, row.channel, row.bx, row.tdc) if row.kind == "hit" else line


def played(lines, limits, passes=1, lives=(), cut_at=()):
    stream = Stream()
    for n_slices in lives:
        if stream.play(lines, limits, passes, n_slices, cut_at):
            return stream.sent
    assert stream.play(lines, limits, passes, 10**9, cut_at)
    return stream.sent


def check_rows(lines, passes, sent):
    found = Counter(without_orbit(line) for timeslice, _ in sent for line in timeslice.text.splitlines())
    assert found == Counter({name: passes * n for name, n in Counter(map(without_orbit, lines)).items()})


def check_tiling(sent):
    """Within an epoch each slice begins where the one before it ended."""
    for (before, _), (after, _) in itertools.pairwise(sent):
        assert after.epoch in (before.epoch, before.epoch + 1)
        if after.epoch == before.epoch:
            assert after.from_orbit == before.to_orbit


def check_carries(lines, sent):
    """At any slice: the rows sent and those in its carry are the rows read."""
    rows_sent, rows_read, n_read = Counter(), Counter(), 0
    for timeslice, place in sent:
        rows_sent.update(map(without_orbit, timeslice.text.splitlines()))
        carried = Counter(map(without_orbit, timeslice.carry.splitlines()))
        before, n_read = n_read, len(lines) * place.pass_number + place.row
        assert before <= n_read
        rows_read.update(without_orbit(lines[row % len(lines)]) for row in range(before, n_read))
        assert rows_sent + carried == rows_read
        assert timeslice.carry_rows == sum(
            classify(line).kind not in ("blank", "header") for line in timeslice.carry.splitlines()
        )


def check_sizes(lines, limits, sent):
    """Check that a slice and its carry stay within what the record limit is made for."""
    longest = max((len(line) for line in lines), default=0) + 20  # a shifted orbit may take more digits
    for timeslice, _ in sent:
        assert len(timeslice.text) < limits.slice_bytes + limits.carry_bytes + longest
        assert len(timeslice.carry) <= limits.carry_bytes + longest


def out_of_range(timeslice):
    """Names of the hits outside their slice's orbits."""
    rows = [classify(line) for line in timeslice.text.splitlines()]
    return {
        (row.fpga, row.channel, row.bx, row.tdc)
        for row in rows
        if row.kind == "hit" and (row.orbit - timeslice.from_orbit) % WRAP >= timeslice.orbits
    }


lives = st.lists(st.integers(1, 4), max_size=12)
moments = st.lists(st.integers(0, 200), max_size=4)
any_limits = st.builds(
    Limits,
    lag_rows=st.sampled_from([1, 3, LAG]),
    slice_bytes=st.sampled_from([1, 60, 400, 10**6]),
    carry_bytes=st.sampled_from([1, 60, 400, 10**6]),
)


@settings(max_examples=40)
@given(
    st.builds(
        random_source,
        seed=st.integers(0, 2**32),
        n_hits=st.integers(0, 60),
        epochs=st.integers(1, 2),
        wild=st.sampled_from([0.0, 0.05, 0.2]),
        near_wild=st.sampled_from([0.0, 0.05]),
        oversize_rows=st.sampled_from([0, 30]),
        stretch=st.sampled_from([1, 1, 2000]),
    ),
    any_limits,
    st.integers(1, 2),
    lives,
    moments,
)
def test_each_row_is_sent_once_whatever_happens(source, limits, passes, lives, moments):
    sent = played(source.lines, limits, passes, lives, moments)
    check_rows(source.lines, passes, sent)
    check_tiling(sent)
    check_carries(source.lines, sent)
    check_sizes(source.lines, limits, sent)


@settings(max_examples=50)
@given(
    seed=st.integers(0, 2**32),
    epochs=st.integers(1, 3),
    wild=st.sampled_from([0.0, 0.04]),
    slice_bytes=st.sampled_from([1, 100, 500, 10**6]),
    passes=st.integers(1, 3),
    lives=lives,
    moments=moments,
    stretch=st.sampled_from([1, 2000]),
)
def test_ordinary_hits_are_in_range_and_live_time_is_their_coverage(
    seed, epochs, wild, slice_bytes, passes, lives, moments, stretch
):
    source = random_source(seed, 60, 3, epochs, wild, stretch=stretch)
    check_coverage(source, Limits(LAG, slice_bytes), passes, lives, moments)


@settings(max_examples=3)
@given(seed=st.integers(0, 2**32), epochs=st.integers(1, 2), lives=lives)
def test_the_same_at_the_real_lag_and_disorder(seed, epochs, lives):
    check_coverage(random_source(seed, 500, 15, epochs, 0.02), Limits(64, 3000), 2, lives, [300, 301])


def check_coverage(source, limits, passes, lives, moments):
    sent = played(source.lines, limits, passes, lives, moments)
    check_rows(source.lines, passes, sent)
    check_tiling(sent)
    ordinary = {without_orbit(source.lines[place]) for place in source.ordinary}
    outside = set().union(*(out_of_range(timeslice) for timeslice, _ in sent))
    hits = {without_orbit(line) for line in source.lines if classify(line).kind == "hit"}
    assert outside == hits - ordinary
    assert sum(timeslice.orbits for timeslice, _ in sent) == passes * source.live_orbits


@pytest.mark.parametrize("after", range(40))
def test_killed_after_each_slice_around_an_epoch_change(after):
    lines = [hit(100, bx=i) for i in range(20)] + [hit(10**9 + i // 3, bx=100 + i) for i in range(40)]
    sent = played(lines, Limits(LAG, 60), lives=[after + 1])
    assert len(sent) >= 7
    check_rows(lines, 1, sent)
    assert [t.orbits for t, _ in sent if t.epoch == 0] == [1]
    assert sum(t.orbits for t, _ in sent) == 1 + 14  # 40 hits, three in an orbit: 14 orbits
    assert not any(out_of_range(t) for t, _ in sent)


def test_a_carry_over_lowered_limits_is_cut_with_the_next_call():
    carry = b"".join(hit(10 + i) + b"\n" for i in range(6))
    timeslicer = Timeslicer(Limits(2, 1), Clock(0, 10, 10), carry)
    assert timeslicer.oldest_release() == float("-inf")
    slices = timeslicer.cut()
    assert [(s.from_orbit, s.to_orbit, s.text) for s in slices] == [
        (10 + i, 11 + i, hit(10 + i) + b"\n") for i in range(4)
    ]
    assert slices[-1].carry == b"".join(hit(14 + i) + b"\n" for i in range(2))
    assert timeslicer.oldest_release() is None


def test_a_row_that_cuts_twice_and_a_kill_between_the_slices():
    # 39 bytes wait in three orbits; a line of 40 bytes more forces two of them out at once.
    lines = [hit(10, bx=0), hit(11, bx=1), hit(12, bx=2), b"2,0,5,13," + b"0" * 26 + b"3,1"]
    limits = Limits(LAG, 10**6, 55)
    clock = Clock(0, 10, 10)
    text = b"".join(line + b"\n" for line in lines)
    (first, after_first), (second, _) = Timeslicer(limits, clock).feed(read(text), 0, 4)
    assert (first.split, second.split, after_first) == (True, True, 4)
    again = Timeslicer(limits, first.clock, first.carry)
    (repeated,) = again.cut()
    assert (repeated.from_orbit, repeated.to_orbit, repeated.text) == (11, 12, lines[1] + b"\n")


def test_before_any_epoch_only_what_is_no_hit_is_cut():
    timeslicer = Timeslicer(Limits())
    timeslicer.feed(read(b"x\n" + hit(7) + b"\n"), 0, 2)
    (timeslice,) = timeslicer.cut()
    assert (timeslice.epoch, timeslice.from_orbit, timeslice.to_orbit) == (NO_EPOCH, 0, 0)
    assert (timeslice.text, timeslice.carry) == (b"x\n", hit(7) + b"\n")


def test_an_empty_slice_holds_the_state():
    timeslicer = Timeslicer(Limits(2))
    timeslicer.feed(read(b"".join(hit(orbit) + b"\n" for orbit in (10, 10, 11, 12))), 0, 4)
    timeslicer.cut()
    empty = timeslicer.empty_slice(5.0)
    assert (empty.from_orbit, empty.to_orbit, empty.rows, empty.text) == (11, 11, 0, b"")
    assert (empty.carry, empty.carry_rows) == (hit(11) + b"\n" + hit(12) + b"\n", 2)
    (last,) = Timeslicer(Limits(2), empty.clock, empty.carry).end()
    assert (last.from_orbit, last.to_orbit, last.rows) == (11, 13, 2)


def test_a_pass_goes_on_where_the_one_before_it_ended():
    lines = [hit(WRAP - 2, bx=1), hit(WRAP - 1, bx=2), hit(3 * NEAR, bx=3), hit(1, bx=4)]
    sent = played(lines, Limits(), passes=3)
    # Three of the 4 hits agree: orbits 2^32-2 to 1, that is 4; the next passes begin at orbits 2 and 6.
    assert [(t.from_orbit, t.to_orbit, t.epoch) for t, _ in sent] == [
        (WRAP - 2, 2, 0),
        (2, 6, 0),
        (6, 10, 0),
    ]
    assert [len(out_of_range(t)) for t, _ in sent] == [1, 1, 1]
