"""Records as they come out of Kafka."""

from __future__ import annotations

from dataclasses import dataclass

from cosmo.slice_records import Headers

Offsets = dict[int, int]
"""Offset by partition."""
_MOST_DIGITS = 18  #: all of them fit 64 bits


@dataclass(frozen=True)
class Record:
    """One record of a topic."""

    partition: int
    offset: int
    timestamp_s: float  #: Unix time at which the broker took it
    key: bytes | None
    value: bytes | None
    headers: Headers

    def header(self, name: str) -> bytes | None:
        """Return the last header of a name, or None."""
        return dict(self.headers).get(name)

    def is_numbered(self, run: int) -> bool:
        """Whether this is a numbered message of a run."""
        return self.header("run") == str(run).encode() and whole_number(self.header("number")) is not None

    @property
    def number(self) -> int:
        """Number of a numbered message, -1 of any other."""
        number = whole_number(self.header("number"))
        return -1 if number is None else number


def whole_number(header: bytes | None) -> int | None:
    """Return the number of 0 or more in a header, or None; too many digits are none."""
    return int(header) if header and header.isdigit() and len(header) <= _MOST_DIGITS else None


@dataclass(frozen=True)
class Newest:
    """The newest numbered message of a run, and where the topic stood when it was looked for."""

    record: Record | None
    ends: Offsets  #: end of each partition
    highest: Offsets  #: highest number on each partition, -1 where there is none
