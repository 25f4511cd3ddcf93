"""The order of rows."""

import numpy as np
import pytest

from cosmo.generator.readout import BLOCK_ROWS, MAX_DISORDER_ROWS, in_blocks


def read_out(*fpga):
    order, ends = in_blocks(np.array(fpga, np.int16))
    return order.tolist(), ends.tolist()


def disorder(order):
    """Return how many places a hit comes, at most, after the first sent that is later than it."""
    return max(
        (place - next(p for p, other in enumerate(order) if other >= hit) for place, hit in enumerate(order)),
        default=0,
    )


@pytest.mark.parametrize(
    ("fpga", "order", "ends"),
    [
        pytest.param((), [], [], id="nothing"),
        pytest.param((0, 0, 0, 0, 0), [0, 1, 2, 3, 4], [4, 5], id="one FPGA stays in order"),
        pytest.param((1, 0, 0, 0, 0, 1, 1, 1), [1, 2, 3, 4, 0, 5, 6, 7], [4, 8], id="the full block first"),
        pytest.param((1, 0, 0, 1), [1, 2, 0, 3], [2, 4], id="at the end blocks are sent as they are"),
    ],
)
def test_blocks_of_four(fpga, order, ends):
    assert read_out(*fpga) == (order, ends)


def test_a_hit_waits_for_its_block_up_to_the_bound():
    """The block of hits 0, 1, 2 is full with hit 16: hit 2 comes after 13 later hits and its two elders."""
    order, ends = read_out(1, 1, 1, *[0] * 13, 1)
    assert order == [*range(3, 16), 0, 1, 2, 16]
    assert ends == [4, 8, 12, 13, 17]
    assert disorder(order) == 15


def test_a_block_that_would_wait_longer_is_sent_short():
    """Hit 17 is the first too late for the block of hit 0: hits 0 and 1 go alone, as hit 1 comes."""
    order, ends = read_out(1, 1, *[0] * 15, 1, 1)
    assert order == list(range(19))
    assert ends == [2, 6, 10, 14, 17, 19]


def test_the_disorder_is_bounded_and_the_bound_is_reached():
    rng = np.random.default_rng(1)
    worst = [
        disorder(in_blocks((rng.random(300) < share).astype(np.int16))[0])
        for share in (0.02, 0.1, 0.2, 0.42)
        for _ in range(10)
    ]
    assert max(worst) == MAX_DISORDER_ROWS == 15


def test_every_hit_leaves_once_and_in_order_within_its_fpga():
    fpga = (np.random.default_rng(1).random(1000) < 0.42).astype(np.int16)
    order, ends = in_blocks(fpga)
    assert sorted(order) == list(range(1000))
    assert all((np.diff(order[fpga[order] == one]) > 0).all() for one in (0, 1))
    assert np.diff(ends, prepend=0).max() == BLOCK_ROWS
    assert ends[-1] == 1000
