"""The geometry and the clock, by hand."""

import itertools
from collections import Counter

import pytest

from cosmo.detector import (
    DRIFT_OFFSET_30TH_NS,
    FRAME_HEIGHT_MM,
    LAYER_OF_CHANNEL,
    N_CHAMBERS,
    N_CHANNELS,
    ORBIT_S,
    serial_difference,
    wire_position_mm,
)

WRAP = 2**32


@pytest.mark.parametrize(
    ("channel", "layer"),
    # Layer 1 (bottom) = 4i+3, layer 2 = 4i+1, layer 3 = 4i+2, layer 4 (top) = 4i.
    [(0, 4), (1, 2), (2, 3), (3, 1), (4, 4), (7, 1), (61, 2), (63, 1)],
)
def test_layer(channel, layer):
    assert LAYER_OF_CHANNEL[channel] == layer


def test_each_layer_has_16_cells():
    assert Counter(LAYER_OF_CHANNEL.tolist()) == {1: 16, 2: 16, 3: 16, 4: 16}


@pytest.mark.parametrize(
    ("chamber", "channel", "x_mm", "z_mm"),
    [
        pytest.param(0, 0, 21.0, 219.8 + 45.5, id="layer 4: 42/2; 3.5 layers up"),
        pytest.param(0, 1, 21.0, 219.8 + 19.5, id="layer 2 is not shifted"),
        pytest.param(0, 2, 42.0, 219.8 + 32.5, id="layer 3 is shifted by 21"),
        pytest.param(0, 3, 42.0, 219.8 + 6.5, id="layer 1 is shifted by 21"),
        pytest.param(1, 7, 84.0, 977.3 + 6.5, id="second cell of chamber 1"),
        pytest.param(2, 60, 651.0, 1035.6 + 45.5, id="last cell of layer 4: 15.5 x 42"),
        pytest.param(3, 63, 672.0, 1819.8 + 6.5, id="last cell of layer 1"),
    ],
)
def test_wire(chamber, channel, x_mm, z_mm):
    assert wire_position_mm(chamber, channel) == pytest.approx((x_mm, z_mm))


def test_neighbours_in_adjacent_layers_are_half_a_cell_apart():
    wires = {wire_position_mm(0, channel) for channel in range(N_CHANNELS)}
    assert len(wires) == N_CHANNELS
    for x, z in wires:
        above = [other for other, height in wires if height == pytest.approx(z + 13.0)]
        assert not above or min(abs(other - x) for other in above) == 21.0


def test_chambers_do_not_overlap():
    assert len(FRAME_HEIGHT_MM) == len(DRIFT_OFFSET_30TH_NS) == N_CHAMBERS
    assert all(top - bottom > 4 * 13 for bottom, top in itertools.pairwise(FRAME_HEIGHT_MM))


def test_offsets_in_ns():
    assert [offset / 30 for offset in DRIFT_OFFSET_30TH_NS] == pytest.approx([93.9, 101.4, 95.5, 92.4])


def test_an_orbit_is_89_microseconds():
    assert pytest.approx(89.1e-6) == ORBIT_S


@pytest.mark.parametrize(
    ("a", "b", "difference"),
    [
        pytest.param(5, 3, 2, id="later"),
        pytest.param(3, 5, -2, id="earlier"),
        pytest.param(0, WRAP - 1, 1, id="later over the wrap"),
        pytest.param(WRAP - 1, 0, -1, id="earlier over the wrap"),
        pytest.param(2**31, 0, -(2**31), id="half the counter is earlier"),
        pytest.param(2**31 - 1, 0, 2**31 - 1, id="just less is later"),
        pytest.param(7 + 5 * WRAP, 7, 0, id="unwrapped"),
    ],
)
def test_serial_difference(a, b, difference):
    assert serial_difference(a, b) == difference
