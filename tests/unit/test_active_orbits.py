"""Active channels against orbit: adds up to the same whatever the parts, and equals the oracle."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmo.active_orbits import MAX_BLOCKS, ActiveByOrbit
from oracle.summary import by_block

WRAP = 2**32
orbit = st.one_of(
    st.integers(0, 40),
    st.integers(WRAP - 40, WRAP - 1),
    st.integers(0, WRAP - 1),
    st.integers(10**6, 10**6 + 300),
)
active = st.integers(0, 64)
#: Single orbits, and hundreds in a row that fill the blocks.
single = st.lists(st.tuples(orbit, active, active), max_size=30)
ramp = st.builds(
    lambda first, n, step: [((first + i * step) % WRAP, i % 65, i % 3) for i in range(n)],
    orbit,
    st.integers(0, 600),
    st.sampled_from([1, 2, 3, 1000, 2**24 + 1]),
)
orbits = st.builds(lambda a, b: a + b, single, st.one_of(st.just([]), ramp))


def of(entries):
    counts = np.array([[a, b, 0, a] for _, a, b in entries], dtype=np.int64).reshape(-1, 4)
    return ActiveByOrbit.of(np.array([entry[0] for entry in entries], dtype=np.int64), counts)


def told(blocks):
    return {
        "log2_block": blocks.log2_orbits,
        "blocks": {
            int(b): [int(n), t.tolist(), m.tolist()]
            for b, n, t, m in zip(blocks.block, blocks.orbits, blocks.total, blocks.maximum, strict=True)
        },
    }


@settings(max_examples=60)
@given(orbits, orbits, orbits)
def test_addition(a, b, c):
    x, y, z = of(a), of(b), of(c)
    assert x + y == y + x
    assert (x + y) + z == x + (y + z) == of(a + b + c)
    assert x + ActiveByOrbit.empty() == x == of([]) + x


@settings(max_examples=50)
@given(orbits)
def test_equals_the_oracle(entries):
    found = of(entries)
    assert told(found) == by_block([(number, [a, b, 0, a]) for number, a, b in entries])
    assert (np.diff(found.block) > 0).all()
    assert len(found.block) <= MAX_BLOCKS


@pytest.mark.parametrize(
    ("numbers", "log2_orbits", "n_blocks"),
    [
        pytest.param([], 0, 0, id="nothing"),
        pytest.param(range(512), 0, 512, id="512 orbits fit"),
        pytest.param(range(513), 1, 257, id="513 do not"),
        pytest.param(range(1, 513), 0, 512, id="512 that are not aligned"),
        pytest.param(range(0, WRAP, 2**22), 23, 512, id="1024 orbits over the whole counter"),
        pytest.param([0, WRAP - 1], 0, 2, id="both ends"),
    ],
)
def test_block_size(numbers, log2_orbits, n_blocks):
    found = of([(number, 1, 0) for number in numbers])
    assert (found.log2_orbits, len(found.block), found.orbits.sum()) == (log2_orbits, n_blocks, len(numbers))


def test_addition_takes_the_larger_blocks_of_the_two():
    coarse, fine = of([(number, 1, 2) for number in range(1024)]), of([(1, 64, 0), (5000, 3, 0)])
    total = coarse + fine
    assert (total.log2_orbits, len(total.block)) == (2, 257)  # 512 blocks of 2 and one more: blocks of 4
    assert (total.orbits[0], total.total[0].tolist()) == (5, [68, 8, 0, 68])
    assert (total.maximum[0].tolist(), total.block[-1]) == ([64, 2, 0, 64], 1250)


def test_equality_sees_each_part():
    one = of([(10, 1, 2)])
    assert one == of([(10, 1, 2)])
    assert one != of([(11, 1, 2)])
    assert one != of([(10, 2, 2)])
    assert one != "blocks"
