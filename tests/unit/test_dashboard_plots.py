"""Ranges that follow the data, and the look."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from cosmo.dashboard import look
from cosmo.dashboard.plots import FollowingRange, nice_above

# Machado, Oliveira, Fernandes (2009), severity 1: linear RGB as seen.
SIGHT = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def linear(colour):
    value = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def contrast(a, b):
    """WCAG 2."""
    low, high = sorted(float(linear(colour) @ [0.2126, 0.7152, 0.0722]) for colour in (a, b))
    return (high + 0.05) / (low + 0.05)


def lab(rgb):
    """CIE 1976 L*a*b* under D65."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ np.clip(rgb, 0, 1) / np.array([0.9505, 1, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("theme", [look.LIGHT, look.DARK])
def test_everything_can_be_read(theme):
    colours = look.colours(theme)
    for colour in [*look.chamber_colours(), *look.curve_colours()]:
        assert contrast(colour, colours["card"]) >= 3, colour
    for name, back in [("ink", "card"), ("soft", "card"), ("soft", "page"), ("bad", "bad_back")]:
        assert contrast(colours[name], colours[back]) >= 4.5, (name, back)
    for name, back in [("warn", "warn_back"), ("on_accent", "accent")]:
        assert contrast(colours[name], colours[back]) >= 4.5, (name, back)


@pytest.mark.parametrize("sight", SIGHT)
def test_chambers_can_be_told_apart(sight):
    for a, b in itertools.combinations(look.chamber_colours(), 2):
        assert np.linalg.norm(lab(SIGHT[sight] @ linear(a)) - lab(SIGHT[sight] @ linear(b))) >= 37, (a, b)


def test_themes_name_the_same_colours():
    assert look.colours(look.LIGHT).keys() == look.colours(look.DARK).keys()


@pytest.mark.parametrize("theme", [look.LIGHT, look.DARK])
def test_plots_get_colours_not_names(theme):
    assert "$" not in str(look.plot_theme(theme)._json)


@pytest.mark.parametrize(
    ("value", "above"),
    [
        pytest.param(0, 1, id="nothing still has a height"),
        pytest.param(1, 1.2, id="a little above"),
        pytest.param(95, 100, id="99.75 fits under 100"),
        pytest.param(96, 120, id="100.8 does not"),
        pytest.param(1_000_000, 1_200_000, id="large"),
    ],
)
def test_axes_end_at_round_numbers(value, above):
    assert nice_above(value) == pytest.approx(above)


def test_small_values_may_have_a_small_axis():
    assert nice_above(0.25, least=0.1) == pytest.approx(0.3)


def test_range_follows_until_the_reader_zooms():
    y = FollowingRange(0, 1)
    y.follow(0, 50)
    assert (y.range.start, y.range.end) == (0, 50)

    y.range.update(start=10, end=20)  # as the browser does
    y.follow(0, 80)
    assert (y.range.start, y.range.end) == (10, 20)
    assert (y.range.reset_start, y.range.reset_end) == (0, 80)

    y.range.update(start=0, end=80)  # as a reset in the browser does
    y.follow(0, 100)
    assert (y.range.start, y.range.end) == (0, 100)
