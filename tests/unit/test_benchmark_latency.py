"""Latency of rows, weighed by rows, from slices and the results that cover them."""

import math

import numpy as np
import pytest

from benchmark.latency import MOMENTS, Published, RowLatencies, Sent, rows_between, weighted_percentiles


def test_percentiles_are_those_of_the_rows_not_of_the_slices():
    values, rows = np.array([3.0, 1.0, 2.0]), np.array([1.0, 98.0, 1.0])
    assert weighted_percentiles(values, rows, (50, 98, 99, 100)) == (1.0, 1.0, 2.0, 3.0)


def test_percentiles_of_nothing_are_not_a_number():
    assert all(math.isnan(value) for value in weighted_percentiles(np.zeros(0), np.zeros(0), (50, 95)))


def test_the_first_result_beyond_a_slice_covers_it():
    sent = [Sent(0, 4, 10, 100.0, 100.0), Sent(0, 5, 30, 101.0, 101.0), Sent(1, 0, 60, 101.0, 101.0)]
    published = [
        Published({0: 5, 1: 0}, 102.0),
        Published({0: 6, 1: 0}, 103.0),
        Published({0: 6, 1: 1}, 104.0),
    ]
    latencies = RowLatencies.of(sent, published)
    by_latency = {2.0: 20.0, 3.0: 60.0}  # slices at offsets 4 and 5 of partition 0: 2 s each; the other: 3 s
    by_latency[2.0] = 10.0 + 30.0
    for latency, rows in by_latency.items():
        assert latencies.rows[latencies.latency_s == latency].sum() == pytest.approx(rows)


def test_a_slice_not_covered_yet_is_left_out():
    latencies = RowLatencies.of([Sent(0, 5, 10, 1.0, 2.0)], [Published({0: 5}, 3.0)])
    assert len(latencies.rows) == 0
    assert math.isnan(latencies.growth)


def test_rows_of_a_slice_were_released_evenly():
    latencies = RowLatencies.of([Sent(0, 0, 160, 0.0, 1.0)], [Published({0: 1}, 1.0)])
    assert latencies.rows.sum() == pytest.approx(160)
    assert latencies.percentiles_ms((50,))[0] == pytest.approx(500, abs=1000 / MOMENTS)
    assert latencies.between(0.5, 9.0).rows.sum() == pytest.approx(80)


def test_growth_is_the_share_that_piles_up():
    sent = [Sent(0, i, 10, float(i), float(i)) for i in range(20)]
    published = [Published({0: i + 1}, 1.25 * i + 0.1) for i in range(20)]
    assert RowLatencies.of(sent, published).growth == pytest.approx(0.25)


def test_rows_of_a_span_take_slices_at_its_edges_in_part():
    sent = [Sent(0, 0, 100, 0.0, 1.0), Sent(0, 1, 100, 1.0, 2.0), Sent(0, 2, 0, 1.0, 1.0)]
    assert rows_between(sent, 0.5, 2.0) == pytest.approx(150)
