"""Summary is a value that adds up: cutting, order and place change nothing."""

import itertools
import random

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cosmo.hits import read
from cosmo.slice_numbers import SliceNumbers
from cosmo.statistics import Summary
from cosmo.timeslices import Limits, Timeslicer, cut_lines
from oracle.rows import classify
from sample_rows import hit, random_source

summaries = st.builds(
    lambda source, numbers: _with_numbers(of(source.lines, 8, 300), numbers),
    st.builds(random_source, seed=st.integers(0, 999), n_hits=st.integers(0, 40), start=st.just(100)),
    st.lists(st.integers(0, 20), max_size=4),
)


def of(lines, lag_rows=8, slice_bytes=10**6, moments=()):
    """Measure lines, with a cut because of age after some of them."""
    rows = read(b"".join(line + b"\n" for line in lines))
    timeslicer, slices = Timeslicer(Limits(lag_rows, slice_bytes)), []
    for first, last in itertools.pairwise([0, *sorted(moments), len(rows)]):
        slices += [timeslice for timeslice, _ in timeslicer.feed(rows, first, min(last, len(rows)))]
        slices += timeslicer.cut() if last < len(rows) else []
    return Summary.of(slices + timeslicer.end())


def _with_numbers(summary, numbers):
    on_partition_0 = [number // 2 * 2 for number in numbers]
    return summary + _numbered(SliceNumbers.of(2, 0, on_partition_0))


def _numbered(numbers):
    empty = Summary.empty()
    return Summary(
        empty.occupancy,
        empty.scintillator_occupancy,
        empty.active_channels,
        empty.drift_time,
        empty.active_by_orbit,
        repeated_slices=2,
        foreign_slices=3,
        numbers=numbers,
    )


@settings(max_examples=25)
@given(summaries, summaries, summaries)
def test_addition(a, b, c):
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert a + Summary.empty() == a == Summary.empty() + a


def test_summaries_of_other_rows_differ():
    one, other = of([hit(10)] * 9), of([hit(10)] * 8 + [hit(10, channel=6)])
    assert one != other
    assert one.rows == other.rows == 9


def test_addition_changes_neither_side():
    a, b = of([hit(10)] * 9), of([hit(11)] * 9)
    a_before, b_before = of([hit(10)] * 9), of([hit(11)] * 9)
    assert (a + b).rows == 18
    assert (a, b) == (a_before, b_before)


clean = st.builds(
    random_source,
    seed=st.integers(0, 2**32),
    n_hits=st.integers(20, 150),
    disorder=st.integers(0, 3),
    epochs=st.integers(1, 2),
)


@settings(max_examples=40)
@given(clean, st.integers(1, 3000))
def test_cutting_anywhere_between_orbits_changes_nothing(source, slice_bytes):
    assert of(source.lines, slice_bytes=slice_bytes) == of(source.lines)


sparse = st.builds(
    random_source,
    seed=st.integers(0, 2**32),
    n_hits=st.integers(100, 400),
    wild=st.sampled_from([0.02, 0.05]),
    stretch=st.sampled_from([300, 2000]),
)


@settings(max_examples=60)
@given(sparse, st.sampled_from([1, 1000, 10**6, 10**6]), st.lists(st.integers(0, 400), max_size=2))
def test_wild_hits_among_sparse_ones_are_outside_however_rows_are_cut(source, slice_bytes, moments):
    hits = [place for place, line in enumerate(source.lines) if classify(line).kind == "hit"]
    assume(source.ordinary.issuperset(hits[:16]))  # else the epoch may begin with a wild one
    summary = of(source.lines, slice_bytes=slice_bytes, moments=moments)
    assert summary.late + summary.clock_jump == len(hits) - len(source.ordinary)
    assert summary.live_orbits == source.live_orbits
    assert inside(summary) == inside(of([source.lines[place] for place in sorted(source.ordinary)]))


def inside(summary):
    """Return what only hits in the orbits of their slices are counted in."""
    names = ("active_channels", "scintillator_occupancy", "drift_time", "active_by_orbit")
    return [getattr(summary, name) for name in names]


one_epoch = st.builds(random_source, seed=st.integers(0, 2**32), n_hits=st.integers(20, 150))


@settings(max_examples=40)
@given(one_epoch, st.integers(0, 2**32))
def test_disorder_within_what_is_allowed_changes_nothing(source, seed):
    rng = random.Random(seed)
    places = sorted(range(len(source.lines)), key=lambda i: (i + rng.randint(0, 2), i))
    assert of([source.lines[i] for i in places], slice_bytes=200) == of(source.lines)


@settings(max_examples=25)
@given(clean, st.integers(0, 2**32), st.integers(1, 4))
def test_spreading_over_partitions_changes_nothing(source, seed, partitions):
    text = b"".join(line + b"\n" for line in source.lines)
    slices = list(cut_lines([read(text)], Limits(8, 200)))
    rng = random.Random(seed)
    parts = [[] for _ in range(partitions)]
    for timeslice in slices:
        rng.choice(parts).append(timeslice)
    total = Summary.empty()
    for part in parts:
        rng.shuffle(part)
        total += Summary.of(part)
    assert total == Summary.of(slices)


@settings(max_examples=25)
@given(clean)
def test_each_row_is_in_exactly_one_place(source):
    summary = of(source.lines, slice_bytes=300)
    counted = summary.rows + summary.header_lines + summary.blank_lines
    assert counted == len(source.lines)
    assert (summary.late, summary.clock_jump) == (0, 0)
    assert summary.active_channels.values().sum(axis=1).tolist() == [summary.active_by_orbit.orbits.sum()] * 4
    assert summary.drift_time.sum(flow=True) == summary.scintillator_occupancy.sum()
    assert summary.occupancy.sum() == summary.hits.sum()
