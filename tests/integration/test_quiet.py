"""Starts, stops and silence: what a part says when there is nothing to do, and how it goes on."""

from __future__ import annotations

import logging
import threading
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest
from exact_sum import assert_exact, summary_of
from recordings import NewParts, Recording
from stream_parts import GIVE_UP_S, Parts, wait_until

from cosmo.analysis import HEARTBEAT_S
from cosmo.producer import IDLE_SLICE_S, produce


def streaming(recording: Recording, rows_per_s: float) -> dict[str, object]:
    return {
        "source__kind": "files",
        "source__files": [str(recording.path)],
        "source__loop": False,
        "producer__rows_per_s": rows_per_s,
        "producer__linger_ms": 100,
    }


def test_a_quiet_stream_still_has_results(new_parts: NewParts, spark) -> None:
    parts = new_parts()
    parts.begin_run()
    with parts.analysing(spark):
        wait_until(lambda: len(parts.results()) >= 3, "heartbeats", within_s=4 * HEARTBEAT_S)
    results = parts.results()
    published = [datetime.fromisoformat(result.published) for result in results[:3]]
    gaps_s = [(after - before).total_seconds() for before, after in pairwise(published)]
    assert max(gaps_s) < HEARTBEAT_S + 2
    assert gaps_s[-1] > HEARTBEAT_S - 0.1  # Spark begins with an empty batch
    assert all(result.summary.summary().rows == 0 for result in results)


def test_a_quiet_source_still_has_slices(new_parts: NewParts) -> None:
    parts = new_parts(source__kind="cosmics", producer__rows_per_s=0.01)
    parts.begin_run()
    with parts.producing():
        newest = wait_until(parts.newest_slice, "an empty slice", within_s=3 * IDLE_SLICE_S)
    assert (newest.number, newest.rows) == (0, 0)


def test_the_producer_waits_for_a_run_and_says_so_once(
    beam: Recording, new_parts: NewParts, caplog: pytest.LogCaptureFixture
) -> None:
    parts = new_parts(**streaming(beam, rows_per_s=1e6))
    parts.broker.create_topics()
    looks = 0

    class Patient(threading.Event):
        """A stop that does not come; begins a run at the third time that somebody waits for it."""

        def wait(self, timeout: float | None = None) -> bool:
            nonlocal looks
            looks += 1
            if looks == 3:
                parts.begin_run()
            return super().wait(timeout)

    with caplog.at_level(logging.INFO, "cosmo"):
        produce(parts.settings, Patient())
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(said) == 1
    assert said[0].startswith("waiting for the broker and a run: expected a run that is on")
    assert parts.rows_sent() == beam.rows


def test_a_missing_file_is_exit_code_2(new_parts: NewParts, tmp_path: Path) -> None:
    parts = new_parts(source__kind="files", source__files=[str(tmp_path / "no" / "such.csv")])
    parts.begin_run()
    assert parts.start("produce").wait(GIVE_UP_S) == 2
    (line,) = parts.log("produce").splitlines()
    assert "such.csv: expected a file" in line


def test_a_stopped_producer_leaves_its_carry_and_goes_on(beam: Recording, new_parts: NewParts, spark) -> None:
    parts = new_parts(**streaming(beam, rows_per_s=20_000))
    parts.begin_run()
    with parts.analysing(spark):
        producer = parts.start("produce")
        wait_until(lambda: parts.rows_sent() > beam.rows // 4, "a quarter of the rows", by=producer)
        assert parts.stop(producer) == 0
        stopped = parts.newest_slice()
        assert_ends_once_on_each_partition(parts)
        assert stopped.rows_so_far < beam.rows
        assert stopped.carry_rows == len(stopped.carry.splitlines()) > 0

        assert parts.start("produce").wait(GIVE_UP_S) == 0
        assert_ends_once_on_each_partition(parts)
        parts.wait_until_through()
    assert_exact(parts, summary_of(beam.path))


def assert_ends_once_on_each_partition(parts: Parts) -> None:
    """Check that the newest slice of each partition is an empty one that marks an end."""
    last = {record.partition: record for record in parts.slice_records()}
    assert sorted(last) == list(range(parts.settings.topics.stream.partitions))
    for record in last.values():
        assert (record.header("end"), record.header("rows"), record.value) == (b"1", b"0", b"")
