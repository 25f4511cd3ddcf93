"""What a Spark task does: slices of one Kafka partition in, one row with their Summary out.

It knows nothing of Spark but the shape of its batches and what the driver tells a batch's tasks, and imports
nothing that a worker does not have anyway, so that workers start quickly.
"""

from __future__ import annotations

import json
import math
import pickle
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd
from pyspark import TaskContext

from cosmo.errors import MalformedMessage
from cosmo.slice_numbers import SliceNumbers
from cosmo.slice_records import Headers, SliceRecord
from cosmo.statistics import Summary
from cosmo.steady_memory import keep_freed_memory

ROW_SCHEMA = "partition int, next_offset bigint, first_release double, last_release double, summary binary"
"""Columns of the row that a task gives."""


HIGHEST = "cosmo.highest"
"""Local property of a batch's job, JSON: the highest number seen on each partition, -1 where none is."""


@dataclass(frozen=True)
class Measure:
    """What a task does: slices of one Kafka partition in, one row with their Summary out.

    Importable and plain, so that it is pickled by reference to this module.
    """

    run: int
    partitions: int  #: of the stream

    def __call__(self, batches: Iterable[Any]) -> Iterable[pd.DataFrame]:
        """Measure the records of a task, batch by batch; offsets rise."""
        keep_freed_memory()
        task = _Task(self, json.loads(TaskContext.get().getLocalProperty(HIGHEST)))
        summary = Summary.of(task.slices(batches))
        if task.partition is not None:
            columns = [column.split()[0] for column in ROW_SCHEMA.split(", ")]
            yield pd.DataFrame([task.row(summary)], columns=columns)


class _Task:
    """What a task knows beside the sums of its slices."""

    def __init__(self, measure: Measure, highest: list[int]) -> None:
        self._measure = measure
        self._highest_before = highest
        self._apart = Summary.empty()  # of records that are no slices to be measured
        self._numbers: list[int] = []
        self._highest = -1
        self._next_offset = 0
        self._first_release, self._last_release = math.inf, -math.inf
        self.partition: int | None = None

    def slices(self, batches: Iterable[pd.DataFrame]) -> Iterator[SliceRecord]:
        """Yield the slices to be measured, and count the other records."""
        for batch in batches:
            if len(batch):
                yield from self._slices_of(batch)

    def _slices_of(self, batch: pd.DataFrame) -> Iterator[SliceRecord]:
        if self.partition is None:
            self.partition = int(batch["partition"].iloc[0])
            self._highest = self._highest_before[self.partition]
        self._next_offset = int(batch["offset"].iloc[-1]) + 1
        unframed: list[bytes | None] = []
        for value, given in zip(batch["value"], batch["headers"], strict=True):
            headers = [(header["key"], header["value"]) for header in (() if given is None else given)]
            if not {"run", "number"} & {name for name, _ in headers}:
                unframed.append(value)
            elif timeslice := self._accepted(headers, value):
                yield timeslice
        if unframed:
            self._apart += Summary.of_unframed(unframed)

    def _accepted(self, headers: Headers, value: bytes | None) -> SliceRecord | None:
        """Return the slice if it is one of this run that has not been measured, else count what it is."""
        try:
            timeslice = SliceRecord.read(headers, value)
        except MalformedMessage:
            self._apart += Summary.counting(malformed_slices=1)
            return None
        if timeslice.run != self._measure.run:
            self._apart += Summary.counting(foreign_slices=1)
            return None
        if timeslice.number % self._measure.partitions != self.partition:
            self._apart += Summary.counting(malformed_slices=1)
            return None
        if timeslice.number <= self._highest:
            self._apart += Summary.counting(repeated_slices=1)
            return None
        self._highest = timeslice.number
        self._numbers.append(timeslice.number)
        if timeslice.text:
            self._first_release = min(self._first_release, timeslice.first_release)
            self._last_release = max(self._last_release, timeslice.last_release)
        return timeslice

    def row(self, measured: Summary) -> tuple[int, int, float, float, bytes]:
        """Return the row of a task, once all slices have been taken from it."""
        assert self.partition is not None
        numbers = SliceNumbers.of(self._measure.partitions, self.partition, self._numbers)
        summary = measured + self._apart + Summary.counting(numbers=numbers)
        releases = self._first_release, self._last_release
        return self.partition, self._next_offset, *releases, pickle.dumps(summary)
