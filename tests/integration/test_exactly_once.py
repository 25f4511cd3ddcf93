"""The sum of what went through Kafka and Spark is the oracle's, also when parts are killed on the way."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from embedded_broker import LOCALHOST
from exact_sum import assert_exact, summary_of
from growing_file import GrowingFile
from jsonschema import Draft202012Validator
from recordings import SEED, NewParts, Recording
from stream_parts import GIVE_UP_S, Parts, wait_until

from against_oracle import as_oracle
from cosmo.results import SummaryMessage, result_schema
from cosmo.slice_records import SliceRecord
from oracle.summary import of_file_bytes
from sample_rows import recording

IN_FLIGHT_ROWS_PER_S = 50_000
FAST_ROWS_PER_S = 100_000
RESULT_MAX_BYTES = 256 * 1024
SIGKILLED = -9


def files(*paths: Path, rows_per_s: float = IN_FLIGHT_ROWS_PER_S) -> dict[str, object]:
    """Give the settings that stream recordings once, a slice every 200 ms."""
    return {
        "source__kind": "files",
        "source__files": [str(path) for path in paths],
        "source__loop": False,
        "producer__rows_per_s": rows_per_s,
        "producer__linger_ms": 200,
    }


@pytest.fixture(scope="module")
def told_by_oracle(cosmics: Recording) -> Iterator[Future]:
    """Let the oracle, which takes most of a minute, count a million rows beside the other tests."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield pool.submit(of_file_bytes, cosmics.path.read_bytes())


@pytest.mark.parametrize(
    "name", ["minidt_cosmics_74rows.txt", "minidt_beam_67000rows.csv.gz"], ids=["cosmics", "beam"]
)
def test_a_recording(name: str, new_parts: NewParts, spark, tmp_path: Path) -> None:
    rows = recording(name)
    path = tmp_path / "recording.csv"
    path.write_bytes(rows)
    parts = new_parts(**files(path))
    parts.begin_run()
    with parts.analysing(spark):
        parts.produce()
        parts.wait_until_through()
    expected = summary_of(path)
    assert as_oracle(expected) == of_file_bytes(rows)
    assert_exact(parts, expected)
    assert expected.rows == len(rows.splitlines()) - expected.header_lines


@pytest.mark.usefixtures("told_by_oracle")
def test_a_million_rows_fast(cosmics: Recording, new_parts: NewParts, spark) -> None:
    parts = new_parts(**files(cosmics.path, rows_per_s=FAST_ROWS_PER_S))
    parts.begin_run()
    with parts.analysing(spark):
        parts.produce()
        parts.wait_until_through()
    total = assert_exact(parts, summary_of(cosmics.path))
    assert total.rows == cosmics.rows
    assert (total.late, total.clock_jump, total.split_slices) == (0, 0, 0)

    sizes = [len(result.to_json()) for result in parts.results()]
    assert max(sizes) < RESULT_MAX_BYTES
    validator = Draft202012Validator(result_schema())
    for result in parts.results():
        validator.validate(json.loads(result.to_json()))
    print(f"\n{len(sizes)} results, the largest of {max(sizes)} bytes")  # noqa: T201 - for who runs this with -s


def test_drift_times_are_the_true_ones(cosmics: Recording) -> None:
    # The stream's histogram equals this one by test_a_million_rows_fast.
    drift_time = summary_of(cosmics.path).drift_time
    for chamber in range(4):
        true_30th_ns = np.concatenate(
            [truth.drift_time_30th_ns[truth.chamber == chamber] for truth in cosmics.truth]
        )
        edges = 30 * np.arange(-100, 501)
        # The last bin of np.histogram is closed on the right, ours is open.
        inside, _ = np.histogram(true_30th_ns[true_30th_ns < edges[-1]], edges)
        below, above = (true_30th_ns < edges[0]).sum(), (true_30th_ns >= edges[-1]).sum()
        assert drift_time[chamber, :].values(flow=True).tolist() == [below, *inside, above]


def test_the_analysis_is_killed_five_times(endless_cosmics: GrowingFile, new_parts: NewParts) -> None:
    rng = random.Random(SEED)
    parts = new_parts(**files(endless_cosmics.path), analysis__slices_per_batch=16)
    parts.begin_run()
    producer = parts.start("produce")

    def started(**options: str) -> subprocess.Popen:
        # Spark's start takes 10 s, or 60 on a busy machine: rows enough for a backlog, then a pause.
        wait_until(parts.newest_slice, "rows to begin with", by=producer)
        with paused(producer):
            starts = parts.log("analyse").count("analysing run")
            analysis = parts.start("analyse", **options)
            wait_until(
                lambda: parts.log("analyse").count("analysing run") > starts, "Spark's start", by=analysis
            )
        return analysis

    # Message 1 is the result that says that the analysis has started.
    for edge in ("publish", "sent", "published"):
        moment = f"{edge}:{rng.randint(2, 6)}"
        analysis = started(die=moment)
        assert analysis.wait(GIVE_UP_S) == SIGKILLED, moment
        parts.kill(analysis)
    for _ in range(2):
        analysis = started()
        wait_until(partial(measured_by, parts, analysis), "rows measured by this process", by=analysis)
        kill_after(parts, analysis, rng.uniform(0.0, 1.5))
    assert producer.poll() is None, "data in flight at every moment"

    analysis = started()
    parts.finish(producer, endless_cosmics)
    parts.wait_until_through()
    assert parts.stop(analysis) == 0
    assert_exact(parts, summary_of(endless_cosmics.path))


def test_the_producer_is_killed_five_times(cosmics: Recording, new_parts: NewParts, spark) -> None:
    rng = random.Random(SEED)
    parts = new_parts(**files(cosmics.path))
    parts.begin_run()
    with parts.analysing(spark):
        for edge in ("publish", "sent", "acked"):
            moment = f"{edge}:{rng.randint(1, 15)}"
            assert parts.start("produce", die=moment).wait(GIVE_UP_S) == SIGKILLED, moment
        for _ in range(2):
            producer = parts.start("produce")
            wait_until(partial(sent_by, parts, producer), "a slice of this process", by=producer)
            kill_after(parts, producer, rng.uniform(0.0, 2.0))
        rows_so_far = parts.rows_sent()
        assert parts.start("produce").wait(GIVE_UP_S) == 0
        parts.wait_until_through()
    assert 0 < rows_so_far < cosmics.rows, "all were killed in mid-stream"
    assert_exact(parts, summary_of(cosmics.path))


def test_values_are_compressed_from_a_restart_on(cosmics: Recording, new_parts: NewParts, spark) -> None:
    parts = new_parts(**files(cosmics.path))
    parts.begin_run()
    with parts.analysing(spark):
        plain = parts.start("produce")
        wait_until(lambda: parts.rows_sent() > 0, "rows as CSV lines", by=plain)
        assert parts.stop(plain) == 0
        document = parts.write_document(
            parts.folder, producer__compression="lz4", producer__rows_per_s="maximum"
        )
        assert parts.start("produce", document=document).wait(GIVE_UP_S) == 0
        parts.wait_until_through()
    assert_exact(parts, summary_of(cosmics.path))

    records = parts.slice_records()
    compressed = [record for record in records if ("encoding", b"lz4") in record.headers]
    as_text = [record for record in records if record.value and record not in compressed]
    assert all(record.value.startswith(b"2,") or record.value.startswith(b"HEAD") for record in as_text)
    assert as_text
    assert compressed
    rows = sum(SliceRecord.read(record.headers, record.value).rows for record in compressed)
    assert sum(len(record.value) for record in compressed) < 15 * rows, "a row has 25 bytes"


def test_summarise_says_what_the_oracle_says(cosmics: Recording, told_by_oracle: Future) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "cosmo", "--config", LOCALHOST, "summarise", "--json", cosmics.path],
        capture_output=True,
        timeout=60,
        check=True,
    )
    summary = SummaryMessage.model_validate_json(ended.stdout).summary()
    assert as_oracle(summary) == told_by_oracle.result()


def measured_by(parts: Parts, process: subprocess.Popen) -> bool:
    results = reversed(parts.results())
    return any(f":{process.pid}:" in r.analysis and r.summary.numbers.seen for r in results)


@contextmanager
def paused(process: subprocess.Popen) -> Iterator[None]:
    process.send_signal(signal.SIGSTOP)
    yield
    process.send_signal(signal.SIGCONT)


def sent_by(parts: Parts, process: subprocess.Popen) -> bool:
    newest = parts.newest_slice()
    return newest is not None and newest.producer.pid == process.pid


def kill_after(parts: Parts, process: subprocess.Popen, seconds: float) -> None:
    """Kill a process at a moment that nothing in it has chosen."""
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(seconds)
    parts.kill(process)
