"""Straight tracks against geometry worked out by hand."""

import numpy as np
import pytest

from cosmo.detector import LAYER_OF_CHANNEL
from cosmo.generator.tracks import (
    MIN_CELLS,
    SCINTILLATOR_HEIGHT_MM,
    Tracks,
    cross,
    triggering_tracks,
)


def track(x_mm, y_mm, slope_x=0.0, slope_y=0.0):
    return Tracks(*(np.array([float(v)]) for v in (x_mm, y_mm, slope_x, slope_y)))


def crossed(one_track):
    """Return {chamber: {channel: distance to the wire in mm}}."""
    found = cross(one_track)
    cells: dict[int, dict[int, float]] = {}
    for chamber, channel, drift in zip(found.chamber, found.channel, found.drift_time_ns, strict=True):
        cells.setdefault(int(chamber), {})[int(channel)] = drift * 0.0538
    return cells


def test_a_vertical_track_by_hand():
    """A cell of index i has its wire at 21 + 42 i in layers 2, 4 and at 42 + 42 i in layers 1, 3.

    x = 100: nearest are 105 (i = 2) and 84 (i = 1). y = 300: nearest are 315 (i = 7) and 294 (i = 6).
    Channels of layers 1, 2, 3, 4: 4 i + 3, 1, 2, 0.
    """
    in_x = {7: 16.0, 9: 5.0, 6: 16.0, 8: 5.0}
    in_y = {27: 6.0, 29: 15.0, 26: 6.0, 28: 15.0}
    cells = crossed(track(100.0, 300.0))
    assert cells == {chamber: pytest.approx(in_y if chamber == 1 else in_x) for chamber in range(4)}


def test_the_drift_time_is_the_distance_over_53_8_um_per_ns():
    found = cross(track(126.0, 126.0))
    # 126 is a wire of layers 1, 3 (i = 2) and an edge of cells of layers 2, 4: 21 mm from the wire at 147.
    assert sorted(set(np.round(found.drift_time_ns, 6))) == [0.0, pytest.approx(21.0 / 0.0538)]


def test_an_inclined_track_by_hand():
    """Scintillators are at (977.3 + 52 + 1035.6) / 2 = 1032.45, layer 1 of chamber 3 at 1819.8 + 6.5.

    With dx/dz = 0.4, x = 100 + 0.4 (1826.3 - 1032.45) = 417.54 in layer 1, then 5.2 more a layer:
    422.74, 427.94, 433.14. Wires of layers 1, 3: 420 (i = 9); of layers 2, 4: 441 (i = 10).
    """
    assert pytest.approx(1032.45) == SCINTILLATOR_HEIGHT_MM
    by_hand = {39: 2.46, 41: 18.26, 38: 7.94, 40: 7.86}
    assert crossed(track(100.0, 300.0, slope_x=0.4))[3] == pytest.approx(by_hand)


def test_chamber_1_measures_the_other_axis():
    """The track climbs along y only, so chambers 0, 2 and 3 see it as vertical.

    Layer 1 of chamber 1 is 1032.45 - 983.8 = 48.65 lower: y = 300 - 0.2 x 48.65 = 290.27, 3.73 from 294.
    """
    straight, inclined = crossed(track(100.0, 300.0)), crossed(track(100.0, 300.0, slope_y=0.2))
    assert [inclined[chamber] for chamber in (0, 2, 3)] == [straight[chamber] for chamber in (0, 2, 3)]
    assert inclined[1][27] == pytest.approx(3.73)


@pytest.mark.parametrize(
    ("x_mm", "layers"),
    [
        pytest.param(-0.1, set(), id="left of every layer"),
        pytest.param(0.0, {2, 4}, id="layers 2 and 4 start at 0"),
        pytest.param(20.9, {2, 4}, id="still left of layers 1 and 3"),
        pytest.param(21.0, {1, 2, 3, 4}, id="layers 1 and 3 start half a cell later"),
        pytest.param(671.9, {1, 2, 3, 4}, id="last half cell of layers 2 and 4"),
        pytest.param(672.0, {1, 3}, id="layers 2 and 4 end at 16 cells"),
        pytest.param(693.0, set(), id="right of every layer"),
    ],
)
def test_the_edges_of_a_chamber(x_mm, layers):
    assert {int(LAYER_OF_CHANNEL[channel]) for channel in crossed(track(x_mm, 300.0)).get(2, {})} == layers


def test_a_track_past_the_wires_ends_leaves_nothing():
    # y = -1 is beside chamber 1's cells and past the ends of the other chambers' wires.
    assert crossed(track(100.0, -1.0)) == {}


def test_triggering_tracks_cross_enough_cells_and_there_are_as_many_as_asked():
    tracks = triggering_tracks(np.random.default_rng(1), 500)
    cells = np.bincount(cross(tracks).track, minlength=500)
    assert len(tracks) == 500
    assert cells.min() >= MIN_CELLS
    assert cells.max() == 16


def test_no_tracks_are_no_crossings():
    none = triggering_tracks(np.random.default_rng(1), 0)
    assert len(none) == len(cross(none).track) == 0


def test_the_zenith_angle_follows_cos_squared():
    """Of all tracks cos^4 is uniform on [1/4, 1]: its median is 5/8; 8 cells move it little."""
    tracks = triggering_tracks(np.random.default_rng(1), 20_000)
    cos_4 = (1.0 + tracks.slope_x**2 + tracks.slope_y**2) ** -2
    assert cos_4.min() >= 0.25
    assert np.median(cos_4) == pytest.approx(0.625, abs=0.02)
