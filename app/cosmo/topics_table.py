"""Topics as a person reads them."""

from __future__ import annotations

from datetime import datetime

from rich.table import Table

from cosmo.broker import TopicDescription
from cosmo.slice_records import date_or_number


def topics_table(topics: list[TopicDescription]) -> Table:
    """Return a table with a line a partition."""
    table = Table(box=None, pad_edge=False)
    for name in ("TOPIC", "KEPT"):
        table.add_column(name)
    for name in ("PARTITION", "OFFSETS", "MB"):
        table.add_column(name, justify="right")
    for name in ("FIRST", "LAST"):
        table.add_column(name)
    for topic in topics:
        for part in topic.partitions:
            is_first = part is topic.partitions[0]
            table.add_row(
                topic.name if is_first else "",
                _kept(topic) if is_first else "",
                str(part.partition),
                f"{part.start:,} to {part.end:,}",
                "" if part.size_bytes is None else f"{part.size_bytes / 1e6:,.1f}",
                _local(part.first_s),
                _local(part.last_s),
            )
    return table


def _kept(topic: TopicDescription) -> str:
    """Say how long records stay; Kafka's -1 is for ever."""
    settings = topic.configuration
    if settings.get("cleanup.policy") == "compact":
        return "newest of each key"
    bounds = []
    if (size_bytes := int(settings.get("retention.bytes", -1))) >= 0:
        bounds.append(f"{size_bytes * len(topic.partitions) / 2**20:,.0f} MiB")
    if (time_ms := int(settings.get("retention.ms", -1))) >= 0:
        bounds.append(f"{time_ms / 3_600_000:,.0f} h")
    return ", ".join(bounds) or "for ever"


def _local(unix_s: float | None) -> str:
    return "" if unix_s is None else date_or_number(unix_s, _local_date)


def _local_date(unix_s: float) -> str:
    return f"{datetime.fromtimestamp(unix_s).astimezone():%Y-%m-%d %H:%M:%S}"
