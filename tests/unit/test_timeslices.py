"""Timeslices against the oracle's, exactly, and however the rows are fed."""

import itertools
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmo.hits import read
from cosmo.timeslices import Limits, Timeslicer, cut_lines
from oracle import timeslicer as oracle
from sample_rows import NEAR, WRAP, hit, random_source

SCALED = Limits(lag_rows=8, slice_bytes=300, carry_bytes=900)
REAL = Limits()

sources = st.builds(
    random_source,
    seed=st.integers(0, 2**32),
    n_hits=st.integers(0, 80),
    disorder=st.integers(0, 15),
    epochs=st.integers(1, 3),
    wild=st.sampled_from([0.0, 0.0, 0.03, 0.2]),
    near_wild=st.sampled_from([0.0, 0.0, 0.05]),
    other=st.sampled_from([0.0, 0.15, 0.3]),
    oversize_rows=st.sampled_from([0, 0, 40]),
    stretch=st.sampled_from([1, 1, 500, 2000]),
)
limits = st.builds(
    Limits,
    lag_rows=st.sampled_from([1, 2, 3, 8, 64]),
    slice_bytes=st.sampled_from([1, 40, 300, 2000, 10**6]),
    carry_bytes=st.sampled_from([1, 60, 400, 1500, 10**6]),
)


def text_of(lines):
    return b"".join(line + b"\n" for line in lines)


def told(slices):
    return [(s.from_orbit, s.to_orbit, s.epoch, s.split, s.text) for s in slices]


def expected_of(slices):
    return [(s.from_orbit, s.to_orbit, s.epoch, s.split, text_of(s.lines)) for s in slices]


def expected(lines, limits):
    return expected_of(
        oracle.cut(
            lines,
            lag_rows=limits.lag_rows,
            size_bytes=limits.slice_bytes,
            carry_max_bytes=limits.carry_bytes,
        )
    )


def cut_at_once(lines, limits):
    return list(cut_lines([read(text_of(lines))], limits))


@settings(max_examples=150)
@given(sources, limits)
def test_slices_are_those_of_the_oracle(source, limits):
    assert told(cut_at_once(source.lines, limits)) == expected(source.lines, limits)


@settings(max_examples=5)
@given(
    st.integers(0, 2**32),
    st.sampled_from([0.0, 0.02]),
    st.sampled_from([0.0, 0.01]),
    st.integers(1, 2),
    st.sampled_from([REAL, Limits(64, 6000, 3000)]),
)
def test_slices_are_those_of_the_oracle_at_real_lag(seed, wild, near_wild, epochs, limits):
    source = random_source(seed, 1500, 15, epochs, wild, near_wild, oversize_rows=200)
    assert told(cut_at_once(source.lines, limits)) == expected(source.lines, limits)


orbits = st.one_of(
    st.integers(0, 12),
    st.integers(WRAP - 5, WRAP - 1),
    st.sampled_from([NEAR, NEAR + 1, NEAR + 2, 2 * NEAR, 2 * NEAR + 1, 10**9, 2**31, 2**31 - 1, 2**31 + 1]),
)
any_line = st.one_of(
    orbits.map(hit), orbits.map(hit), orbits.map(hit), st.sampled_from([b"", b"x", b"4,0,0,1,0,1"])
)


@settings(max_examples=200)
@given(st.lists(any_line, max_size=60), limits)
def test_any_orbits_in_any_order(lines, limits):
    assert told(cut_at_once(lines, limits)) == expected(lines, limits)


steps = st.sampled_from(
    [0, 0, 1, 1, -1, NEAR // 64, NEAR // 3, NEAR // 2, NEAR - 1, NEAR, NEAR + 1, -NEAR - 1]
)


@settings(max_examples=200)
@given(st.lists(steps, max_size=60), st.sampled_from([0, WRAP - NEAR]), limits)
def test_orbits_far_apart(gone, start, limits):
    lines = [hit((start + orbit) % WRAP) for orbit in itertools.accumulate(gone)]
    slices = cut_at_once(lines, limits)
    assert told(slices) == expected(lines, limits)
    assert all(piece.orbits <= 2 * NEAR + 1 for piece in slices)


def test_a_slice_of_orbits_without_rows_has_the_release_of_the_row_that_cut_it():
    # Of a lag of 3 and a carry of 100 bytes: nine rows of an orbit are split, then nothing is there for long.
    early, late = [hit(0)] * 9 + [hit(NEAR - 2)] * 3, [hit(NEAR + 8)] * 3
    timeslicer = Timeslicer(Limits(3, 10**6, 100))
    timeslicer.feed(read(text_of(early)), 0, len(early), release=1.0)
    ((piece, row),) = timeslicer.feed(read(text_of(late)), 0, len(late), release=2.0)
    assert (piece.from_orbit, piece.to_orbit, piece.rows, row) == (1, NEAR - 2, 0, 3)
    assert (piece.first_release, piece.last_release, piece.carry) == (2.0, 2.0, text_of(early[9:] + late))


@settings(max_examples=40)
@given(sources, limits, st.data())
def test_slices_do_not_depend_on_how_rows_are_fed(source, limits, data):
    lines = read(text_of(source.lines))
    marks = st.lists(st.integers(0, len(lines)), max_size=8)
    reads, feeds = sorted(data.draw(marks)), data.draw(marks)
    timeslicer, slices = Timeslicer(limits), []
    for first, last in itertools.pairwise([0, *reads, len(lines)]):
        block = read(text_of(source.lines[first:last]))
        inner = sorted(mark - first for mark in feeds if first <= mark <= last)
        for start, stop in itertools.pairwise([0, *inner, len(block)]):
            slices += [timeslice for timeslice, _ in timeslicer.feed(block, start, stop)]
    slices += timeslicer.end()
    at_once = cut_at_once(source.lines, limits)
    assert told(slices) == told(at_once)
    assert [(s.clock, s.carry, s.carry_rows) for s in slices] == [
        (s.clock, s.carry, s.carry_rows) for s in at_once
    ]


@settings(max_examples=30)
@given(sources, limits)
def test_rows_one_by_one_make_the_same_slices(source, limits):
    lines = read(text_of(source.lines))
    timeslicer, one_by_one, together = Timeslicer(limits), [], Timeslicer(limits)
    for row in range(len(lines)):
        one_by_one += timeslicer.feed(lines, row, row + 1)
    assert one_by_one == together.feed(lines, 0, len(lines))
    assert timeslicer.pending_rows == together.pending_rows
    assert timeslicer.end() == together.end()


@settings(max_examples=30)
@given(sources, limits, st.lists(st.integers(0, 200), max_size=6))
def test_a_cut_because_of_age_is_the_oracles(source, limits, moments):
    timeslicer, slices = Timeslicer(limits), []
    slicer = oracle.Slicer(limits.lag_rows, limits.slice_bytes, limits.carry_bytes)
    lines = read(text_of(source.lines))
    stops = sorted({moment for moment in moments if moment < len(lines)} | {len(lines)})
    for first, last in itertools.pairwise([0, *stops]):
        slices += [timeslice for timeslice, _ in timeslicer.feed(lines, first, last, release=first)]
        for number in range(first, last):
            slicer.feed(oracle.Line.of(number, source.lines[number]))
        if last in moments:
            slices += cut_when_old(timeslicer)
            slicer.age()
    slices += timeslicer.end()
    slicer.end()
    assert told(slices) == expected_of(slicer.slices)


def cut_when_old(timeslicer):
    """Cut, and check that the oldest release was announced."""
    oldest = timeslicer.oldest_release()
    slices = timeslicer.cut()
    assert [timeslice.first_release for timeslice in slices] == ([] if oldest is None else [oldest])
    assert timeslicer.oldest_release() is None
    return slices


@pytest.mark.parametrize("away", [NEAR, NEAR + 1, -NEAR, -NEAR - 1, 2**31 - 1, 2**31, 2**31 + 1])
@pytest.mark.parametrize("n_after", [1, 38], ids=["at the end", "followed by many"])
@pytest.mark.parametrize("edge", [NEAR + 50, 0, WRAP - 20], ids=["amid", "at the wrap", "before the wrap"])
def test_a_hit_just_near_or_just_far_amid_many(edge, away, n_after):
    # With a lag of 2, after orbits edge-29 to edge+1 the edge is `edge`.
    before = [hit((edge + i) % WRAP, bx=100 + i) for i in range(-29, 2)]
    after = [hit((edge + i) % WRAP, bx=100 + i) for i in range(2, 2 + n_after)]
    lines = [before[0], *before, hit((edge + away) % WRAP), *after]
    limits = Limits(lag_rows=2)
    slices = cut_at_once(lines, limits)
    assert told(slices) == expected(lines, limits)
    assert len(slices) == 1


def test_an_early_hit_does_not_open_closed_orbits_again():
    lines = read(text_of([hit(orbit) for orbit in (10, 10, *range(11, 57), 20, 20)]))
    timeslicer = Timeslicer(Limits(lag_rows=2))
    timeslicer.feed(lines, 0, len(lines))
    (timeslice,) = timeslicer.cut()
    # The last two hits before the early ones were 55 and 56; 10 and 20 are there twice more.
    assert (timeslice.from_orbit, timeslice.to_orbit, timeslice.rows) == (10, 55, 45 + 3)


@pytest.mark.parametrize(("lag_rows", "carry_kib"), [(4096, 256), (1129, 64)])
def test_the_longest_lags_of_the_settings_split_nothing(lag_rows, carry_kib):
    # Of orbits of 100 rows, as in beam, each row as long as a usual one may be.
    lines = [hit(4 * 10**9 + i // 100, 1, 100, 1000 + i % 2000, 20) for i in range(3 * lag_rows)]
    assert len(lines[0]) + 1 >= 25
    slices = cut_at_once(lines, Limits(lag_rows, 2**20, 1024 * carry_kib))
    assert not any(piece.split for piece in slices)
    assert sum(piece.orbits for piece in slices) == -(-3 * lag_rows // 100)


def test_deciding_on_many_held_hits_takes_little_memory():
    lines = read(text_of([hit(i * 2 * NEAR % WRAP) for i in range(4096)]))  # no majority among them
    timeslicer = Timeslicer(Limits(lag_rows=4096))
    timeslicer.feed(lines, 0, 4095)
    tracemalloc.start()
    ((piece, _),) = timeslicer.feed(lines, 4095, 4096)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (piece.rows, piece.carry_rows, piece.epoch) == (4096, 0, -1)  # they were let go
    assert peak_bytes < 4 << 20


@pytest.mark.parametrize(
    ("values", "name"),
    [((0, 1, 1), "lag_rows=0"), ((1, 0, 1), "slice_bytes=0"), ((1, 1, -1), "carry_bytes=-1")],
    ids=["lag", "slice", "carry"],
)
def test_limits_are_positive(values, name):
    with pytest.raises(ValueError, match=name):
        Limits(*values)


def test_releases_and_row_counts():
    timeslicer = Timeslicer(Limits(lag_rows=2, slice_bytes=50))
    text = text_of([b"HEAD,FPGA,TDC_CHANNEL,ORBIT_CNT,BX_COUNTER,TDC_MEAS", hit(10)])
    first = timeslicer.feed(read(text), 0, 2, release=5.0)
    # 52 bytes of header line ride already: a slice of no rows, before any epoch, with the held hit as carry.
    assert [(s.rows, s.carry_rows, s.carry, s.epoch, row) for s, row in first] == [(0, 0, b"", -1, 1)]
    later = text_of([b"", hit(10), hit(11), hit(12), b"4,0,0,1,0,1"])
    assert timeslicer.feed(read(later), 0, 5, release=7.0) == []
    assert (timeslicer.pending_rows, timeslicer.oldest_release()) == (5, 5.0)
    (timeslice,) = timeslicer.cut()
    # The last two hits are 11 and 12, so 10 is closed: its two hits, the blank line and the ancillary row.
    assert (timeslice.from_orbit, timeslice.to_orbit, timeslice.orbits) == (10, 11, 1)
    assert (timeslice.rows, timeslice.first_release, timeslice.last_release) == (3, 5.0, 7.0)
    assert (timeslice.carry, timeslice.carry_rows) == (text_of([hit(11), hit(12)]), 2)
