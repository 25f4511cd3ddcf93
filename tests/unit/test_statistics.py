"""Summary against the oracle, and single values by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from against_oracle import as_oracle, oracle_of_recording
from cosmo.hits import read
from cosmo.statistics import Summary
from cosmo.timeslices import Clock, Limits, Timeslice, cut_lines
from nasty_rows import LINE
from oracle import summary as oracle
from oracle.timeslicer import Slice, cut
from sample_rows import NEAR, WRAP, hit, random_source, recording, scintillator


def text_of(lines):
    return b"".join(line + b"\n" for line in lines)


def timeslice(lines, from_orbit=0, to_orbit=100, epoch=0, split=False):
    return Timeslice(from_orbit, to_orbit, epoch, split, text_of(lines), len(lines), 0.0, 0.0, Clock())


def of(lines, **limits):
    """Summary of lines through the product's timeslicer."""
    return Summary.of(cut_lines([read(text_of(lines))], Limits(**limits)))


@pytest.mark.parametrize(
    "name", ["minidt_cosmics_74rows.txt", "minidt_beam_67000rows.csv.gz"], ids=["cosmics", "beam"]
)
def test_recordings(name):
    found = Summary.of(cut_lines([read(recording(name))], Limits()))
    assert as_oracle(found) == oracle_of_recording(name)


@settings(max_examples=60)
@given(
    st.builds(
        random_source,
        seed=st.integers(0, 2**32),
        n_hits=st.integers(0, 100),
        epochs=st.integers(1, 3),
        wild=st.sampled_from([0.0, 0.05]),
        near_wild=st.sampled_from([0.0, 0.05]),
        oversize_rows=st.sampled_from([0, 40]),
    ),
    st.sampled_from([1, 300, 10**6]),
    st.sampled_from([200, 10**6]),
)
def test_random_sources(source, slice_bytes, carry_bytes):
    expected = oracle.summary(
        cut(source.lines, lag_rows=8, size_bytes=slice_bytes, carry_max_bytes=carry_bytes)
    )
    found = of(source.lines, lag_rows=8, slice_bytes=slice_bytes, carry_bytes=carry_bytes)
    assert as_oracle(found) == expected


orbit_range = st.tuples(
    st.one_of(st.integers(0, 20), st.integers(WRAP - 20, WRAP - 1)),
    st.one_of(st.integers(0, 30), st.just(NEAR)),
)
near_hits = st.builds(
    hit,
    st.one_of(
        st.integers(0, 40), st.integers(WRAP - 30, WRAP - 1), st.sampled_from([NEAR, 2**31, NEAR + 30])
    ),
    st.sampled_from([0, 0, 1, 1, 2]),
    st.sampled_from([0, 5, 63, 64, 127, 128, 128, 138, 511]),
    st.sampled_from([0, 1, 100, 116, 3563]),
    st.integers(0, 30),
)
slices = st.lists(
    st.builds(
        lambda orbits, epoch, split, lines: Slice(orbits[0], sum(orbits) % WRAP, epoch, split, lines),
        orbit_range,
        st.sampled_from([-1, 0, 0, 1]),
        st.booleans(),
        st.lists(st.one_of(near_hits, near_hits, near_hits, LINE), max_size=15),
    ),
    max_size=6,
)


def in_product(piece):
    return timeslice(piece.lines, piece.from_orbit, piece.to_orbit, piece.epoch, piece.split)


@settings(max_examples=60)
@given(slices)
def test_random_rows_in_random_slices(pieces):
    found = Summary.of(map(in_product, pieces))
    assert as_oracle(found) == oracle.summary(pieces)
    one_by_one = Summary.empty()
    for piece in pieces:
        one_by_one += Summary.of([in_product(piece)])
    assert found == one_by_one


@settings(max_examples=40)
@given(
    st.lists(
        st.one_of(st.none(), st.binary(max_size=40), st.lists(LINE, max_size=5).map(b"\n".join)), max_size=6
    )
)
def test_random_unframed_records(records):
    found = Summary.of_unframed(records)
    expected = oracle.empty()
    for record in records:
        expected = oracle.add(expected, oracle.unframed(record))
    assert as_oracle(found) == expected


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([], id="no slice"),
        pytest.param([timeslice([], 0, 0, -1)], id="an empty slice without epoch"),
        pytest.param([timeslice([], 5, 5)] * 3, id="empty slices"),
    ],
)
def test_nothing(pieces):
    assert Summary.of(pieces) == Summary.empty()


@pytest.mark.parametrize(
    ("rows", "from_orbit", "to_orbit"),
    [
        pytest.param([hit(orbit, channel=orbit % 64) for orbit in range(3000)], 0, 3000, id="dense"),
        pytest.param(
            [
                line
                for i in range(300)
                for line in (hit(i * 1_000_003, channel=i % 64), scintillator(i * 1_000_003))
            ],
            0,
            10**9,
            id="sparse",
        ),
        pytest.param([hit((WRAP - 5 + i) % WRAP) for i in range(10)], WRAP - 5, 5, id="over the wrap"),
    ],
)
def test_dense_and_sparse_orbits(rows, from_orbit, to_orbit):
    piece = Slice(from_orbit, to_orbit, 0, False, rows)
    assert as_oracle(Summary.of([in_product(piece)])) == oracle.summary([piece])


def test_slices_are_measured_in_groups_that_add_up():
    rows = [hit(orbit, channel=orbit % 64) for orbit in range(1000)] * 70  # 1 MiB: three groups
    pieces = [timeslice(rows, 0, 1000, epoch) for epoch in range(3)]
    found = Summary.of(pieces)
    assert found == Summary.of(pieces[:1]) + Summary.of(pieces[1:])
    assert (found.rows, found.live_orbits) == (210_000, 3000)


@pytest.mark.parametrize("ends", [b"", b"\n"], ids=["without a last newline", "with a last newline"])
def test_slices_of_another_producer_may_lack_the_last_newline(ends):
    pieces = [
        Timeslice(orbit, orbit + 1, 0, False, hit(orbit) + ends, 1, 0.0, 0.0, Clock()) for orbit in (10, 20)
    ]
    found = Summary.of(pieces)
    assert (found.hits.tolist(), found.clock_jump, found.late) == ([2, 0, 0, 0], 0, 0)
    assert found.active_by_orbit.block.tolist() == [10, 20]


RANDOM_BYTES = np.random.default_rng(1).bytes(1 << 20)


@pytest.mark.parametrize(
    ("records", "malformed_slices", "rows"),
    [
        pytest.param([hit(10), scintillator(10) + b"\n"], 0, 2, id="one hit a record"),
        pytest.param([None], 1, 0, id="null"),
        pytest.param([b""], 0, 0, id="empty"),
        pytest.param([RANDOM_BYTES], 1, 0, id="1 MiB of random bytes"),
        pytest.param([hit(10), None, b"\xff", hit(11)], 2, 2, id="the others count all the same"),
        pytest.param([b"x" * (1 << 20)], 0, 1, id="1 MiB without a newline is a long line"),
    ],
)
def test_unframed(records, malformed_slices, rows):
    found = Summary.of_unframed(records)
    assert (found.malformed_slices, found.rows, found.unframed) == (malformed_slices, rows, rows)
    assert found.rows_in_slices == 0
    assert (found.live_orbits, found.drift_time.sum(flow=True), found.active_channels.sum()) == (0, 0, 0)


def test_a_slice_of_random_bytes_is_counted_by_reason():
    found = Summary.of([Timeslice(0, 9, 0, False, RANDOM_BYTES, 1, 0.0, 0.0, Clock())])
    assert found.rows == sum(found.malformed) > 1000
