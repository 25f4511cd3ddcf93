"""Single values of a Summary, by hand."""

import numpy as np
import pytest

from cosmo.statistics import Summary
from cosmo.timeslices import Clock, Timeslice
from sample_rows import NEAR, WRAP, hit, scintillator


def measured(lines, from_orbit=0, to_orbit=100, epoch=0):
    text = b"".join(line + b"\n" for line in lines)
    return Summary.of([Timeslice(from_orbit, to_orbit, epoch, False, text, len(lines), 0.0, 0.0, Clock())])


def drift_times(summary):
    """Return (chamber, bin) of all drift times: -1 is underflow, 0 is [-100, -99) ns, 600 is overflow."""
    values = summary.drift_time.values(flow=True)
    return [(int(c), int(b) - 1) for c, b in np.argwhere(values) for _ in range(int(values[c, b]))]


@pytest.mark.parametrize(
    ("channel", "bx", "tdc", "expected"),
    [
        # Scintillator at BX 100, TDC 0. A BX is 25 ns, a TDC count 25/30 ns; chamber 0 adds 93.9 ns.
        pytest.param((0, 5), 100, 0, (0, 193), id="93.9 ns"),
        pytest.param((0, 70), 100, 0, (1, 201), id="chamber 1: 101.4 ns"),
        pytest.param((1, 5), 100, 0, (2, 195), id="chamber 2: 95.5 ns"),
        pytest.param((1, 70), 100, 0, (3, 192), id="chamber 3: 92.4 ns"),
        pytest.param((0, 5), 99, 29, (0, 193), id="a crossing and a count less: 93.07 ns"),
        pytest.param((1, 5), 100, 2, (2, 197), id="97.17 ns"),
        pytest.param((1, 5), 100, 3, (2, 198), id="98 ns: low edge inside, high outside"),
        pytest.param((0, 5), 100, 30, (0, 218), id="TDC 30 is 25 ns: 118.9 ns"),
        pytest.param((0, 5), 116, 7, (0, 599), id="499.73 ns is the last bin"),
        pytest.param((0, 5), 116, 8, (0, 600), id="500.57 ns is overflow"),
        pytest.param((0, 5), 92, 8, (0, 0), id="-99.43 ns is the first bin"),
        pytest.param((0, 5), 92, 7, (0, -1), id="-100.27 ns is underflow"),
        pytest.param((0, 5), 3563, 30, (0, 600), id="last count of the orbit is overflow"),
        pytest.param((0, 5), 0, 0, (0, -1), id="first count of the orbit is underflow"),
    ],
)
def test_drift_time(channel, bx, tdc, expected):
    summary = measured([hit(10, *channel, bx, tdc), scintillator(10, 100, 0)])
    assert drift_times(summary) == [expected]
    assert (summary.hits.sum(), summary.scintillator_occupancy.sum()) == (1, 1)


def test_the_earliest_of_several_scintillator_hits_counts():
    rows = [
        scintillator(10, 104, 0),
        hit(10, bx=100, tdc=0),
        scintillator(10, 100, 0),
        scintillator(10, 100, 1),
    ]
    summary = measured(rows)
    assert drift_times(summary) == [(0, 193)]
    assert (summary.scintillator_hits, summary.scintillator_occupancy.sum()) == (3, 1)


def test_a_scintillator_hit_at_time_zero_is_one():
    assert drift_times(measured([scintillator(10, 0, 0), hit(10, bx=0, tdc=0)])) == [(0, 193)]


def test_active_channels_by_hand():
    # Orbit 10: 2 channels of chamber 0, 1 of chamber 3. 11: scintillator only. 12: an unmapped hit only.
    rows = [hit(10, 0, 5), hit(10, 0, 5), hit(10, 0, 6), hit(10, 1, 64), scintillator(11), hit(12, 1, 138)]
    summary = measured(rows)
    found = summary.active_channels.values()
    assert [np.flatnonzero(chamber).tolist() for chamber in found] == [[0, 2], [0], [0], [0, 1]]
    assert found.sum(axis=1).tolist() == [2, 2, 2, 2]
    assert (summary.unmapped, summary.rows, summary.live_orbits) == (1, 6, 100)
    assert summary.live_s == pytest.approx(100 * 89.1e-6)


def test_all_64_channels_of_a_chamber_are_active():
    summary = measured([hit(10, 0, channel) for channel in range(128)])
    assert [np.flatnonzero(chamber).tolist() for chamber in summary.active_channels.values()] == [
        [64],
        [64],
        [0],
        [0],
    ]


@pytest.mark.parametrize(
    ("orbit", "epoch", "late", "clock_jump"),
    [
        pytest.param(10, 0, 0, 0, id="from is inside"),
        pytest.param(9, 0, 1, 0, id="before from"),
        pytest.param(12, 0, 1, 0, id="to is outside"),
        pytest.param(12 + NEAR, 0, 1, 0, id="last late"),
        pytest.param(13 + NEAR, 0, 0, 1, id="first clock jump"),
        pytest.param((12 - NEAR) % WRAP, 0, 1, 0, id="earliest late, below the wrap"),
        pytest.param((11 - NEAR) % WRAP, 0, 0, 1, id="clock jump below the wrap"),
        pytest.param(9, -1, 0, 1, id="without epoch nothing is late"),
    ],
)
def test_outside(orbit, epoch, late, clock_jump):
    summary = measured([hit(orbit), scintillator(orbit), hit(10)], 10, 12, epoch)
    assert (summary.hits[0], summary.occupancy.values()[0, 5], summary.scintillator_hits) == (2, 2, 1)
    assert (summary.late, summary.clock_jump) == (2 * late, 2 * clock_jump)
    assert summary.scintillator_occupancy.sum() == (0 if late or clock_jump else 2)
    assert summary.active_channels.values()[0].sum() == 1


def test_each_head_is_counted():
    rows = [b"%d,0,5,10,1,1" % head for head in range(10)]
    summary = measured(rows)
    assert summary.ancillary == (1, 1, 0, 1, 1, 1, 1, 1)
    assert (summary.hits.tolist(), sum(summary.malformed), summary.rows) == ([1, 0, 0, 0], 2, 10)
