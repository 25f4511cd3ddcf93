"""What the broker says of its topics: partitions, offsets, bytes on disk, retention, first and last."""

from __future__ import annotations

from dataclasses import dataclass

import kafka
from kafka.admin import ConfigResource, ConfigResourceType

from cosmo.broker.connection import Connection, ends_of, read_between

CONFIGURATIONS = ("cleanup.policy", "retention.bytes", "retention.ms", "max.message.bytes")
"""What is told of a topic's configuration."""


@dataclass(frozen=True)
class PartitionDescription:
    """A partition of a topic."""

    partition: int
    start: int  #: offset of the first record kept
    end: int  #: offset of the next record
    size_bytes: int | None  #: on the broker's disk; None where it does not say
    first_s: float | None  #: Unix time of the first record kept; None where there is none
    last_s: float | None


@dataclass(frozen=True)
class TopicDescription:
    """A topic."""

    name: str
    configuration: dict[str, str]  #: of CONFIGURATIONS
    partitions: tuple[PartitionDescription, ...]


def describe(connection: Connection, names: list[str]) -> list[TopicDescription]:
    """Describe topics that exist."""
    with connection.admin() as admin:
        wanted = dict.fromkeys(CONFIGURATIONS)
        asked = [ConfigResource(ConfigResourceType.TOPIC, name, configs=wanted) for name in names]
        configurations = admin.describe_configs(asked, config_filter="all")["topic"] if names else {}
        sizes = _sizes(admin.describe_log_dirs(names)) if names else {}
    described = []
    with connection.consumer() as consumer:
        for name in names:
            configuration = {key: str(value["value"]) for key, value in configurations[name].items()}
            partitions = _partitions(consumer, name, sizes)
            described.append(TopicDescription(name, configuration, partitions))
    return described


def _partitions(
    consumer: kafka.KafkaConsumer, name: str, sizes: dict[tuple[str, int], int]
) -> tuple[PartitionDescription, ...]:
    ends = ends_of(consumer, name)
    places = [kafka.TopicPartition(name, partition) for partition in ends]
    starts = {place.partition: start for place, start in consumer.beginning_offsets(places).items()}
    firsts = consumer.offsets_for_times(dict.fromkeys(places, 0))
    last_records = read_between(consumer, name, {p: max(starts[p], end - 1) for p, end in ends.items()}, ends)
    lasts = {record.partition: record.timestamp_s for record in last_records}
    return tuple(
        PartitionDescription(
            partition=place.partition,
            start=starts[place.partition],
            end=ends[place.partition],
            size_bytes=sizes.get((name, place.partition)),
            first_s=first.timestamp / 1000 if (first := firsts.get(place)) else None,
            last_s=lasts.get(place.partition),
        )
        for place in places
    )


def _sizes(brokers: list[dict]) -> dict[tuple[str, int], int]:  # type: ignore[type-arg]  # the library's
    return {
        (topic["name"], partition["partition_index"]): partition["partition_size"]
        for broker in brokers
        for folder in broker["log_dirs"]
        for topic in folder["topics"]
        for partition in topic["partitions"]
    }
