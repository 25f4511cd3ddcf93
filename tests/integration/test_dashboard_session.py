"""One page's session, on a document without a browser."""

from __future__ import annotations

import pytest
from bokeh.document import Document

from cosmo.dashboard import look
from cosmo.dashboard.collector import Collector
from cosmo.dashboard.session import Session
from cosmo.settings import DashboardSettings
from dashboard_results import BEGAN_S, hits_summary, result, run_record

SETTINGS = DashboardSettings(window_s=60, history_s=3600, quiet_after_s=10)


class Bench:
    """A session and what moves it."""

    def __init__(self):
        self.now_s = BEGAN_S
        self.collector = Collector(SETTINGS)
        self.collector.begin(run_record(), None)
        self.receive(0, 1)
        self.document = Document()
        self.session = Session(self.document, self.collector, SETTINGS, clock=lambda: self.now_s)
        self.controls = self.session.page.controls

    def receive(self, number, summary, at_s=None):
        self.now_s = BEGAN_S + number if at_s is None else at_s
        self.collector.add(result(number, summary), self.now_s)

    @property
    def status(self):
        return self.session.page.status.shown

    @property
    def occupancy(self):
        return int(self.session.page.cards["occupancy"].panel.source.data["chamber_0"][0])


@pytest.fixture
def bench():
    return Bench()


def test_a_page_shows_the_state_when_it_opens(bench):
    assert bench.occupancy == 1
    assert bench.status["rows"] == "1"
    assert bench.status["run"] == 1


def test_a_page_is_brought_up_to_date(bench):
    bench.receive(1, 1000)
    bench.session.refresh()
    assert bench.occupancy == 1001
    assert bench.status["rows"] == "1,001"
    assert bench.status["last_data_s"] == BEGAN_S + 1


def test_nothing_new_changes_nothing(bench):
    before = bench.session.page.cards["occupancy"].panel.source.data
    bench.session.refresh()
    assert bench.session.page.cards["occupancy"].panel.source.data is before


def test_the_hidden_tab_is_drawn_when_it_is_chosen(bench):
    rate = bench.session.page.cards["input_rate"].panel.source
    assert len(rate.data["time_ms"]) == 0
    bench.controls.tab = "monitor"
    assert len(rate.data["time_ms"]) == 1


def test_window_is_chosen(bench):
    bench.receive(1, 7)
    bench.controls.window = "batch"
    assert bench.occupancy == 7
    assert bench.status["window"].startswith("result 1, 1.0 s of streaming · 7 rows")


@pytest.mark.parametrize("wrong", ["", "17", "everything"])
def test_a_window_that_is_not_offered_is_not_taken(bench, wrong):
    bench.receive(1, 7)
    bench.controls.window = wrong
    bench.session.refresh()
    assert bench.occupancy == 8
    assert bench.status["window"].startswith("2 results of the run")


def test_the_header_goes_on_while_paused(bench):
    bench.controls.paused = True
    bench.receive(1, 5)
    bench.session.refresh()
    assert bench.occupancy == 1
    assert bench.status["rows"] == "6"
    assert bench.status["paused_s"] == BEGAN_S
    bench.controls.paused = False
    assert bench.occupancy == 6
    assert bench.status["paused_s"] is None


def test_what_is_left_out_while_paused_stays_in_the_run(bench):
    bench.controls.update(window="60", collecting=False, paused=True)
    bench.receive(1, 5)
    bench.now_s += 1
    bench.controls.paused = False
    assert bench.occupancy == 1
    bench.controls.window = "run"
    assert bench.occupancy == 6


def test_theme_changes_the_plots(bench):
    plot = bench.session.page.cards["occupancy"].panel.root
    assert plot.background_fill_color == look.colours(look.LIGHT)["card"]
    bench.controls.theme = "dark"
    assert plot.background_fill_color == look.colours(look.DARK)["card"]


def test_notices(bench):
    bench.collector.skip("expected a Result of schema version 1, got version 2")
    bench.receive(5, 1)
    bench.session.refresh()
    skipped, missed = bench.status["notices"]
    assert skipped == "1 message skipped: expected a Result of schema version 1, got version 2"
    assert missed.startswith("4 results of this run never came")


def test_rows_that_wait_for_the_analysis_are_told(bench):
    for number in range(1, 63):  # a second each
        bench.collector.add(result(number, latency_last_ms=184_000, backlog=812), BEGAN_S + number)
    bench.session.refresh()
    (behind,) = bench.status["notices"]
    assert behind.startswith("The analysis is behind: rows wait for it up to 62.3 s")
    bench.collector.add(result(63, latency_last_ms=184_000, backlog=0), BEGAN_S + 63)
    bench.session.refresh()
    assert bench.status["notices"] == []


def test_time_alone_moves_a_window_of_receipt(bench):
    bench.controls.window = "60"
    assert bench.occupancy == 1
    bench.now_s += 63
    bench.session.refresh()
    assert bench.occupancy == 0


def test_all_of_a_run_is_summed_however_it_is_paused(bench):
    for number in range(1, 9):
        bench.controls.update(collecting=number % 3 > 0, paused=number % 2 > 0)
        bench.receive(number, hits_summary(number))
        bench.session.refresh()
    bench.controls.paused = False
    bench.session.refresh()
    assert bench.occupancy == 1 + sum(range(1, 9))
