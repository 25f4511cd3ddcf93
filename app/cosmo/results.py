"""The messages of cosmo-results and cosmo-runs: their fields, their JSON, their schema. Pure; bytes and back.

Nobody else spells a field name. Histograms are in the UHI JSON of scikit-hep, so that `hist` and other tools
read them without COSMO. The published schema is `docs/result.schema.json`.
"""

from __future__ import annotations

import json
import math
from datetime import datetime
from typing import Annotated, Any, TypeVar

import hist
import numpy as np
import uhi.io.json
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from cosmo.active_orbits import ActiveByOrbit
from cosmo.detector import N_CHAMBERS, N_HEADS
from cosmo.errors import MalformedMessage, SettingsError
from cosmo.hits import REASONS
from cosmo.slice_numbers import SliceNumbers
from cosmo.statistics import Histogram, Summary

SCHEMA_VERSION = 1
MAX_RUN = 10**9
"""No run has this number or a larger one: more than anybody begins, few enough digits for every header."""
BEHIND_S = 60.0
"""An analysis that leaves rows waiting for longer is behind: linger, trigger and a batch take less."""

LARGEST = 2**63 - 1
Place = Annotated[int, Field(ge=0, le=LARGEST)]
"""An offset, or the number of a slice, a run, a partition: never added."""
MOST_COUNTED = 2**53
"""In one message: a thousand of them add up within 64 bits, and every reader of JSON has it exactly."""
Count = Annotated[int, Field(ge=0, le=MOST_COUNTED)]
Partition = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,3})$")]
"""Written in one way: two spellings of one number would be two keys."""
ByPartition = Annotated[dict[Partition, Place], Field(json_schema_extra={"additionalProperties": False})]
Offsets = Annotated[ByPartition, Field(min_length=1)]
PerChamber = Annotated[list[Count], Field(min_length=N_CHAMBERS, max_length=N_CHAMBERS)]
UtcTime = Annotated[
    str,
    Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00$"),
    AfterValidator(lambda text: datetime.fromisoformat(text) and text),
]
UhiHistogram = Annotated[
    dict[str, Any], Field(description="a histogram in UHI JSON; its counts are whole, from 0 to 2^53")
]
Interval = Annotated[list[Place], Field(min_length=2, max_length=2)]

_AnyMessage = TypeVar("_AnyMessage", bound="_Message")
_HISTOGRAMS = ("occupancy", "scintillator_occupancy", "active_channels", "drift_time")


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ActiveByOrbitMessage(_Message):
    """Active channels against orbit: occupied blocks of 2^log2_orbits orbits, ascending."""

    log2_orbits: Annotated[int, Field(ge=0, le=32)]
    block: list[Count]
    orbits: list[Annotated[int, Field(ge=1, le=MOST_COUNTED)]]
    total: list[PerChamber]
    maximum: list[PerChamber]


class NumbersMessage(_Message):
    """Slices measured: for each partition the intervals of number // partitions."""

    partitions: Place
    seen: Annotated[dict[Partition, list[Interval]], Field(json_schema_extra={"additionalProperties": False})]


class SummaryMessage(_Message):
    """A Summary."""

    occupancy: UhiHistogram
    scintillator_occupancy: UhiHistogram
    active_channels: UhiHistogram
    drift_time: UhiHistogram
    active_by_orbit: ActiveByOrbitMessage
    scintillator_hits: Count
    unmapped: Count
    ancillary: Annotated[dict[str, Count], Field(description="rows by HEAD")]
    malformed: Annotated[dict[str, Count], Field(description="rows by reason")]
    header_lines: Count
    blank_lines: Count
    late: Count
    clock_jump: Count
    unframed: Count
    live_orbits: Count
    split_slices: Count
    malformed_slices: Count
    repeated_slices: Count
    foreign_slices: Count
    numbers: NumbersMessage

    @model_validator(mode="after")
    def _adds_up(self) -> SummaryMessage:
        """Check that whoever reads this can add it: all axes are ours, all lists are of one length."""
        blocks = self.active_by_orbit
        if len({len(part) for part in (blocks.block, blocks.orbits, blocks.total, blocks.maximum)}) > 1:
            raise ValueError("expected lists of one length in active_by_orbit")
        for name, ours in _BINS.items():  # before an array of a stranger's size is made
            if (bins := _bins(getattr(self, name))) != ours:
                raise ValueError(f"expected {ours} bins in {name}, got {str(bins)[:80]}")
        try:
            Summary.empty() + self.summary()
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise ValueError(f"expected a Summary that can be added, got {error!r}") from error
        return self

    @classmethod
    def of(cls, summary: Summary) -> SummaryMessage:
        """Write a Summary."""
        blocks = summary.active_by_orbit
        values: dict[str, Any] = {
            name: _uhi(getattr(summary, name)) if name in _HISTOGRAMS else getattr(summary, name)
            for name in cls.model_fields
        }
        values["active_by_orbit"] = {
            "log2_orbits": blocks.log2_orbits,
            "block": blocks.block.tolist(),
            "orbits": blocks.orbits.tolist(),
            "total": blocks.total.tolist(),
            "maximum": blocks.maximum.tolist(),
        }
        values["ancillary"] = {str(head): n for head, n in enumerate(summary.ancillary) if n}
        values["malformed"] = {reason: n for reason, n in zip(REASONS, summary.malformed, strict=True) if n}
        values["numbers"] = {
            "partitions": summary.numbers.partitions,
            "seen": {str(p): [list(i) for i in intervals] for p, intervals in summary.numbers.seen.items()},
        }
        return cls.model_validate(values)

    def summary(self) -> Summary:
        """Read a Summary."""
        values: dict[str, Any] = dict(self)
        for name in _HISTOGRAMS:
            values[name] = _histogram(values[name])
        blocks = self.active_by_orbit
        by_chamber = (-1, N_CHAMBERS)
        values["active_by_orbit"] = ActiveByOrbit(
            blocks.log2_orbits,
            np.array(blocks.block, np.int64),
            np.array(blocks.orbits, np.int64),
            np.array(blocks.total, np.int64).reshape(by_chamber),
            np.array(blocks.maximum, np.int64).reshape(by_chamber),
        )
        values["ancillary"] = tuple(self.ancillary.get(str(head), 0) for head in range(N_HEADS))
        values["malformed"] = tuple(self.malformed.get(reason, 0) for reason in REASONS)
        seen = {int(p): tuple((a, b) for a, b in intervals) for p, intervals in self.numbers.seen.items()}
        values["numbers"] = SliceNumbers(self.numbers.partitions, seen)
        return Summary(**values)


class Timings(_Message):
    """How long the batch took and how far behind it is."""

    batch_ms: Annotated[float, Field(ge=0, description="from the batch's start to its publication")]
    interval_ms: Annotated[float, Field(ge=0, description="since the result before")]
    latency_first_ms: Annotated[float | None, Field(description="age of the earliest row when published")]
    latency_last_ms: Annotated[float | None, Field(description="age of the latest row when published")]
    backlog_slices: Annotated[
        int | None,
        Field(ge=0, le=LARGEST, description="records of the stream after this batch; null if not known"),
    ]

    def waiting_s(self, before_s: float | None, *, moved: bool) -> float:
        """Return for how long the oldest row that is not measured waits at most, in s.

        It came after the latest row that is measured, and after nothing was left to measure.

        Parameters
        ----------
        before_s : the same of the result before, None if that is not known.
        moved : whether records were measured; rows of some have no time of release.
        """
        if self.backlog_slices == 0:
            return 0.0
        older_s = math.inf if before_s is None else before_s + self.interval_ms / 1000
        if self.latency_last_ms is not None:
            return min(self.latency_last_ms / 1000, older_s)
        if moved or before_s is None:
            return before_s or 0.0
        return older_s


class Result(_Message):
    """One message of cosmo-results: what one micro-batch measured. Publishing it commits the batch."""

    schema_version: Annotated[int, Field(ge=1)] = SCHEMA_VERSION
    run: Place
    number: Annotated[int, Field(ge=0, description="from 0 in the run; the first copy of a number counts")]
    analysis: Annotated[str, Field(description="who published: host:pid:start")]
    started: UtcTime
    published: UtcTime
    offsets: Annotated[Offsets, Field(description="next offset of each partition of the stream")]
    highest: Annotated[ByPartition, Field(description="highest slice number measured on each partition")]
    summary: SummaryMessage
    timings: Timings

    def to_json(self) -> bytes:
        """Return the message."""
        return _compact(self)

    @classmethod
    def from_json(cls, message: bytes | None) -> Result:
        """Read a message.

        Raises
        ------
        MalformedMessage : it is no result, or one of another schema version.
        """
        return _read(cls, message)


class RunTotal(_Message):
    """Message of cosmo-runs: the sum of a run's results up to and with one of them."""

    schema_version: Annotated[int, Field(ge=1)] = SCHEMA_VERSION
    run: Place
    number: Annotated[int, Field(ge=0, description="the last result in this sum")]
    offsets: Offsets
    highest: ByPartition
    summary: SummaryMessage

    def to_json(self) -> bytes:
        """Return the message."""
        return _compact(self)

    @classmethod
    def from_json(cls, message: bytes | None) -> RunTotal:
        """Read a message; see `Result.from_json`."""
        return _read(cls, message)


class StreamMessage(_Message):
    """The topic of a run's slices."""

    name: str
    partitions: Annotated[int, Field(ge=1)]

    def __str__(self) -> str:
        return f"{self.name} with {self.partitions} partitions"


class Run(_Message):
    """Message of cosmo-runs: the record of a run.

    What a later version adds is passed over, so that both may meet on the topic. `stream` and `source_names`
    are null in a record of an earlier version: then nothing is held against them.
    """

    model_config = ConfigDict(extra="ignore")

    schema_version: Annotated[int, Field(ge=1)] = SCHEMA_VERSION
    number: Annotated[int, Field(ge=1, lt=MAX_RUN)]
    note: str
    source: Annotated[str, Field(description="what is streamed, in words")]
    started: UtcTime
    start_offsets: Annotated[Offsets, Field(description="end of the stream when the run began")]
    stream: Annotated[StreamMessage | None, Field(description="the topic of its slices")] = None
    source_names: Annotated[
        list[str] | None, Field(description="the source by its names in the settings")
    ] = None
    ended: UtcTime | None = None
    rows_sent: Annotated[int | None, Field(description="rows so far of the newest slice, at the end")] = None
    rows_accounted: Annotated[
        int | None, Field(description="rows of slices in the sum of the results, at the end")
    ] = None
    rows_in_carry: Annotated[int | None, Field(description="rows read that are in no slice, at the end")] = (
        None
    )
    slices_lost: Annotated[int | None, Field(description="slices that are missing, at the end")] = None
    results_left_out: Annotated[
        int | None, Field(description="results that do not add up with those before, at the end")
    ] = None
    rows_unframed: Annotated[
        int | None, Field(description="rows of records that are no slices, at the end")
    ] = None

    def require_stream(self, name: str, partitions: int) -> None:
        """Refuse settings that name another stream than that of the run.

        Raises
        ------
        SettingsError : they do.
        """
        named = StreamMessage(name=name, partitions=partitions)
        if self.stream not in (None, named):
            raise SettingsError(
                f"run {self.number} streams into {self.stream}, the settings say {named}; "
                "halt it with the earlier settings first"
            )

    def is_of(self, source_names: list[str]) -> bool:
        """Whether it streams the source of these names; some may have been added at the end since."""
        known = self.source_names or []
        return source_names[: len(known)] == known

    def require_source(self, source_names: list[str]) -> None:
        """Refuse settings that name another source than that of the run.

        Raises
        ------
        SettingsError : they do.
        """
        if not self.is_of(source_names):
            raise SettingsError(
                f"run {self.number} streams {', '.join(self.source_names or [])}, the settings say "
                f"{', '.join(source_names)}; halt it first, or set the source back"
            )

    def to_json(self) -> bytes:
        """Return the message."""
        return _compact(self)

    @classmethod
    def from_json(cls, message: bytes | None) -> Run:
        """Read a message; see `Result.from_json`."""
        return _read(cls, message)


def result_schema() -> dict[str, Any]:
    """Return the JSON Schema of a result."""
    schema = Result.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _uhi(histogram: Histogram) -> dict[str, Any]:
    written: dict[str, Any] = json.loads(json.dumps(histogram, default=uhi.io.json.default))
    return written


def _bins(written: dict[str, Any]) -> list[Any]:
    """Return the number of bins along each axis of a histogram in UHI JSON, as far as it tells."""
    axes = written.get("axes")
    return [axis.get("bins") for axis in axes if isinstance(axis, dict)] if isinstance(axes, list) else []


def _histogram(written: dict[str, Any]) -> Histogram:
    storage = written["storage"]
    counts = np.asarray(storage["values"])
    is_whole = counts.dtype.kind in "iu" or (
        counts.dtype.kind == "f" and bool((counts == np.rint(counts)).all())  # a nan equals nothing
    )
    if not is_whole or counts.min() < 0 or counts.max() > MOST_COUNTED:
        raise ValueError(f"expected whole counts from 0 to {MOST_COUNTED}")
    return hist.Hist({**written, "storage": {**storage, "values": counts.astype(np.int64)}})


def _compact(message: _Message) -> bytes:
    return message.model_dump_json().encode()


def _read(kind: type[_AnyMessage], message: bytes | None) -> _AnyMessage:
    name = kind.__name__
    if message is None:
        raise MalformedMessage(f"expected a {name}, got a null record; it is left out")
    try:
        document = json.loads(message)
    except (ValueError, RecursionError) as error:
        raise MalformedMessage(f"expected the JSON of a {name}, got {error}; it is left out") from error
    version = document.get("schema_version") if isinstance(document, dict) else None
    if version != SCHEMA_VERSION:
        raise MalformedMessage(
            f"expected a {name} of schema version {SCHEMA_VERSION}, got version {version}; "
            "it is left out: upgrade the older of reader and writer"
        )
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise MalformedMessage(f"expected a {name}, but {where}: {first['msg']}; it is left out") from error


_BINS = {name: _bins(_uhi(getattr(Summary.empty(), name))) for name in _HISTOGRAMS}
