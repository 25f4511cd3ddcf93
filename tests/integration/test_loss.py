"""Slices that are taken out of the topic on purpose are found lost, exactly those."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace

from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from recordings import SEED, NewParts, Recording
from stream_parts import Parts

from against_oracle import as_oracle
from cosmo.broker import Offsets, Record
from cosmo.slice_records import SliceRecord
from cosmo.statistics import Summary

SLICES = 50  # at least, from a slice every 20 ms


def recorded(new_parts: NewParts, beam: Recording) -> tuple[Parts, list[Record]]:
    """Stream the recording, and return its records in the order of their numbers."""
    parts = new_parts(
        source__kind="files",
        source__files=[str(beam.path)],
        source__loop=False,
        producer__rows_per_s=40_000,
        producer__linger_ms=20,
    )
    parts.begin_run()
    parts.produce()
    records = sorted(parts.slice_records(), key=lambda record: record.number)
    assert len(records) > SLICES
    return parts, records


def copy(parts: Parts, records: Iterable[Record]) -> None:
    """Write records to another stream, as they are."""
    producer = KafkaProducer(bootstrap_servers=parts.settings.kafka_address, api_version=(2, 8))
    for record in records:
        producer.send(
            parts.settings.topics.stream.name,
            value=record.value,
            headers=list(record.headers),
            partition=record.partition,
        )
    producer.flush()
    producer.close()


def sum_of(records: Iterable[Record]) -> Summary:
    return Summary.of([SliceRecord.read(record.headers, record.value) for record in records])


def test_slices_left_out_are_found(beam: Recording, new_parts: NewParts, spark) -> None:
    original, records = recorded(new_parts, beam)
    run, partitions = original.run, original.settings.topics.stream.partitions
    # The last slice of each partition is an empty one that marks the end: it shows the loss of those before.
    lost = {0, 1, len(records) - partitions - 1}
    lost |= set(random.Random(SEED).sample(range(2, len(records) - partitions - 1), 7))
    kept = [record for record in records if record.number not in lost]

    parts = new_parts()
    parts.begin_run()
    assert parts.run.number == run.number, "so that the slices are this run's"
    copy(parts, kept)
    with parts.analysing(spark):
        total = parts.wait_until_through()
    assert total.numbers.missing_numbers() == sorted(lost)
    assert total.lost_slices == len(lost)
    assert as_oracle(total) == as_oracle(sum_of(kept))


def test_slices_deleted_by_the_broker_are_found(beam: Recording, new_parts: NewParts, spark) -> None:
    parts, records = recorded(new_parts, beam)
    before = {0: 7, 1: 11}  # offset by partition
    delete_up_to(parts, before)
    with parts.analysing(spark):
        total = parts.wait_until_through()
    lost = [record.number for record in records if record.offset < before[record.partition]]
    assert total.numbers.missing_numbers() == lost
    kept = [record for record in records if record.number not in lost]
    assert as_oracle(total) == as_oracle(sum_of(kept))


def test_slices_deleted_before_they_are_read_are_found_with_the_next(
    beam: Recording, new_parts: NewParts, spark
) -> None:
    original, records = recorded(new_parts, beam)
    half = len(records) // 2
    lost = [record for record in records[half:] if record.partition == 0]  # with the end mark
    kept = [record for record in records if record not in lost]
    parts = new_parts()
    parts.begin_run()
    copy(parts, records[:half])
    with parts.analysing(spark):
        parts.wait_until_through()

    copy(parts, records[half:])
    delete_up_to(parts, {0: parts.broker.end_offsets(parts.settings.topics.stream.name)[0]})
    with parts.analysing(spark):
        total = parts.wait_until_accounted(sum_of(kept).rows)
        assert total.lost_slices == 0, "nothing newer of partition 0 is known, so nothing can be missed yet"
        number = lost[-1].number + original.settings.topics.stream.partitions
        headers = dict(lost[-1].headers) | {"number": str(number).encode()}
        copy(parts, [replace(lost[-1], headers=list(headers.items()))])
        total = parts.wait_until_through()
    assert total.numbers.missing_numbers() == [record.number for record in lost]
    assert as_oracle(total) == as_oracle(sum_of(kept))


def delete_up_to(parts: Parts, offsets: Offsets) -> None:
    """Let the broker delete the records below an offset of each partition, as retention does."""
    topic = parts.settings.topics.stream.name
    admin = KafkaAdminClient(bootstrap_servers=parts.settings.kafka_address, api_version=(2, 8))
    admin.delete_records({TopicPartition(topic, partition): offset for partition, offset in offsets.items()})
    admin.close()
