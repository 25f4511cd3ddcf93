"""The text of rows by look-up is what plain formatting gives."""

import numpy as np
import pytest

from cosmo.generator.text import FIFTH_NUMBERS, FOURTH_NUMBERS, text_of


def text(*rows):
    columns = np.array(rows, np.int64).reshape(-1, 6).T
    head, fpga, channel, orbit, bx, measure = columns
    return text_of(
        head.astype(np.int16),
        fpga.astype(np.int16),
        channel.astype(np.int16),
        orbit,
        bx.astype(np.int16),
        measure,
    )


@pytest.mark.parametrize(
    ("row", "line"),
    [
        pytest.param((2, 0, 0, 0, 0, 0), b"2,0,0,0,0,0\n", id="zeros"),
        pytest.param((2, 1, 139, 2**32 - 1, 3563, 29), b"2,1,139,4294967295,3563,29\n", id="largest hit"),
        pytest.param((3, 0, 0, 1000, 18504, 136), b"3,0,0,1000,18504,136\n", id="largest ancillary"),
        pytest.param((2, 0, 5, 7, 1, 2), b"2,0,5,7,1,2\n", id="orbit of one digit"),
        pytest.param((2, 0, 5, 70_007, 1, 2), b"2,0,5,70007,1,2\n", id="zeros inside the ones"),
        pytest.param((2, 0, 5, 5_000_000, 1, 2), b"2,0,5,5000000,1,2\n", id="zeros to the end"),
        pytest.param((4, 1, 0, 9, 0, FOURTH_NUMBERS[0]), b"4,1,0,9,0,-0.600098\n", id="HEAD 4, -2458/4096"),
        pytest.param((5, 1, 0, 9, 0, FIFTH_NUMBERS[0]), b"5,1,0,9,0,-70.000000\n", id="HEAD 5, -2240/32"),
        pytest.param((5, 1, 0, 9, 0, FIFTH_NUMBERS[-1]), b"5,1,0,9,0,70.000000\n", id="HEAD 5, 2240/32"),
    ],
)
def test_a_row(row, line):
    assert text(row) == line


def test_no_rows():
    assert text() == b""


def test_random_rows():
    rng = np.random.default_rng(1)
    orbit = rng.integers(0, 2**32, 5000) >> rng.integers(0, 33, 5000)
    rows = [(2, k % 2, k % 256, int(orbit[k]), k % 3564, k % 31) for k in range(5000)]
    assert text(*rows) == "".join(",".join(map(str, row)) + "\n" for row in rows).encode()
