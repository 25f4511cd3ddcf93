"""Summary against the oracle, and single values by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from against_oracle import as_oracle
from cosmo.hits import read
from cosmo.statistics import Summary
from cosmo.timeslices import Limits, Timeslice, Clock, cut_lines
from oracle import summary as oracle
from oracle.rows import lines as split_lines
from oracle.timeslicer import Slice, cut
from sample_rows import NEAR, WRAP, hit, random_source, recording, scintillator
from unit.test_hits import LINE


def text_of(lines):
    return b"".join(line + b"\n" for line in lines)


def timeslice(lines, from_orbit=0, to_orbit=100, epoch=0, split=False):
    return Timeslice(from_orbit, to_orbit, epoch, split, text_of(lines), len(lines), 0.0, 0.0, Clock())


def of(lines, **limits):
    """Summary of lines through the product's timeslicer."""
    return Summary.of(cut_lines([read(text_of(lines))], Limits(**limits)))


def measured(lines, from_orbit=0, to_orbit=100):
    return Summary.of([timeslice(lines, from_orbit, to_orbit)])


@pytest.mark.parametrize("name", ["minidt_cosmics_74rows.txt", "minidt_beam_67000rows.csv.gz"], ids=["cosmics", "beam"])
def test_recordings(name):
    data = recording(name)
    assert as_oracle(Summary.of(cut_lines([read(data)], Limits()))) == oracle.of_file_bytes(data)


@settings(max_examples=150)
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
    st.one_of(st.integers(0, 20), st.integers(WRAP - 20, WRAP - 1)), st.one_of(st.integers(0, 30), st.just(NEAR))
)
near_hits = st.builds(
    hit,
    st.one_of(st.integers(0, 40), st.integers(WRAP - 30, WRAP - 1), st.sampled_from([NEAR, 2**31, NEAR + 30])),
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


@settings(max_examples=250)
@given(slices)
def test_random_rows_in_random_slices(pieces):
    found = Summary.of(map(in_product, pieces))
    assert as_oracle(found) == oracle.summary(pieces)
    one_by_one = Summary.empty()
    for piece in pieces:
        one_by_one += Summary.of([in_product(piece)])
    assert found == one_by_one


@settings(max_examples=150)
@given(st.lists(st.one_of(st.none(), st.binary(max_size=40), st.lists(LINE, max_size=5).map(b"\n".join)), max_size=6))
def test_random_unframed_records(records):
    found = Summary.of_unframed(records)
    expected = oracle.empty()
    for record in records:
        expected = oracle.add(expected, oracle.unframed(record))
    assert as_oracle(found) == expected


def drift_times(summary):
    """(chamber, bin) of all drift times; bin -1 is underflow, 0 is [-100, -99) ns, 600 is overflow."""
    values = summary.drift_time.values(flow=True)
    return [(int(c), int(b) - 1) for c, b in np.argwhere(values) for _ in range(int(values[c, b]))]


@pytest.mark.parametrize(
    ("channel", "bx", "tdc", "expected"),
    [
        # Scintillator at BX 100, TDC 0. One BX is 25 ns, one TDC count 25/30 ns; offset of chamber 0 is 93.9 ns.
        pytest.param((0, 5), 100, 0, (0, 193), id="93.9 ns"),
        pytest.param((0, 70), 100, 0, (1, 201), id="chamber 1: 101.4 ns"),
        pytest.param((1, 5), 100, 0, (2, 195), id="chamber 2: 95.5 ns"),
        pytest.param((1, 70), 100, 0, (3, 192), id="chamber 3: 92.4 ns"),
        pytest.param((0, 5), 99, 29, (0, 193 - 1), id="TDC 29 of the crossing before: 93.07 ns is the bin of 93, less"),
        pytest.param((0, 5), 100, 30, (0, 218), id="TDC 30 is 25 ns: 118.9 ns"),
        pytest.param((0, 5), 116, 7, (0, 599), id="499.73 ns is the last bin"),
        pytest.param((0, 5), 116, 8, (0, 600), id="500.57 ns is overflow"),
        pytest.param((0, 5), 92, 8, (0, 0), id="-99.43 ns is the first bin"),
        pytest.param((0, 5), 92, 7, (0, -1), id="-100.27 ns is underflow"),
        pytest.param((0, 5), 3563, 30, (0, 600), id="last count of the orbit is overflow"),
        pytest.param((0, 5), 0, 0, (0, -1), id="first count of the orbit is underflow"),
    ],
)
def test_drift_time(channel, bx, tdc, expected):
    summary = measured([hit(10, *channel, bx, tdc), scintillator(10, 100, 0)])
    assert drift_times(summary) == [expected]
