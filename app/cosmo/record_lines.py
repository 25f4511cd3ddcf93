"""Records of COSMO's topics, a line each: for a person, or as JSON. What cannot be read is shown too."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, Final

from cosmo.broker import Record
from cosmo.errors import MalformedMessage
from cosmo.results import Result, Run, RunTotal
from cosmo.settings import Topics
from cosmo.slice_records import SliceRecord, date_or_number, utc

SHOWN_BYTES: Final = 80
"""Of a value that is no message of COSMO's."""


def line_of(topics: Topics, topic: str, record: Record) -> str:
    """Return a record as one line: when, where, what."""
    time = date_or_number(record.timestamp_s, utc).replace("T", " ").removesuffix("+00:00")
    return _printable(f"{time}  {record.partition}/{record.offset}  {_what(topics, topic, record)}")


def json_of(topics: Topics, topic: str, record: Record) -> str:
    """Return a record as one line of JSON."""
    return json.dumps(document_of(topics, topic, record), separators=(",", ":"))


def document_of(topics: Topics, topic: str, record: Record) -> dict[str, Any]:
    """Return a record for JSON: a message of COSMO's under its kind, anything else as text under `value`."""
    time = date_or_number(record.timestamp_s, utc)
    place = {"partition": record.partition, "offset": record.offset, "time": time}
    try:
        message = _message(topics, topic, record)
    except MalformedMessage as error:
        return {**place, "key": _text(record.key), "value": _text(record.value), "malformed": str(error)}
    if isinstance(message, SliceRecord):
        content = asdict(message)
        content |= {"text": _text(message.text), "carry": _text(message.carry)}
        return {**place, "slice": content}
    if message is not None:
        return {**place, type(message).__name__.lower(): message.model_dump(mode="json")}
    return {**place, "key": _text(record.key), "value": _text(record.value)}


def _what(topics: Topics, topic: str, record: Record) -> str:
    try:
        message = _message(topics, topic, record)
    except MalformedMessage as error:
        return f"not readable: {error}"
    if isinstance(message, SliceRecord):
        marks = ", split" * message.split + ", the producer's last" * message.end
        return (
            f"run {message.run} slice {message.number}: {message.rows:,} rows of "
            f"{message.rows_so_far:,} so far, "
            f"orbits {message.from_orbit} to {message.to_orbit}, from {message.producer.host}{marks}"
        )
    if isinstance(message, Result):
        timings = message.timings
        age = "" if timings.latency_last_ms is None else f", {timings.latency_last_ms / 1000:.1f} s old"
        behind = "unknown" if timings.backlog_slices is None else f"{timings.backlog_slices:,} slices"
        return (
            f"run {message.run} result {message.number}: {message.summary.summary().rows:,} rows{age}, "
            f"batch {timings.batch_ms:.0f} ms, backlog {behind}"
        )
    if isinstance(message, RunTotal):
        return (
            f"run {message.run} total up to result {message.number}: {message.summary.summary().rows:,} rows"
        )
    if isinstance(message, Run):
        return _run(message)
    if record.value is None:
        return "null"
    mark = "unframed: " if topic == topics.stream.name else ""
    more = f" ... ({len(record.value):,} bytes)" if len(record.value) > SHOWN_BYTES else ""
    return f"{mark}{_text(record.value[:SHOWN_BYTES])!a}{more}"


def _run(run: Run) -> str:
    state = "is on" if run.ended is None else f"ended {run.ended}"
    account = ""
    if run.rows_sent is not None and run.rows_accounted is not None:
        account = f", {run.rows_sent:,} rows sent, {run.rows_accounted:,} accounted"
        account += f", {run.rows_unframed:,} unframed" if run.rows_unframed else ""
    return f"run {run.number} {run.note!r} of {run.source}, since {run.started}, {state}{account}"


def _message(topics: Topics, topic: str, record: Record) -> SliceRecord | Result | RunTotal | Run | None:
    """Return what the record holds; None if it is no message of COSMO's, nor means to be."""
    means_a_slice = record.header("run") is not None or record.header("number") is not None
    if topic == topics.stream.name and means_a_slice:
        return SliceRecord.read(record.headers, record.value)
    if topic == topics.results.name:
        return Result.from_json(record.value)
    if topic == topics.runs.name:
        is_total = (record.key or b"").startswith(b"total:")
        return RunTotal.from_json(record.value) if is_total else Run.from_json(record.value)
    return None


def _printable(text: str) -> str:
    """Return one line that moves no cursor, whatever somebody wrote into a record."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode(errors="backslashreplace")
