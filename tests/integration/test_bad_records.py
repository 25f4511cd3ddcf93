"""Records that somebody else writes to the stream are counted by kind, and stop nobody."""

from __future__ import annotations

import random
import time

import pytest
from exact_sum import summary_of
from kafka import KafkaProducer
from recordings import SEED, NewParts, Recording
from stream_parts import GIVE_UP_S, Parts, wait_until

from against_oracle import as_oracle
from cosmo import runs
from cosmo.slice_records import SliceRecord

ONE_HIT = b"2,1,64,3869200167,100,3"
ONE_HIT_RECORDS = 40
BROKEN = (
    {"from": b"twelve"},
    {"to": b"-1"},
    {"number": b""},
    {"epoch": b"-7"},
    {"first_release": b"nan"},
    {"last_release": b"1e308"},
    {"rows_so_far": b"many"},
    {"producer": b"nobody"},
    {"read_head": b"{"},
)


class NoText(str):
    """A name of a header that is not UTF-8, as clients that are no Python or Java can send."""

    def encode(self, *_: str) -> bytes:
        return b"\xff\xfe"


@pytest.fixture
def parts(beam: Recording, new_parts: NewParts) -> Parts:
    return new_parts(
        source__kind="files",
        source__files=[str(beam.path)],
        source__loop=False,
        producer__rows_per_s=20_000,
        producer__linger_ms=100,
    )


def test_they_are_counted_and_stop_nobody(parts: Parts, beam: Recording, spark) -> None:
    parts.begin_run()
    with parts.analysing(spark):
        producer = parts.start("produce")
        newest = wait_until(parts.newest_slice, "a slice", by=producer)
        n_malformed, n_foreign = write_bad_records(parts, newest)
        assert parts.stop(producer) == 0
        assert parts.rows_sent() < beam.rows, "they came in mid-stream"
        assert parts.start("produce").wait(GIVE_UP_S) == 0, "a start that has to look past them"
        total = parts.wait_until_through()

    assert (total.unframed, total.malformed_slices, total.foreign_slices) == (
        ONE_HIT_RECORDS,
        n_malformed,
        n_foreign,
    )
    assert total.lost_slices == 0
    said, expected = as_oracle(total), as_oracle(summary_of(beam.path))
    # Hits of unframed records are in statistics 1-3 only: chamber 3 is FPGA 1, channels from 64 on.
    expected["hits"][3] += ONE_HIT_RECORDS
    expected["occupancy"][3][0] += ONE_HIT_RECORDS
    expected["unframed"] = ONE_HIT_RECORDS
    expected["rows"] += ONE_HIT_RECORDS
    expected["malformed_slices"] = n_malformed
    assert said == expected
    assert parts.rows_sent() == beam.rows
    account = runs.account(parts.broker, parts.run)
    assert account.is_closed, "a stranger's rows are not the producer's"
    assert (account.rows_accounted, account.rows_unframed) == (beam.rows, ONE_HIT_RECORDS)


def test_a_time_in_nanoseconds_stops_nobody(new_parts: NewParts, spark) -> None:
    parts = new_parts()
    parts.begin_run()
    with parts.analysing(spark), KafkaProducer(bootstrap_servers=parts.settings.kafka_address) as client:
        sent = client.send(parts.settings.topics.stream.name, ONE_HIT, timestamp_ms=time.time_ns())
        sent.get(GIVE_UP_S)
        assert parts.wait_until_through(within_s=60).unframed == 1
    (record,) = parts.slice_records()
    assert 0 <= time.time() - record.timestamp_s < GIVE_UP_S, "it is the broker's time"


def test_the_marker_of_a_transaction_is_not_waited_for(new_parts: NewParts, spark) -> None:
    parts = new_parts()
    topic = parts.settings.topics.stream.name
    parts.begin_run()
    with parts.analysing(spark):
        with KafkaProducer(
            bootstrap_servers=parts.settings.kafka_address, transactional_id="a stranger"
        ) as client:
            client.init_transactions()
            client.begin_transaction()
            client.send(topic, ONE_HIT, partition=0)
            client.commit_transaction()
        wait_until(lambda: parts.broker.end_offsets(topic)[0] == 2, "the record and its marker")
        assert runs.drain(parts.broker, parts.run) <= 1
    assert parts.total().unframed == 1


def write_bad_records(parts: Parts, newest: SliceRecord) -> tuple[int, int]:
    """Write what does not belong into the stream; return the number of malformed and of foreign slices."""
    topic, partitions = parts.settings.topics.stream.name, parts.settings.topics.stream.partitions
    client = KafkaProducer(
        bootstrap_servers=parts.settings.kafka_address, api_version=(2, 8), max_request_size=2 << 20
    )

    def write(value: bytes | None, headers: dict[str, bytes] | None = None, partition: int = 0) -> None:
        client.send(
            topic, key=b"stranger", value=value, headers=list((headers or {}).items()), partition=partition
        )

    n_malformed = 0
    write(None)
    write(random.Random(SEED).randbytes(1 << 20))
    write(None, {NoText("name"): b""})
    write(None, {"run": b"9" * 5000, "number": b"9" * 5000})
    n_malformed += 4
    for _ in range(ONE_HIT_RECORDS):
        write(ONE_HIT)
    # What comes later in the run, but broken: a reader that believed it would wait for ever.
    later = newest.number + 1000 * partitions
    good = dict(newest.headers()) | {"number": str(later).encode()}
    partition = later % partitions
    for broken in BROKEN:
        write(b"", good | broken, partition)
        n_malformed += 1
    for missing in ("from", "producer", "carry"):
        write(b"", {name: header for name, header in good.items() if name != missing}, partition)
        n_malformed += 1
    write(None, good, partition)
    write(b"", good, (partition + 1) % partitions)
    n_malformed += 2
    for run in (0, newest.run + 1):
        write(ONE_HIT, good | {"run": str(run).encode()}, partition)
    client.flush()
    client.close()
    return n_malformed, 2
