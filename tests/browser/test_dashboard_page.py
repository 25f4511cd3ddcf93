"""The dashboard as a reader sees it."""

from __future__ import annotations

import json
import socket
import threading
import time

import pytest

from cosmo.dashboard import serve
from cosmo.results import Result, SummaryMessage
from dashboard_results import result, telling_summary

WINDOW = "#window"


def test_the_page_shows_the_numbers_of_the_summary(dashboard, new_tab):
    message = result(0, telling_summary(), run=12, published_s=time.time())
    dashboard.collector.add(Result.from_json(message.to_json()), time.time())
    tab = new_tab()
    tab.open(dashboard.url)

    assert tab.column("occupancy", "chamber_0")[3] == 2
    assert tab.column("occupancy", "chamber_2")[63] == 1
    assert tab.column("scintillator_occupancy", "chamber_0")[3] == 1
    assert tab.column("drift_time_0", "hits")[38] == 1
    assert tab.column("drift_time_2", "hits")[61] == 1
    assert tab.column("hits", "hits") == ["2", "0", "1", "0", "3", "1"]
    assert tab.page.inner_text("#run") == "Run 12"
    assert tab.page.inner_text("#note") == "night shift"
    assert tab.page.inner_text("#rows") == "7"
    assert tab.page.get_by_role("row", name="all 3").is_visible()


def test_a_page_opened_late_shows_the_state_at_once_and_then_follows(dashboard, new_tab):
    for _ in range(5):
        dashboard.receive(hits=10)
    tab = new_tab()
    tab.open(dashboard.url)
    assert tab.column("occupancy", "chamber_0")[0] == 50
    dashboard.receive(hits=7)
    tab.wait_for_hits(57)
    tab.wait_for_text("#rows", "57")


def test_windows(dashboard, new_tab):
    dashboard.receive(hits=100, age_s=30)
    dashboard.receive(hits=20)
    dashboard.receive(hits=3)
    tab = new_tab()
    tab.open(dashboard.url)
    tab.wait_for_hits(123)
    for choice, hits in (("batch", 3), ("10", 23), ("60", 123), ("run", 123)):
        dashboard.receive(hits=0)  # a heartbeat, so that the last seconds do not run out
        tab.page.select_option(WINDOW, choice)
        tab.wait_for_hits(hits)
    tab.wait_for_text("#words", "results of the run")


def test_a_page_come_back_to_says_what_it_shows(dashboard, new_tab):
    dashboard.receive(hits=100, age_s=30)
    dashboard.receive(hits=3)
    tab = new_tab()
    tab.open(dashboard.url)
    tab.page.select_option(WINDOW, "batch")
    tab.page.uncheck("#collect")
    tab.wait_for_hits(3)
    tab.page.goto(f"{dashboard.url}healthz")
    tab.page.go_back()
    tab.page.wait_for_selector("html[data-ready=yes]")
    tab.wait_for_hits(103)
    assert tab.page.input_value(WINDOW) == "run"
    assert tab.page.is_checked("#collect")


@pytest.mark.parametrize(
    ("collecting", "resumed"),
    [pytest.param(True, 31, id="collecting"), pytest.param(False, 11, id="not collecting")],
)
def test_pause_and_resume(dashboard, new_tab, collecting, resumed):
    dashboard.receive(hits=1)
    tab = new_tab()
    tab.open(dashboard.url)
    tab.page.select_option(WINDOW, "3600")
    tab.page.set_checked("#collect", collecting)
    tab.page.click("#pause")
    tab.wait_for_text("#words", "Paused")
    dashboard.receive(hits=20)
    tab.wait_for_text("#rows", "21")  # the header goes on
    assert tab.column("occupancy", "chamber_0")[0] == 1

    tab.page.click("#pause")
    tab.wait_for_text("#words", "Showing")
    dashboard.receive(hits=10)
    tab.wait_for_hits(resumed)
    tab.page.select_option(WINDOW, "run")
    tab.wait_for_hits(31)


def test_silence_is_told_from_quiet(dashboard, new_tab):
    dashboard.receive(hits=1)
    tab = new_tab()
    tab.open(dashboard.url)
    tab.wait_for_text("#state", "the analysis is silent")
    assert tab.page.get_attribute("#state", "data-kind") == "bad"
    dashboard.receive(hits=0)
    tab.wait_for_text("#state", "the stream is quiet")
    assert tab.page.inner_text("#state").startswith("No data for ")
    assert tab.page.get_attribute("#state", "data-kind") == "warn"
    dashboard.receive(hits=1)
    tab.page.wait_for_selector("#state", state="hidden")


def test_a_clock_that_was_set_back_hides_no_silence(dashboard, new_tab):
    dashboard.receive(hits=1, age_s=-3600)
    tab = new_tab()
    tab.open(dashboard.url)
    tab.wait_for_text("#state", "No result since a clock was set back")
    assert tab.page.get_attribute("#state", "data-kind") == "bad"
    dashboard.receive(hits=0)
    tab.wait_for_text("#state", "the analysis is silent")
    dashboard.receive(hits=0)
    tab.wait_for_text("#state", "the stream is quiet")


def test_two_pages_have_each_their_own_choices(dashboard, new_tab):
    dashboard.receive(hits=5)
    dashboard.receive(hits=2)
    one, other = new_tab(), new_tab()
    one.open(dashboard.url)
    other.open(dashboard.url)
    one.page.select_option(WINDOW, "batch")
    one.wait_for_hits(2)
    other.wait_for_hits(7)
    other.page.click("#pause")
    other.wait_for_text("#words", "Paused")
    dashboard.receive(hits=3)
    one.wait_for_hits(3)
    other.wait_for_text("#rows", "10")
    assert other.column("occupancy", "chamber_0")[0] == 7


def test_skipped_messages_are_told(dashboard, new_tab):
    dashboard.receive(hits=1)
    dashboard.collector.skip("expected a Result of schema version 1, got version 99 <b>")
    tab = new_tab()
    tab.open(dashboard.url)
    notice = tab.page.inner_text("#notices li")
    assert notice == "1 message skipped: expected a Result of schema version 1, got version 99 <b>"


def test_the_note_of_a_run_is_text_not_markup(dashboard, new_tab):
    record = dashboard.collector.snapshot.run.model_copy(update={"note": "<img src=x onerror=alert(1)>"})
    dashboard.collector.describe(record)
    tab = new_tab()
    tab.open(dashboard.url)
    assert tab.page.inner_text("#note") == "<img src=x onerror=alert(1)>"


def test_everything_comes_from_the_server_itself(dashboard, new_tab):
    dashboard.receive(hits=1)
    tab = new_tab()
    tab.open(dashboard.url)
    tab.page.click("#tab-monitor")
    tab.page.wait_for_function(
        "Bokeh.documents[0].get_model_by_name('input_rate_data').data.time_ms.length === 1"
    )
    outside = [url for url in tab.requests if not url.startswith((dashboard.url, "data:"))]
    assert outside == []
    assert len(tab.requests) > 2


@pytest.mark.parametrize("width", [900, 1400])
@pytest.mark.parametrize("page", ["quality", "monitor"])
def test_nothing_is_wider_than_the_window(dashboard, new_tab, width, page):
    dashboard.receive(hits=64)
    tab = new_tab(width)
    tab.open(dashboard.url)
    tab.page.click(f"#tab-{page}")
    tab.page.wait_for_selector(f"#page-{page}")
    tab.page.wait_for_function("Bokeh.documents[0].is_idle")
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_theme_follows_the_system_until_it_is_chosen(dashboard, new_tab, theme):
    other = {"light": "dark", "dark": "light"}[theme]
    tab = new_tab(color_scheme=theme)
    tab.open(dashboard.url)
    has = "theme => Bokeh.documents[0].get_model_by_name('controls').theme === theme"
    tab.page.wait_for_function(f"document.documentElement.dataset.theme === '{theme}'")
    tab.page.wait_for_function(has, arg=theme)
    tab.page.click("#theme")
    tab.page.wait_for_function(has, arg=other)
    tab.page.reload()
    tab.page.wait_for_selector("html[data-ready=yes]")
    assert tab.page.get_attribute("html", "data-theme") == other
    card = tab.page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--card')")
    fill = tab.page.evaluate("Bokeh.documents[0].get_model_by_name('backlog').border_fill_color ?? null")
    assert fill is None or fill == card.strip()


def test_the_page_is_worked_by_keys(dashboard, new_tab):
    dashboard.receive(hits=1)
    tab = new_tab()
    tab.open(dashboard.url)
    tab.page.focus("#tab-quality")
    tab.page.keyboard.press("ArrowRight")
    assert tab.page.get_attribute("#tab-monitor", "aria-selected") == "true"
    assert tab.page.is_visible("#page-monitor")
    tab.page.keyboard.press("Tab")
    assert tab.page.evaluate("document.activeElement.id") == "window"
    tab.page.keyboard.press("Tab")
    tab.page.keyboard.press("Space")
    assert tab.page.get_attribute("#pause", "aria-pressed") == "true"


def test_a_drawn_summary_is_the_message(dashboard, new_tab):
    """What the browser draws adds up to what was published, message for message."""
    summary = telling_summary()
    published = SummaryMessage.of(summary).model_dump_json()
    assert json.loads(published)["scintillator_hits"] == 1
    for number in range(3):
        dashboard.collector.add(result(number, summary, run=12, published_s=time.time()), time.time())
    tab = new_tab()
    tab.open(dashboard.url)
    drawn = [sum(tab.column("occupancy", f"chamber_{chamber}")) for chamber in range(4)]
    assert drawn == [3 * int(hits) for hits in summary.hits]


def test_a_lost_server_is_said_and_come_back_to(dashboard, new_tab):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    ports = dashboard.settings.ports.model_copy(update={"dashboard": port})
    settings = dashboard.settings.model_copy(update={"ports": ports})
    dashboard.receive(hits=4)
    tab = new_tab(complains=True)  # the browser itself complains of failed requests
    for attempt in range(2):
        stop, ready = threading.Event(), threading.Event()
        thread = threading.Thread(target=serve, args=(settings, dashboard, stop, ready.set))
        thread.start()
        assert ready.wait(30)
        if attempt == 0:
            tab.open(f"http://localhost:{port}/")
        else:
            tab.page.wait_for_function(
                "!document.querySelector('#state').textContent.includes('No connection')"
            )
            tab.page.wait_for_selector("html[data-ready=yes]")
            tab.wait_for_hits(4)
        stop.set()
        thread.join(10)
        assert not thread.is_alive()
        tab.wait_for_text("#state", "No connection")
