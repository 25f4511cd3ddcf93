"""What the benchmark expects of passes over a file, against the oracle over all of their rows."""

import pytest

from benchmark.passes import Pass
from oracle import summary as oracle
from oracle.rows import lines
from oracle.timeslicer import ORBITS, cut
from sample_rows import hit, scintillator

N_ORBITS = 700  # more than there are blocks, so that they must become larger; twice more in three passes


def rows(first_orbit, orbits=N_ORBITS):
    text = []
    for i in range(orbits):
        orbit = (first_orbit + i) % ORBITS
        text += [
            hit(orbit, channel=i % 64, bx=i % 3000),
            hit(orbit, 1, channel=i % 100),
            b"0,1,2,3,4,5",
            b"bad",
        ]
        text += [scintillator(orbit)] * (i % 7 == 0)
    return b"\n".join(text) + b"\n"


@pytest.mark.parametrize("first_orbit", [1000, ORBITS - N_ORBITS - 500], ids=["plain", "wraps"])
@pytest.mark.parametrize("passes", [1, 3])
def test_passes_equal_the_oracle_over_all_rows(first_orbit, passes):
    one = Pass.of(rows(first_orbit))
    moved = b"".join(rows((first_orbit + k * N_ORBITS) % ORBITS) for k in range(passes))
    assert one.times(passes) == oracle.summary(cut(lines(moved)))


def test_passes_multiply_the_rows():
    one = Pass.of(rows(5, orbits=100))
    assert one.rows == 4 * 100 + 15
    assert one.times(7)["rows"] == 7 * one.rows
