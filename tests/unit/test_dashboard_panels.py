"""Every panel is built, updated and looked at without a browser."""

from __future__ import annotations

import pytest
from bokeh.models import Plot

from cosmo.dashboard.active_by_orbit import MAX_DRAWN, MaximumActivePanel, MeanActivePanel, coarsened
from cosmo.dashboard.active_channels import ActiveChannelsPanel
from cosmo.dashboard.drift_time import DriftTimePanel
from cosmo.dashboard.history import Point
from cosmo.dashboard.hits_table import HitsTable
from cosmo.dashboard.occupancy import OccupancyPanel
from cosmo.dashboard.page import new_cards
from cosmo.dashboard.row_fates import REASON_WORDS, RowFatesPanel
from cosmo.dashboard.slice_account import SliceAccountPanel
from cosmo.dashboard.view import Shown
from cosmo.hits import REASONS
from cosmo.statistics import Summary
from dashboard_results import BEGAN_S, hit, result, scintillator, summary_of, telling_summary

NAMES = list(new_cards())
NOTHING = Shown(Summary.empty(), Summary.empty(), (), "nothing")


@pytest.fixture(scope="module")
def cards():
    """Build the page's panels once: a panel is updated from whatever it showed before."""
    return new_cards()


def shown(summary: Summary) -> Shown:
    points = (Point.of(result(0, summary), summary, BEGAN_S),)
    return Shown(summary, summary, points, "a test")


@pytest.mark.parametrize("name", NAMES)
def test_every_panel_shows_the_same_summary(cards, name):
    card = cards[name]
    card.panel.update(card.takes(NOTHING))
    before = card.panel.source.data
    in_all_chambers = summary_of(scintillator(7), *(hit(chamber, 5, 7) for chamber in range(4)))

    card.panel.update(card.takes(shown(telling_summary() + in_all_chambers)))

    after = card.panel.source.data
    assert after.keys() == before.keys()
    assert len({len(column) for column in after.values()}) == 1
    assert any(_differs(after[key], before[key]) for key in after)


@pytest.mark.parametrize("name", NAMES)
def test_every_panel_takes_nothing(cards, name):
    card = cards[name]
    card.panel.update(card.takes(shown(telling_summary())))
    card.panel.update(card.takes(NOTHING))
    assert card.panel.source.data.keys()


@pytest.mark.parametrize("name", NAMES)
def test_every_axis_says_what_it_is(cards, name):
    root = cards[name].panel.root
    for axis in [*root.xaxis, *root.yaxis] if isinstance(root, Plot) else []:
        assert axis.axis_label


def _differs(a, b):
    return list(a) != list(b)


def test_occupancy_counts_hits_by_channel_and_chamber():
    panel = OccupancyPanel(lambda summary: summary.occupancy)
    panel.update(telling_summary())
    assert panel.source.data["chamber_0"].tolist() == [2 if channel == 3 else 0 for channel in range(64)]
    assert panel.source.data["chamber_2"][63] == 1
    assert panel.root.title.text == "3 hits; most in chamber 0, channel 3 (66.7 %)"


def test_orbits_with_a_scintillator_show_each_chamber_its_own():
    panel = OccupancyPanel(lambda summary: summary.scintillator_occupancy)
    panel.update(telling_summary())
    sums = [int(panel.source.data[f"chamber_{chamber}"].sum()) for chamber in range(4)]
    assert sums == [1, 0, 1, 0]
    assert panel.source.data["chamber_2"][63] == 1


@pytest.mark.parametrize(
    ("chamber", "bins"),
    [
        pytest.param(0, {38: 1}, id="93.9 ns lies in 90 to 95"),
        pytest.param(1, {}, id="a chamber without hits"),
        pytest.param(2, {61: 1}, id="208.0 ns lies in 205 to 210"),
    ],
)
def test_drift_times_lie_in_bins_of_5_ns(chamber, bins):
    panel = DriftTimePanel(chamber)
    panel.update(telling_summary())
    hits = panel.source.data["hits"]
    assert len(hits) == 120
    assert {place: int(hits[place]) for place in hits.nonzero()[0]} == bins
    assert panel.source.data["left"][38] == 90


def test_drift_times_outside_are_told():
    # 500 BX after the scintillator is 12500 ns, 20 BX before it -500 ns.
    panel = DriftTimePanel(0)
    rows = ("2,1,128,5,100,0\n", hit(0, 1, 5, bx=600), hit(0, 2, 5, bx=80), hit(0, 3, 5, bx=700))
    panel.update(summary_of(*rows))
    assert panel.root.title.text == "0 hits · under 1 · over 2"


def test_active_channels_are_counted_over_orbits():
    panel = ActiveChannelsPanel()
    panel.update(telling_summary())
    # Orbits 10 and 11 hold a chamber or scintillator hit; in chamber 2 one of them has one active channel.
    assert panel.source.data["chamber_0"][:3].tolist() == [0.01, 2, 0.01]
    assert panel.source.data["chamber_2"][:3].tolist() == [1, 1, 0.01]
    assert panel.source.data["chamber_3"][:3].tolist() == [2, 0.01, 0.01]


def test_active_channels_against_orbit():
    mean, most = MeanActivePanel(), MaximumActivePanel()
    summary = summary_of(hit(1, 0, 4), hit(1, 1, 4), hit(1, 1, 4), hit(3, 0, 6))
    for panel in (mean, most):
        panel.update(summary)
        assert panel.source.data["orbit"].tolist() == [4.5, 6.5]
        assert panel.source.data["chamber_1"].tolist() == [2, 0]
        assert panel.source.data["chamber_3"].tolist() == [0, 1]


def test_blocks_are_joined_for_drawing():
    # 300 orbits, each with a hit in chamber 0: blocks of 4 are the first that are at most 128.
    rows = [hit(0, orbit % 64, orbit) for orbit in range(300)] + [hit(0, 9, 299)]
    blocks = coarsened(summary_of(*rows, orbits=300).active_by_orbit, MAX_DRAWN)
    assert (blocks.log2_orbits, len(blocks.block)) == (2, 75)
    assert blocks.orbits.sum() == 300
    assert blocks.total[:, 0].sum() == 301
    assert blocks.maximum[:, 0].tolist() == [1] * 74 + [2]


def test_table_of_hits():
    table = HitsTable()
    table.update(telling_summary())
    data = table.source.data
    assert data["chamber"] == ["0", "1", "2", "3", "all", "scintillator"]
    assert data["hits"] == ["2", "0", "1", "0", "3", "1"]
    assert data["share"][:5] == ["66.7 %", "0.0 %", "33.3 %", "0.0 %", "100.0 %"]
    assert data["hits_per_s"][0] == "224.5"  # 2 / 8.91 ms
    assert data["channels"][:5] == ["1", "0", "1", "0", "2"]
    assert data["scintillator"][:5] == ["1", "0", "1", "0", "2"]
    assert '<th scope="row">all</th><td>3</td>' in table.root.text


def test_each_row_has_one_fate():
    panel = RowFatesPanel()
    panel.update(telling_summary())
    fates = dict(zip(panel.source.data["fate"], panel.source.data["rows"], strict=True))
    assert fates == {
        "chamber hits": "3",
        "scintillator hits": "1",
        "hits of no chamber (unmapped)": "1",
        "ancillary": "1",
        "HEAD 0": "1",
        "malformed": "1",
        "not six fields": "1",
        "all rows": "7",
        "of these, in no orbit: late": "0",
        "of these, in no orbit: clock jump": "0",
        "of these, in no orbit: unframed": "0",
    }


def test_every_reason_has_words():
    assert REASON_WORDS.keys() == set(REASONS)


def test_lost_slices_are_named():
    panel = SliceAccountPanel()
    panel.update(telling_summary())
    data = dict(zip(panel.source.data["slices"], panel.source.data["number"], strict=True))
    assert data["measured"] == "3"
    assert data["lost (numbers 2)"] == "1"
