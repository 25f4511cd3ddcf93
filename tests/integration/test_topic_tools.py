"""topics, tail and send, as commands against the real broker."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from recordings import NewParts
from stream_parts import Parts, wait_until

HITS = [b"2,0,17,3387200000,1,2", b"2,0,18,3387200000,7,0", b"not a hit"]


@pytest.fixture
def parts(new_parts: NewParts) -> Parts:
    parts = new_parts()
    parts.broker.create_topics()
    return parts


def cosmo(
    parts: Parts, *arguments: str, given: bytes = b"", expected: int = 0, document: Path | None = None
) -> tuple[str, str]:
    """Run a command; return what it prints and what it says."""
    argv = [sys.executable, "-m", "cosmo", "--config", str(document or parts.document), *arguments]
    ended = subprocess.run(argv, input=given, capture_output=True, timeout=60, check=False)
    assert ended.returncode == expected, ended.stderr.decode()
    return ended.stdout.decode(), ended.stderr.decode()


def test_missing_topics_are_created_once(new_parts: NewParts) -> None:
    parts = new_parts()
    names = sorted(parts.settings.topics.model_dump()[each]["name"] for each in ("stream", "results", "runs"))
    assert cosmo(parts, "tail", "stream", expected=1)[1].startswith("cosmo: expected the topic")
    assert cosmo(parts, "topics", "--create")[0].split() == names
    assert cosmo(parts, "topics", "--create")[0] == ""
    assert set(names) <= set(cosmo(parts, "topics")[0].split())


def test_topics_that_exist_follow_the_settings(parts: Parts) -> None:
    stream, results = parts.settings.topics.stream, parts.settings.topics.results
    kept_ms = results.retention_hours * 3_600_000
    document = parts.write_document(
        parts.folder / "changed",
        topics__stream={**stream.model_dump(), "retention_mib": 256},
        topics__results={**results.model_dump(), "retention_hours": results.retention_hours + 1},
    )
    changed = cosmo(parts, "topics", "--create", document=document)[0]
    assert changed.splitlines() == [
        f"{stream.name}: retention.bytes {2**32} -> {2**27}",
        f"{stream.name}: segment.bytes {2**29} -> {2**24}",
        f"{results.name}: retention.ms {kept_ms} -> {kept_ms + 3_600_000}",
    ]
    assert cosmo(parts, "topics", "--create", document=document)[0] == ""
    described = {topic.name: topic.configuration for topic in parts.broker.describe_topics()}
    assert described[stream.name]["retention.bytes"] == str(2**27)
    assert described[stream.name]["max.message.bytes"] == str(parts.settings.producer.record_max_bytes)


def test_the_number_of_partitions_stays(parts: Parts) -> None:
    stream = parts.settings.topics.stream
    document = parts.write_document(
        parts.folder / "changed",
        topics__stream={**stream.model_dump(), "partitions": stream.partitions + 1, "retention_mib": 1},
    )
    said = cosmo(parts, "topics", "--create", expected=2, document=document)[1]
    assert said == (
        f"cosmo: expected the topic {stream.name} to have {stream.partitions + 1} partitions, as "
        f"topics.stream.partitions says, got {stream.partitions}; set it to {stream.partitions}, "
        f"or begin with another topic name\n"
    )
    assert cosmo(parts, "topics", "--create")[0] == "", "nothing was changed"


def test_lines_are_sent_and_shown(parts: Parts) -> None:
    _, said = cosmo(parts, "send", "stream", given=b"\n".join(HITS) + b"\n")
    assert said.startswith(
        f"sent 3 records, {sum(map(len, HITS))} bytes, to {parts.settings.topics.stream.name}, "
    )
    shown = cosmo(parts, "tail", "stream")[0].splitlines()
    assert sorted(line.split("unframed: ")[1] for line in shown) == sorted(repr(hit.decode()) for hit in HITS)
    assert len(cosmo(parts, "tail", "-n", "2", parts.settings.topics.stream.name)[0].splitlines()) == 2
    (topic,) = (
        each
        for each in json.loads(cosmo(parts, "topics", "--json")[0])
        if each["name"] == parts.settings.topics.stream.name
    )
    assert sum(part["end"] - part["start"] for part in topic["partitions"]) == 3
    assert all(part["size_bytes"] > 0 for part in topic["partitions"] if part["end"])
    assert all((part["first_s"] is None) == (part["end"] == 0) for part in topic["partitions"])
    described = cosmo(parts, "topics", "--describe")[0]
    assert f"{parts.settings.topics.stream.retention_mib:,} MiB" in described
    assert "newest of each key" in described


def test_results_and_runs_are_read_aloud(parts: Parts) -> None:
    argv = [sys.executable, "-m", "cosmo", "--config", str(parts.document), "fake", "--publish", "--past=12"]
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) as fake:
        wait_until(lambda: len(parts.broker.results(1, -1)) >= 12, "results are published", by=fake)
        refused = cosmo(parts, "fake", "--publish", expected=3)[1]
        fake.terminate()
        assert fake.stderr is not None
        said = fake.stderr.read()
        assert fake.wait(20) == 0
    assert "number 1 is on" in refused
    published = int(said.split("published ")[1].split()[0])
    assert "run 1 'invented cosmics, no detector behind them'" in cosmo(parts, "tail", "runs")[0]
    lines = cosmo(parts, "tail", "results")[0].splitlines()
    assert ["run 1 result" in line and "backlog" in line for line in lines] == [True] * 10
    assert len(cosmo(parts, "tail", "results", "--from-beginning")[0].splitlines()) == published
    (newest,) = cosmo(parts, "tail", "results", "--json", "-n", "1")[0].splitlines()
    assert json.loads(newest)["result"]["number"] == published - 1


def test_what_comes_is_followed(parts: Parts) -> None:
    argv = [sys.executable, "-m", "cosmo", "--config", str(parts.document), "tail", "-f", "-n", "1", "stream"]
    cosmo(parts, "send", "stream", given=b"first\n")
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as tail:
        assert tail.stdout is not None
        assert "'first'" in tail.stdout.readline()
        cosmo(parts, "send", "stream", given=b"second\n")
        assert "'second'" in tail.stdout.readline()
        tail.terminate()
        assert tail.wait(20) == 0


def test_a_line_too_long_says_how_far_it_came(parts: Parts) -> None:
    longest = parts.settings.producer.record_max_bytes
    _, said = cosmo(parts, "send", "stream", given=b"short\n" + b"0" * (longest + 70_000) + b"\n", expected=1)
    assert "records were acknowledged before" in said
    wait_until(lambda: len(cosmo(parts, "tail", "stream")[0].splitlines()) == 1, "the first line is there")
