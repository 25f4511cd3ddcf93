"""The three topics: what each is created with."""

from __future__ import annotations

from typing import Any, Final

from cosmo.settings import Settings

_TIMES: Final = {"message.timestamp.type": "LogAppendTime"}
"""The broker's clock, whatever a client writes: Spark does not get past one that overflows its us."""


def configurations(settings: Settings) -> dict[str, dict[str, Any]]:
    """Return partitions, replicas and settings of each topic, by its name."""
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
