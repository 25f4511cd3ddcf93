"""What is kept for the pages: windows of receipt, the history, the run's total; what a pause leaves out."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from cosmo.dashboard.collector import MAX_KINDS, Collector, spans_s
from cosmo.dashboard.history import History, Point, columns, rows_per_s
from cosmo.dashboard.recent import BUCKETS_PER_SPAN, MAX_BUCKETS, Recent, total
from cosmo.dashboard.view import LAST_BATCH, WHOLE_RUN, View, seconds
from cosmo.errors import MalformedMessage
from cosmo.settings import DashboardSettings
from cosmo.slice_numbers import SliceNumbers
from cosmo.statistics import Summary
from dashboard_results import BEGAN_S, hits_summary, result, run_record, run_total, telling_summary

SETTINGS = DashboardSettings(window_s=60, history_s=3600, quiet_after_s=10)


# -- windows of receipt


def test_window_forgets_what_is_too_old():
    recent = Recent(span_s=60)
    for second in range(100):
        recent.add(second, hits_summary(1))
    # Parts of 2 s (60 / 30); those that ended before second 39 are gone, the one of 38 and 39 is not.
    assert recent.buckets[0].first_s == 38
    assert total(recent.buckets).hits[0] == 62


def test_window_stays_small_whatever_the_rate():
    recent, nothing = Recent(span_s=60), Summary.empty()
    for tick in range(2000):
        recent.add(tick / 20, nothing)
    assert len(recent.buckets) <= BUCKETS_PER_SPAN + 1


def test_sealing_divides():
    recent = Recent(span_s=3600)
    recent.add(0, hits_summary(1))
    recent.seal()
    recent.add(1, hits_summary(2))
    assert [int(bucket.summary.hits[0]) for bucket in recent.buckets] == [1, 2]


def test_sealing_without_end_stays_bounded_and_loses_nothing():
    recent, one = Recent(span_s=3600), hits_summary(1)
    for second in range(3 * MAX_BUCKETS):
        recent.add(second, one)
        recent.seal()
    assert len(recent.buckets) == MAX_BUCKETS
    assert total(recent.buckets).hits[0] == 3 * MAX_BUCKETS


def test_a_window_forgets_however_often_it_is_divided():
    recent, one, every_s, hour = Recent(span_s=3600), hits_summary(1), 15, 3600
    for second in range(0, 4 * hour, every_s):
        recent.add(second, one)
        if second % 45 == 0:  # pages are paused and resumed all the time
            recent.seal()
    kept = int(total(recent.buckets).hits[0]) * every_s
    assert hour <= kept <= hour + 4 * hour / MAX_BUCKETS


def test_a_window_is_no_longer_when_the_clock_is_set_back():
    recent, one_hit = Recent(span_s=60), hits_summary(1)
    for second in range(100):
        recent.add(second, one_hit)
    for second in range(-3600, -2940):
        recent.add(second, one_hit)
    assert total(recent.buckets).hits[0] in (61, 62)


def test_a_clock_set_back_a_little_takes_little_from_a_window():
    recent = Recent(span_s=60)
    for tick in range(100):
        recent.add(tick / 10, hits_summary(1))
    recent.add(9.85, hits_summary(1))
    assert total(recent.buckets).hits[0] == 101


# -- the history


def test_a_history_goes_on_when_the_clock_is_set_back():
    history = History(span_s=600)
    for second in (*range(100), *range(-3600, -3500)):
        history.add(point(float(second)))
    assert [one.published_s for one in history.points] == list(range(-3600, -3500))


def test_a_result_of_a_clock_that_is_ahead_erases_nothing():
    history = History(span_s=600)
    for number in range(3):
        ahead_s = 7200 if number == 1 else 0
        each = result(number, published_s=BEGAN_S + 60 * number + ahead_s)
        history.add(Point.of(each, each.summary.summary(), BEGAN_S + 60 * number))
    assert [round(one.published_s - BEGAN_S) for one in history.points] == [0, 60, 120]


def point(published_s, **changes):
    return replace(
        Point(published_s, published_s, 1.0, 0.5, 10, (4, 3, 2, 1), 200.0, 1300.0, 300.0, 1), **changes
    )


def test_history_is_joined_as_it_grows():
    history = History(span_s=3600, max_points=8)
    for second in range(32):
        history.add(point(float(second), batch_ms=float(second)))
    points = history.points
    assert len(points) <= 8
    assert sum(p.rows for p in points) == 320
    assert [sum(p.hits[chamber] for p in points) for chamber in range(4)] == [128, 96, 64, 32]
    assert points[-1].batch_ms == 31  # the longest


def test_history_forgets_what_is_too_old():
    history = History(span_s=60)
    for second in range(200):
        history.add(point(float(second)))
    assert history.points[0].published_s == 139


def test_joined_points_keep_ages_that_are_known():
    joined = point(0.0) + point(1.0, latency_first_ms=math.nan, latency_last_ms=math.nan)
    assert (joined.latency_first_ms, joined.latency_last_ms) == (1300, 300)


def test_hit_rate_is_per_live_time():
    drawn = columns((point(BEGAN_S),))
    assert [drawn[f"hits_per_s_{chamber}"][0] for chamber in range(4)] == [8, 6, 4, 2]
    assert drawn["rows_per_s"][0] == 10
    assert drawn["time_ms"][0] == 1000 * BEGAN_S


def test_no_live_time_gives_no_rate():
    drawn = columns((point(0.0, live_s=0.0, interval_s=0.0),))
    assert math.isnan(drawn["hits_per_s_0"][0])
    assert math.isnan(drawn["rows_per_s"][0])


@pytest.mark.parametrize(
    ("later_s", "rows"),
    [pytest.param(5.0, 2, id="a heartbeat later"), pytest.param(100.0, 3, id="broken by an outage")],
)
def test_curves_break_where_nothing_came(later_s, rows):
    drawn = columns((point(0.0), point(later_s)))
    assert len(drawn["rows_per_s"]) == rows
    assert sum(map(math.isnan, drawn["rows_per_s"])) == rows - 2


def test_input_rate_is_of_the_last_seconds():
    points = (point(0.0, rows=1_000_000), *(point(float(s), rows=20) for s in range(1, 13)))
    assert rows_per_s(points, over_s=10) == 20
    assert rows_per_s((), over_s=10) is None


# -- the collector


def filled(*results, record=None, total=None):
    collector = Collector(SETTINGS)
    collector.begin(record or run_record(), total)
    for each in results:
        collector.add(each, BEGAN_S + each.number)
    return collector


def test_results_add_up():
    snapshot = filled(result(0, 2), result(1, 3)).snapshot
    assert snapshot.total.hits[0] == 5
    assert snapshot.results == 2
    assert snapshot.batch.number == 1
    assert snapshot.missed == 0


def test_a_known_number_changes_nothing():
    collector = filled(result(0, 2), result(1, 3))
    before = collector.snapshot
    assert not collector.add(result(1, 50), BEGAN_S + 9)
    assert not collector.add(result(0, 50), BEGAN_S + 9)
    assert collector.snapshot is before


def test_only_results_above_the_total_are_added_but_all_are_drawn():
    collector = filled(result(4, 10), result(5, 10), result(6, 3), total=run_total(5, hits_summary(60)))
    snapshot = collector.snapshot
    assert snapshot.total.hits[0] == 63
    assert (snapshot.results, snapshot.missed) == (7, 0)
    assert total(snapshot.recent[60]).hits[0] == 23
    assert sum(p.rows for p in snapshot.history) == 23


def test_results_that_never_came_are_counted():
    assert filled(result(0), result(4)).snapshot.missed == 3
    assert filled(result(8), total=run_total(5, hits_summary(1))).snapshot.missed == 2


def test_a_heartbeat_is_a_result_without_data():
    snapshot = filled(result(0, 2), result(5, 0)).snapshot
    assert (snapshot.last_data_s, snapshot.last_result_s) == (BEGAN_S, BEGAN_S + 5)
    assert snapshot.batch.number == 0


@pytest.mark.parametrize(
    ("hits", "latency_s", "backlog", "behind_s"),
    [
        pytest.param(1, 40.5, 5, 40.5, id="measures old rows"),
        pytest.param(1, 90, 5, 41, id="measures rows that were long in coming"),
        pytest.param(1, 90, 0, 0, id="has caught up"),
        pytest.param(1, 2, 5, 2, id="keeps up"),
        pytest.param(0, None, 5, 41, id="measured none, and a second has passed"),
        pytest.param(0, None, 0, 0, id="none are left"),
        pytest.param(1, 40.5, None, 40.5, id="does not know its backlog"),
    ],
)
def test_how_long_rows_wait_for_the_analysis(hits, latency_s, backlog, behind_s):
    before = result(0, latency_last_ms=40_000, backlog=9)
    now = result(1, hits, latency_last_ms=1000 * (latency_s or 0), backlog=backlog)
    if latency_s is None:  # a heartbeat
        now = now.model_copy(update={"offsets": before.offsets})
    assert filled(before, now).snapshot.behind_s == behind_s


def test_rows_without_a_time_of_release_are_not_behind():
    results = [result(number, 0, backlog=3) for number in range(120)]
    assert len({str(each.offsets) for each in results}) == 120
    assert filled(*results).snapshot.behind_s == 0


def test_another_number_of_partitions_is_refused_and_changes_nothing():
    collector = filled(result(0, telling_summary()))
    before = collector.snapshot
    odd = replace(hits_summary(1), numbers=SliceNumbers.of(3, 0, [0]))
    with pytest.raises(MalformedMessage, match="2 partitions"):
        collector.add(result(1, odd), BEGAN_S)
    assert collector.snapshot is before


def test_every_change_has_a_number_and_an_old_snapshot_stays():
    collector = filled(result(0, 2))
    old = collector.snapshot
    collector.add(result(1, 3), BEGAN_S + 1)
    assert collector.snapshot.sequence > old.sequence
    assert old.total.hits[0] == 2


def test_a_new_run_begins_with_nothing():
    collector = filled(result(0, 2))
    collector.begin(run_record(2), None)
    snapshot = collector.snapshot
    assert snapshot.run.number == 2
    assert (snapshot.total.rows, snapshot.batch, snapshot.history) == (0, None, ())


def test_skipped_messages_are_counted_by_kind_up_to_a_bound():
    collector = filled()
    assert collector.skip("version 9")
    assert not collector.skip("version 9")
    for kind in range(3 * MAX_KINDS):
        collector.skip(f"kind {kind}")
    skipped = collector.snapshot.skipped
    assert skipped["version 9"] == 2
    assert len(skipped) == MAX_KINDS + 1
    assert sum(skipped.values()) == 2 + 3 * MAX_KINDS


@pytest.mark.parametrize(
    ("window_s", "history_s", "spans"),
    [
        pytest.param(60, 3600, (10, 60, 300, 900, 3600), id="defaults"),
        pytest.param(45, 600, (10, 45, 60, 300, 600), id="own lengths are offered too"),
        pytest.param(60, 30, (10, 30), id="nothing longer than the history"),
    ],
)
def test_windows_to_choose_from(window_s, history_s, spans):
    settings = DashboardSettings(window_s=window_s, history_s=history_s, quiet_after_s=10)
    assert spans_s(settings) == spans


# -- what one page shows


@pytest.mark.parametrize(
    ("window", "hits"),
    [
        pytest.param(LAST_BATCH, 4, id="last batch that held rows"),
        pytest.param("10", 6, id="received in the last 10 s"),
        pytest.param(WHOLE_RUN, 7, id="whole run"),
    ],
)
def test_windows(window, hits):
    collector = filled(result(0, 1), result(20, 2), result(21, 4), result(25, 0))
    shown = View(window).shown(collector.snapshot, BEGAN_S + 25)
    assert shown.window.hits[0] == hits
    assert shown.run.hits[0] == 7


def test_results_fall_out_of_a_window_while_nothing_comes():
    collector = filled(result(0, 5))
    view = View("10")
    assert view.shown(collector.snapshot, BEGAN_S + 10).window.hits[0] == 5
    assert view.shown(collector.snapshot, BEGAN_S + 11).window.hits[0] == 0


def test_a_window_holds_nothing_of_a_time_to_come():
    collector = filled(result(0, 5))
    assert View("10").shown(collector.snapshot, BEGAN_S - 3600).window.hits[0] == 0


def test_the_age_of_data_counts_from_the_moment_that_the_clock_is_set_back():
    collector = filled(result(0, 5))
    collector.add(result(1, 0), BEGAN_S - 3600)
    snapshot = collector.snapshot
    assert (snapshot.last_data_s, snapshot.last_result_s) == (BEGAN_S - 3600, BEGAN_S - 3600)


WINDOWS = [LAST_BATCH, "60", WHOLE_RUN]
PAUSED = {LAST_BATCH: 2, "60": 3, WHOLE_RUN: 3}


@pytest.mark.parametrize(
    ("with_what_came", "resumed", "one_more"),
    [
        pytest.param(
            True,
            {LAST_BATCH: 4, "60": 7, WHOLE_RUN: 7},
            {LAST_BATCH: 8, "60": 15, WHOLE_RUN: 15},
            id="collecting",
        ),
        pytest.param(
            False,
            {LAST_BATCH: 2, "60": 3, WHOLE_RUN: 7},
            {LAST_BATCH: 8, "60": 11, WHOLE_RUN: 15},
            id="not collecting",
        ),
    ],
)
@pytest.mark.parametrize("window", WINDOWS)
def test_a_pause(window, with_what_came, resumed, one_more):
    # Results 0 and 1 (1 and 2 hits) come before the pause, 2 (4 hits) in it, 3 (8 hits) after it.
    collector = filled(result(0, 1), result(1, 2))
    view = View(window)

    def hits(at_s):
        return int(view.shown(collector.snapshot, BEGAN_S + at_s).window.hits[0])

    view.pause(collector.seal(), BEGAN_S + 1.5)
    collector.add(result(2, 4), BEGAN_S + 2)
    assert hits(2) == PAUSED[window]

    collector.seal()
    view.resume(BEGAN_S + 2.5, with_what_came=with_what_came)
    assert hits(2.5) == resumed[window]

    collector.add(result(3, 8), BEGAN_S + 3)
    assert hits(3) == one_more[window]


def test_a_pause_leaves_a_gap_in_the_curves_only_if_asked_to():
    for with_what_came, rows in ((True, 7), (False, 3)):
        collector = filled(result(0, 1), result(1, 2))
        view = View(WHOLE_RUN)
        view.pause(collector.seal(), BEGAN_S + 1.5)
        collector.add(result(2, 4), BEGAN_S + 2)
        view.resume(BEGAN_S + 2.5, with_what_came=with_what_came)
        shown = view.shown(collector.snapshot, BEGAN_S + 2.5)
        assert sum(p.rows for p in shown.points) == rows


def test_a_new_run_forgets_what_pauses_left_out():
    collector = filled(result(0, 1))
    view = View(LAST_BATCH)
    view.shown(collector.snapshot, BEGAN_S)
    view.pause(collector.seal(), BEGAN_S + 1)
    view.resume(BEGAN_S + 9, with_what_came=False)
    collector.begin(run_record(2), None)
    assert view.shown(collector.snapshot, BEGAN_S + 9).window.rows == 0
    collector.add(result(0, 6, run=2), BEGAN_S + 5)
    assert view.shown(collector.snapshot, BEGAN_S + 9).window.hits[0] == 6


@pytest.mark.parametrize(
    ("time_s", "words"),
    [(0.0, "0 s"), (89.1e-6, "0.0891 ms"), (0.05346, "0.0535 s"), (99.4, "99.4 s"), (86400.0, "86,400 s")],
)
def test_a_live_time_is_told_however_short(time_s, words):
    assert seconds(time_s) == words
