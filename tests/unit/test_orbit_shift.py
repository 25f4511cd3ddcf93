"""A source played again: hits move along the orbit axis, everything else stays as it was."""

import numpy as np
import pytest

from cosmo.hits import read
from cosmo.orbit_shift import shifted


@pytest.mark.parametrize(
    ("text", "orbits", "expected"),
    [
        pytest.param(b"2,0,1,5,3,4\n", 7, b"2,0,1,12,3,4\n", id="a hit"),
        pytest.param(b"2,0,1,4294967295,3,4\n", 1, b"2,0,1,0,3,4\n", id="past the end of the counter"),
        pytest.param(b"2,0,1,5,3,4.0\r\n", 1, b"2,0,1,6,3,4.0\r\n", id="the rest of the line stays"),
        pytest.param(b"4,0,1,5,3,-0.5\n2,0,1,5,3,4\n", 1, b"4,0,1,5,3,-0.5\n2,0,1,6,3,4\n", id="ancillary"),
        pytest.param(
            b"2,0\n\nx\n2,0,1,5,3,4\n2,,1,5,3,4\n", 1, b"2,0\n\nx\n2,0,1,6,3,4\n2,,1,5,3,4\n", id="junk"
        ),
        pytest.param(b"2,0,1,005,3,4\n", 7, b"2,0,1,12,3,4\n", id="zeros before it"),
        pytest.param(b"2,0,1,5.000,3,4\n", 1, b"2,0,1,6,3,4\n", id="zeros after the point"),
        pytest.param(
            b"2,0,1,4294967290,3,4\nx\n2,0,1,99999,3,4\n2,0,1,4294967289,3,4\n2,0,1,12345678,3,4\n",
            6,
            b"2,0,1,0,3,4\nx\n2,0,1,100005,3,4\n2,0,1,4294967295,3,4\n2,0,1,12345684,3,4\n",
            id="longer, shorter and as long",
        ),
        pytest.param(b"x\n", 1, b"x\n", id="no hit"),
        pytest.param(b"", 1, b"", id="nothing"),
    ],
)
def test_only_the_orbits_of_hits_change(text, orbits, expected):
    lines = shifted(read(text), orbits)
    assert lines.text == expected
    again = read(expected)
    assert np.array_equal(lines.ends, again.ends)
    assert np.array_equal(lines.orbit[lines.is_hit], again.orbit[again.is_hit])


@pytest.mark.parametrize("orbits", [0, 1, 987_654_321, 2**32 - 1])
def test_numbers_of_every_length_move_as_they_do_one_by_one(orbits):
    lengths = [10**power + step for power in range(10) for step in (-1, 0, 1)]
    before = [*lengths, 2**32 - 2, 2**32 - 1]
    row = "2,1,128,{},3563,29\n".format
    moved = shifted(read("".join(map(row, before)).encode()), orbits)
    assert moved.text.decode() == "".join(row((orbit + orbits) % 2**32) for orbit in before)
