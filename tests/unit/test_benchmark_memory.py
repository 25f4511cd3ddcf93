"""Memory over time: how far it moves at the end."""

import math

import pytest

from benchmark.memory import Memory


def test_only_the_last_seconds_count():
    memory = Memory([0.0, 100.0, 200.0, 300.0], [10.0, 100.0, 95.0, 98.0])
    assert memory.spread(200.0) == pytest.approx(0.05)
    assert memory.spread(300.0) == pytest.approx(0.9)


def test_a_process_without_memory_is_not_measured():
    assert math.isnan(Memory([0.0], [0.0]).spread(10.0))
