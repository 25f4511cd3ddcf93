"""Slice numbers: a union that knows its gaps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosmo.slice_numbers import SliceNumbers

#: Numbers of a topic with 3 partitions, by partition.
number_sets = st.sets(st.integers(0, 60))


def of(numbers, partitions=3):
    total = SliceNumbers()
    for partition in range(partitions):
        total += SliceNumbers.of(partitions, partition, [n for n in numbers if n % partitions == partition])
    return total


@given(number_sets, number_sets, number_sets)
def test_addition_is_a_union(a, b, c):
    assert of(a) + of(b) == of(b) + of(a) == of(a | b)
    assert (of(a) + of(b)) + of(c) == of(a) + (of(b) + of(c))
    assert of(a) + SliceNumbers() == of(a) == SliceNumbers() + of(a)
    assert of(a) + of(a) == of(a)


@given(number_sets)
def test_missing_numbers_are_those_below_the_highest_of_their_partition(numbers):
    found = of(numbers)
    highest = {p: max(n for n in numbers if n % 3 == p) for p in range(3) if any(n % 3 == p for n in numbers)}
    missing = [n for n in range(61) if n not in numbers and n < highest.get(n % 3, 0)]
    assert found.highest == highest
    assert found.missing_numbers() == missing
    assert (found.missing, found.count) == (len(missing), len(numbers))


@pytest.mark.parametrize(
    ("partitions", "partition", "numbers", "seen"),
    [
        pytest.param(1, 0, [], (), id="nothing"),
        pytest.param(1, 0, [0, 1, 2], ((0, 2),), id="in a row"),
        pytest.param(2, 1, [1, 3, 7], ((0, 1), (3, 3)), id="a gap"),
        pytest.param(2, 0, [6, 0, 2, 2], ((0, 1), (3, 3)), id="in any order, with a repeat"),
    ],
)
def test_intervals(partitions, partition, numbers, seen):
    found = SliceNumbers.of(partitions, partition, numbers)
    assert found.seen.get(partition, ()) == seen


def test_a_partition_is_compared_only_with_itself():
    found = SliceNumbers.of(2, 0, [0, 2, 4]) + SliceNumbers.of(2, 1, [1])
    assert (found.missing, found.highest) == (0, {0: 4, 1: 1})


def test_a_limited_list_of_missing_numbers():
    found = SliceNumbers.of(2, 0, [10**9]) + SliceNumbers.of(2, 1, [1, 7])
    assert found.missing_numbers(limit=2) == [0, 2, 3, 5]
    assert found.missing == 500_000_000 + 2


def test_another_number_of_partitions_is_refused():
    with pytest.raises(ValueError, match="2 partitions, got 3; a topic's partitions do not change in a run"):
        SliceNumbers.of(2, 0, [0]) + SliceNumbers.of(3, 0, [0])
