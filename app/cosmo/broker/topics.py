"""The three topics: what each is created with, and brought to when the settings have changed."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

import kafka.errors
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from cosmo.errors import AccessRefused, BrokerError, SettingsError
from cosmo.settings import Settings

Configurations = dict[str, dict[str, Any]]
"""Partitions, replicas and settings of each topic, by its name."""

_TIMES: Final = {"message.timestamp.type": "LogAppendTime"}
"""The broker's clock, whatever a client writes: Spark does not get past one that overflows its us."""


def configurations(settings: Settings) -> Configurations:
    """Return what the topics should be."""
    stream, results, runs = settings.topics.stream, settings.topics.results, settings.topics.runs
    per_partition = stream.retention_mib * 2**20 // stream.partitions
    return {
        stream.name: {
            "num_partitions": stream.partitions,
            "replication_factor": 1,
            "configs": {
                "retention.bytes": str(per_partition),
                "retention.ms": "-1",
                "segment.bytes": str(_segment_bytes(per_partition)),
                "max.message.bytes": str(settings.producer.record_max_bytes),
                **_TIMES,
            },
        },
        results.name: {
            "num_partitions": 1,
            "replication_factor": 1,
            "configs": {
                "retention.bytes": str(results.retention_mib * 2**20),
                "retention.ms": str(results.retention_hours * 3_600_000),
                **_TIMES,
            },
        },
        runs.name: {
            "num_partitions": 1,
            "replication_factor": 1,
            # Compaction leaves the newest segment alone, and every reader reads the topic whole.
            "configs": {"cleanup.policy": "compact", "segment.bytes": str(2**20), **_TIMES},
        },
    }


def _segment_bytes(retention_bytes: int) -> int:
    """Return a segment size at which retention, which deletes whole segments, follows closely."""
    return min(2**30, max(2**24, retention_bytes // 8))


def apply(admin: KafkaAdminClient, wanted: Configurations, stream: str) -> list[str]:
    """Make the topics at the broker those that are wanted, and return what was changed.

    That is the name of each that was created, and a sentence for each setting of one that was there.

    Parameters
    ----------
    stream : name of the topic whose number of partitions is a setting; the others have one.

    Raises
    ------
    SettingsError : a topic has another number of partitions. A slice's number says which is its own, so a
        topic keeps the number that it was created with.
    """
    created = _create(admin, wanted)
    # A broker that has just started answers before it has learned of its topics.
    admin.wait_for_topics(list(wanted))
    for topic in admin.describe_topics(list(wanted)):
        require_partitions(wanted, stream, topic["name"], len(topic["partitions"]))
    return created + _configure(admin, wanted)


def require_partitions(wanted: Configurations, stream: str, name: str, found: int) -> None:
    """Refuse a topic with another number of partitions than is wanted; see `apply`."""
    expected = wanted[name]["num_partitions"]
    if found != expected:
        key = ", as topics.stream.partitions says" if name == stream else ""
        remedy = f"set it to {found}, or begin with" if name == stream else "begin with"
        raise SettingsError(
            f"expected the topic {name} to have {expected} partitions{key}, got {found}; "
            f"{remedy} another topic name"
        )


def _create(admin: KafkaAdminClient, wanted: Configurations) -> list[str]:
    created = []
    for name in sorted(wanted.keys() - set(admin.list_topics())):
        with suppress(kafka.errors.TopicAlreadyExistsError):
            admin.create_topics({name: wanted[name]})
            created.append(name)
    return created


def _configure(admin: KafkaAdminClient, wanted: Configurations) -> list[str]:
    """Set what differs from what is wanted, and leave what we have no opinion on."""
    asked = [_resource(name, dict.fromkeys(topic["configs"])) for name, topic in wanted.items()]
    answers = admin.describe_configs(asked, config_filter="all")["topic"]
    changes = []
    for name, topic in wanted.items():
        found = {key: answer["value"] for key, answer in answers[name].items()}
        if not found:
            raise AccessRefused(f"expected the settings of the topic {name}, got none; ask as admin")
        differing = {key: value for key, value in topic["configs"].items() if found[key] != value}
        if not differing:
            continue
        answer = admin.alter_configs([_resource(name, differing)], raise_on_unknown=False)["topic"][name]
        if answer != "OK":
            raise BrokerError(f"expected to set {differing} of the topic {name}, got {answer}; see its log")
        changes += [f"{name}: {key} {found[key]} -> {value}" for key, value in differing.items()]
    return changes


def _resource(name: str, configs: dict[str, Any]) -> ConfigResource:
    return ConfigResource(ConfigResourceType.TOPIC, name, configs=configs)
