"""Targets of the benchmark, and how they are told."""

import math

import pytest

from benchmark.verdicts import Verdict, most_once_behind, ratio


@pytest.mark.parametrize(
    ("measured", "at_least", "met"),
    [
        pytest.param(0.5, True, True, id="on the bound from above"),
        pytest.param(0.49, True, False, id="too little"),
        pytest.param(0.5, False, True, id="on the bound from below"),
        pytest.param(0.51, False, False, id="too much"),
        pytest.param(math.nan, True, False, id="not measured, at least"),
        pytest.param(math.nan, False, False, id="not measured, at most"),
    ],
)
def test_a_target_is_met_or_not(measured, at_least, met):
    assert Verdict("rate", measured, 0.5, at_least=at_least).is_met is met


def test_a_verdict_says_what_was_wanted_and_what_came():
    assert (
        str(Verdict("p95", 1431.2, 1200, " ms", at_least=False))
        == "NOT met: p95: 1,431 ms (at most 1,200 ms)"
    )
    assert str(Verdict("cores", 1.5, 1.4)) == "met: cores: 1.5 (at least 1.4)"


def test_a_ratio_to_nothing_is_not_a_number():
    assert ratio(6, 3) == 2
    assert math.isnan(ratio(6, 0))


@pytest.mark.parametrize(
    ("seen", "most"),
    [
        pytest.param([(1_100, True), (42_000, False)], 42_000, id="it fell behind"),
        pytest.param([(42_000, True), (40_000, False)], 42_000, id="more before"),
        pytest.param([(1_100, True), (10_000, True)], math.nan, id="it ended before"),
        pytest.param([], math.nan, id="not measured"),
    ],
)
def test_the_most_of_a_design_is_known_once_it_falls_behind(seen, most):
    assert most_once_behind(seen) == pytest.approx(most, nan_ok=True)
