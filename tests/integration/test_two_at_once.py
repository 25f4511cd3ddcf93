"""Two producers or two analyses, started by mistake: one of them ends by name, the sum stays exact."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

from exact_sum import assert_exact, summary_of
from kafka import KafkaProducer
from recordings import NewParts, Recording
from stream_parts import GIVE_UP_S, Parts, wait_until

REFUSED = 3


def streaming(recording: Recording, rows_per_s: float) -> dict[str, object]:
    return {
        "source__kind": "files",
        "source__files": [str(recording.path)],
        "source__loop": False,
        "producer__rows_per_s": rows_per_s,
        "producer__linger_ms": 100,
    }


def newest_pid(parts: Parts) -> int:
    newest = parts.newest_slice()
    return newest.producer.pid if newest else 0


def test_a_second_producer_is_refused(beam: Recording, new_parts: NewParts, tmp_path: Path, spark) -> None:
    parts = new_parts(**streaming(beam, rows_per_s=10_000))
    parts.begin_run()
    with parts.analysing(spark):
        first = parts.start("produce", host="telescope")
        wait_until(lambda: newest_pid(parts) == first.pid, "a slice of the first", by=first)
        here = parts.start("produce", log="here")
        elsewhere = parts.start(
            "produce", host="attic", document=parts.write_document(tmp_path / "attic"), log="elsewhere"
        )
        assert here.wait(GIVE_UP_S) == REFUSED
        assert elsewhere.wait(GIVE_UP_S) == REFUSED
        assert f"process {first.pid} is one already" in parts.log("here")
        assert f"telescope:{first.pid}:" in parts.log("elsewhere")
        assert first.wait(GIVE_UP_S) == 0
        parts.wait_until_through()
    assert_exact(parts, summary_of(beam.path))


def test_a_producer_that_was_asleep_is_superseded(
    beam: Recording, new_parts: NewParts, tmp_path: Path, spark
) -> None:
    parts = new_parts(**streaming(beam, rows_per_s=15_000))
    parts.begin_run()
    with parts.analysing(spark):
        asleep = parts.start("produce", log="asleep")
        wait_until(lambda: newest_pid(parts) == asleep.pid, "a slice of the first", by=asleep)
        asleep.send_signal(signal.SIGSTOP)  # as when its machine is suspended
        second = parts.start("produce", document=parts.write_document(tmp_path / "second"))
        wait_until(lambda: newest_pid(parts) == second.pid, "a slice of the second", by=second)
        asleep.send_signal(signal.SIGCONT)
        assert asleep.wait(GIVE_UP_S) == REFUSED
        assert f":{second.pid}:" in parts.log("asleep")
        assert second.wait(GIVE_UP_S) == 0
        parts.wait_until_through()
    assert_exact(parts, summary_of(beam.path))


def test_a_producer_does_not_take_for_its_own_what_is_written_in_its_name(
    beam: Recording, new_parts: NewParts
) -> None:
    parts = new_parts(**streaming(beam, rows_per_s=10_000))
    parts.begin_run()
    producer = parts.start("produce")
    newest = wait_until(parts.newest_slice, "a slice", by=producer)
    partitions = parts.settings.topics.stream.partitions
    copy = replace(newest, number=newest.number + 1000 * partitions)
    with KafkaProducer(bootstrap_servers=parts.settings.kafka_address, api_version=(2, 8)) as client:
        client.send(
            parts.settings.topics.stream.name,
            value=copy.text,
            headers=copy.headers(),
            partition=copy.number % partitions,
        )
    # All that it sent from now on would be repeats.
    assert producer.wait(GIVE_UP_S) == REFUSED
    again = parts.start("produce", log="again")
    wait_until(lambda: newest_pid(parts) == again.pid, "a slice that counts", by=again)
    assert parts.newest_slice().number > copy.number


def test_of_two_analyses_one_is_superseded(cosmics: Recording, new_parts: NewParts, tmp_path: Path) -> None:
    parts = new_parts(**streaming(cosmics, rows_per_s=50_000), analysis__slices_per_batch=16)
    parts.begin_run()
    producer = parts.start("produce")
    both = {
        "one": parts.start("analyse", log="one"),
        "two": parts.start("analyse", document=parts.write_document(tmp_path / "two"), log="two"),
    }
    wait_until(lambda: any(part.poll() is not None for part in both.values()), "the end of one of them")
    ended = "one" if both["one"].poll() is not None else "two"
    other = "two" if ended == "one" else "one"
    assert both[ended].wait() == REFUSED
    assert f":{both[other].pid}:" in parts.log(ended)

    assert producer.wait(GIVE_UP_S) == 0
    parts.wait_until_through()
    assert parts.stop(both[other]) == 0
    assert_exact(parts, summary_of(cosmics.path))
