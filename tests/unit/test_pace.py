"""The pace of rows: exact at a rate, by the orbit clock as recorded, and never a burst after a pause."""

import math
import random

import numpy as np
import pytest

from cosmo.detector import ORBIT_S
from cosmo.hits import read
from cosmo.pace import MOST_BEHIND_S, RecordedPace, SteadyPace, pace_of
from sample_rows import hit


def lines_of(*orbits):
    return read(b"".join(hit(orbit) + b"\n" for orbit in orbits))


def released_at(pace, lines, ticks):
    """Return the time at which each row was released, looking at every tick."""
    pace.begin_block(lines)
    times = []
    for now in ticks:
        n = int(min(pace.due(now), len(lines) - len(times)))
        pace.release(n)
        times += [now] * n
    return times


def ticks_of_a_busy_machine(seconds, seed):
    """Return times up to `seconds`, 10 ms apart and up to 0.5 s late."""
    late = random.Random(seed)
    now, ticks = 0.0, []
    while now < seconds:
        now += 0.01 + (late.random() ** 20) * 0.5
        ticks.append(now)
    return ticks


@pytest.mark.parametrize("rows_per_s", [100, 1_100, 33_333.3, 1_000_000])
def test_a_rate_is_kept_within_one_percent_over_any_ten_seconds(rows_per_s):
    pace = SteadyPace(rows_per_s, 0.0)
    ticks = np.array(ticks_of_a_busy_machine(60, seed=int(rows_per_s)))
    total = []
    for now in ticks:
        n = pace.due(now)
        pace.release(n)
        total.append(n)
    total = np.cumsum(total)
    starts = ticks[(ticks >= 1.0) & (ticks <= 50.0)]
    # What is released between two ticks belongs to the later one: looked at where the machine did look.
    first = np.searchsorted(ticks, starts, side="right") - 1
    last = np.searchsorted(ticks, starts + 10.0, side="right") - 1
    rates = (total[last] - total[first]) / (ticks[last] - ticks[first])
    assert np.abs(rates / rows_per_s - 1).max() < 0.01


def test_all_rows_are_due_at_the_maximum():
    pace = pace_of("maximum", 5.0)
    assert math.isinf(pace.due(5.0))
    assert pace.wait_s(5.0) == 0


def test_a_rate_must_be_one():
    with pytest.raises(ValueError, match="above 0 rows/s, got -1"):
        SteadyPace(-1, 0.0)


@pytest.mark.parametrize("pace", [SteadyPace(10, 0.0), RecordedPace(0.0)], ids=["steady", "recorded"])
def test_a_pause_is_not_made_up_for(pace):
    """Rows of 200 s, ten a second; nobody looks for 100 s; then at most one second's rows come at once."""
    orbits = (np.arange(2000) * 0.1 / ORBIT_S).astype(int)
    pace.begin_block(lines_of(*orbits))
    pace.release(int(pace.due(1.0)))
    assert 10 <= pace.due(101.0) <= 10 * MOST_BEHIND_S + 1


def test_rows_come_as_recorded():
    second = round(1 / ORBIT_S)
    lines = lines_of(7, 7, 7 + second, 7 + 3 * second)
    times = released_at(RecordedPace(100.0), lines, [100.0, 100.9, 101.1, 102.9, 103.1])
    assert times == [100.0, 100.0, 101.1, 103.1]


def test_slow_rows_come_as_recorded():
    orbits = (np.arange(70) * 5 / ORBIT_S).astype(int)  # one each 5 s
    times = released_at(RecordedPace(0.0), lines_of(*orbits), np.arange(0.0, 400.0, 0.5))
    assert times == pytest.approx(5 * np.arange(70), abs=0.51)


def test_the_time_until_the_next_row():
    pace = RecordedPace(0.0)
    pace.begin_block(lines_of(0, 10_000))
    pace.release(int(pace.due(0.0)))
    assert pace.wait_s(0.5) == pytest.approx(10_000 * ORBIT_S - 0.5)


@pytest.mark.parametrize(
    "orbits",
    [
        pytest.param([0, 1, 2_000_000_000, 2, 3], id="one far hit"),
        pytest.param([2_000_000_000, 0, 1, 2, 3], id="a far hit at the beginning"),
        pytest.param([0, 1, 900_000, 2, 3], id="one hit not so far"),
        pytest.param([900_000, 0, 1, 2, 3], id="the first hit not so far ahead"),
        pytest.param([0, *range(900_000, 900_007)], id="the first hit not so far behind"),
        pytest.param([9, 0, 5, *range(900_000, 900_021)], id="three stale hits of 24"),
        pytest.param([0, 1, 3_000_000_000, 3_000_000_001, 3_000_000_002], id="a jump of the clock"),
        pytest.param([2**32 - 2, 2**32 - 1, 0, 1, 2], id="the wrap of the counter"),
        pytest.param([1, 0, 3, 2, 4], id="disorder"),
    ],
)
def test_what_is_odd_holds_up_nobody(orbits):
    lines = lines_of(*orbits)
    assert len(released_at(RecordedPace(0.0), lines, [0.0, 21 * ORBIT_S])) == len(orbits)


def test_other_rows_go_with_the_hit_before_them():
    second = round(1 / ORBIT_S)
    text = b"4,0,0,3999999999,0,-1.5\n" + hit(0) + b"\nrubbish\n" + hit(second) + b"\n1,0,0,5,0,0\n"
    times = released_at(RecordedPace(0.0), read(text), [0.0, 0.5, 1.1])
    assert times == [0.0, 0.0, 0.0, 1.1, 1.1]


def test_time_goes_on_from_block_to_block_and_from_the_middle_of_one():
    second = round(1 / ORBIT_S)
    pace = RecordedPace(0.0)
    assert released_at(pace, lines_of(0, second), [0.0, 1.01]) == [0.0, 1.01]
    assert released_at(pace, lines_of(2 * second), [1.5, 2.01]) == [2.01]
    pace.begin_block(lines_of(0, 2 * second, 3 * second), row=2)
    assert pace.wait_s(2.5) == pytest.approx(0.5, abs=0.01)
