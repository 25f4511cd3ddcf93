"""Records as they come out of Kafka."""

from __future__ import annotations

from dataclasses import dataclass

from cosmo.slice_records import Headers

Offsets = dict[int, int]
"""Offset by partition."""


@dataclass(frozen=True)
class Record:
    """One record of a topic."""

    partition: int
    offset: int
    timestamp_s: float
    key: bytes | None
    value: bytes | None
    headers: Headers

    def header(self, name: str) -> bytes | None:
        """Return the last header of a name, or None."""
        return dict(self.headers).get(name)

    def is_numbered(self, run: int) -> bool:
        """Whether this is a numbered message of a run."""
        number = self.header("number")
        return self.header("run") == str(run).encode() and number is not None and number.isdigit()

    @property
    def number(self) -> int:
        """Number of a numbered message."""
        return int(self.header("number") or b"-1")


@dataclass(frozen=True)
class Newest:
    """The newest numbered message of a run, and where the topic stood when it was looked for."""

    record: Record | None
    ends: Offsets  #: end of each partition
    highest: Offsets  #: highest number on each partition, -1 where there is none
