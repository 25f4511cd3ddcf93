"""A stream of one kind of rows: what was sent, what became of it, and whether the oracle agrees."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from stream_parts import GIVE_UP_S, Parts, Process, wait_until

from against_oracle import as_oracle
from cosmo.results import Result
from cosmo.settings import Settings
from cosmo.slice_records import SliceRecord
from cosmo.statistics import Summary

from .data import Data
from .latency import Published, Sent

RECORDS_AT_ONCE = 128
LOOK_S = 0.5
"""Between two looks at what is measured: seldom, so that looking costs it little."""


@dataclass(frozen=True)
class Account:
    """Rows in, rows out, and whether every bin is the oracle's."""

    what: str
    rows_in: int
    rows_accounted: int
    equals_oracle: bool | None = None  #: None where it was not asked

    @property
    def is_right(self) -> bool:
        return self.rows_in == self.rows_accounted and self.equals_oracle is not False

    def __str__(self) -> str:
        relation = "=" if self.rows_in == self.rows_accounted else "BUT"
        oracle = {None: "", True: "; every bin equals the oracle's", False: "; THE ORACLE DIFFERS"}
        return (
            f"{self.what}: {self.rows_in:,} rows in {relation} {self.rows_accounted:,} rows accounted"
            f"{oracle[self.equals_oracle]}"
        )


class Stream:
    """Rows of one kind, looped over, in topics of their own."""

    def __init__(self, settings: Settings, folder: Path, name: str, data: Data, **changes: object) -> None:
        self.data = data
        self.parts = Parts(
            settings, folder / name, name, source__kind="files", source__files=[str(data.path)], **changes
        )
        self.run = self.parts.begin_run("benchmark")

    def start_producer(self, rows_per_s: float | str, *, loop: bool = True) -> Process:
        """Start a producer that goes on from the newest slice."""
        document = self.parts.write_document(
            self.parts.folder, source__loop=loop, producer__rows_per_s=rows_per_s
        )
        return self.parts.start("produce", document=document)

    def end_pass(self) -> None:
        """Send the rest of the pass begun, as fast as it goes, so that the whole is a number of passes."""
        producer = self.start_producer("maximum", loop=False)
        assert producer.wait(GIVE_UP_S) == 0, "expected the producer to reach the file's end"

    def lay(self, rows: int) -> int:
        """Send whole passes of at least so many rows, as fast as it goes, and return their number of rows."""
        producer = self.start_producer("maximum")
        wait_until(lambda: self.parts.rows_sent() >= rows, f"{rows} rows in the stream", by=producer)
        assert self.parts.stop(producer) == 0
        self.end_pass()
        return self.parts.rows_sent()

    def passes(self) -> int:
        newest = self.parts.newest_slice()
        assert newest is not None
        return newest.read_head.pass_number + 1

    def account(self, what: str, results: list[Result]) -> Account:
        """Compare the sum of results with what was sent, and with the oracle, after whole passes."""
        total = sum((result.summary.summary() for result in results), Summary.empty())
        whole = not (total.lost_slices or total.repeated_slices or total.foreign_slices)
        equal = as_oracle(total) == self.data.one_pass.times(self.passes())
        return Account(what, self.parts.rows_sent(), total.rows_in_slices, whole and equal)

    def sent(self, start: dict[int, int]) -> list[Sent]:
        """Return what the stream's headers say, from offsets on; a part of the records at a time."""
        broker, topic = self.parts.broker, self.parts.settings.topics.stream.name
        seen: list[Sent] = []
        for partition, end in broker.end_offsets(topic).items():
            for first in range(start.get(partition, 0), end, RECORDS_AT_ONCE):
                stop = min(end, first + RECORDS_AT_ONCE)
                for record in broker.read(topic, {partition: first}, {partition: stop}):
                    piece = SliceRecord.read(record.headers, record.value)
                    releases = piece.first_release, piece.last_release
                    seen.append(Sent(partition, record.offset, piece.rows, *releases))
        return seen

    def close(self) -> None:
        """Kill what still runs."""
        for process in self.parts.processes:
            self.parts.kill(process)


def unix_s(utc: str) -> float:
    """Return the Unix time of a time in a message."""
    return datetime.fromisoformat(utc).timestamp()


def published(results: list[Result]) -> list[Published]:
    """Return what results say about slices."""
    return [
        Published({int(p): offset for p, offset in result.offsets.items()}, unix_s(result.published))
        for result in results
    ]


def with_rows(results: list[Result]) -> list[Result]:
    """Return results that measured rows."""
    return [result for result in results if result.timings.latency_first_ms is not None]


def rows_of(results: list[Result]) -> int:
    """Return the rows measured."""
    return sum(result.summary.summary().rows_in_slices for result in results)
