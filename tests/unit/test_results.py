"""Messages of results and runs: JSON and back, their published schema, their size, and what is no message."""

import json
from importlib import resources
from pathlib import Path

import hist
import jsonschema
import numpy as np
import pytest

from cosmo.active_orbits import ActiveByOrbit
from cosmo.errors import MalformedMessage
from cosmo.hits import read
from cosmo.results import MOST_COUNTED, Result, Run, RunTotal, SummaryMessage, Timings, result_schema
from cosmo.slice_numbers import SliceNumbers
from cosmo.statistics import Summary
from cosmo.timeslices import Limits, cut_lines
from sample_rows import random_source

SCHEMA_FILE = Path(__file__).parents[2] / "docs" / "result.schema.json"
HISTOGRAMS = ("occupancy", "scintillator_occupancy", "active_channels", "drift_time")


def some_summary():
    lines = random_source(5, 200, wild=0.05).lines
    summary = Summary.of(cut_lines([read(b"\n".join(lines))], Limits()))
    assert summary.scintillator_occupancy.sum() > 0
    numbers = SliceNumbers.of(2, 0, [0, 2, 8]) + SliceNumbers.of(2, 1, [1])
    return Summary(**{**vars(summary), "numbers": numbers, "repeated_slices": 1})


def huge_summary():
    """Return the largest a Summary can be in print: 10^9 in every bin, 512 blocks, every reason."""
    n = 10**9
    summary = Summary.empty()
    for name in HISTOGRAMS:
        getattr(summary, name).view(flow=True)[...] = n
    blocks = ActiveByOrbit(
        23, np.arange(512), np.full(512, n), np.full((512, 4), 64 * n), np.full((512, 4), 64)
    )
    changes = {name: n for name, value in vars(summary).items() if isinstance(value, int)}
    gaps = SliceNumbers.of(64, 5, range(5, 64 * 1000, 128))
    tuples = {"ancillary": (n,) * 8, "malformed": (n,) * len(summary.malformed)}
    return Summary(**{**vars(summary), **changes, **tuples, "active_by_orbit": blocks, "numbers": gaps})


def result(summary):
    return Result(
        run=12,
        number=345,
        analysis="cmaster:4711:2026-01-02T03:04:05+00:00",
        started="2026-01-02T03:04:05.678+00:00",
        published="2026-01-02T03:04:06+00:00",
        offsets={"0": 17, "1": 16},
        highest={"0": 32, "1": 31},
        summary=SummaryMessage.of(summary),
        timings=Timings(
            batch_ms=300.5, interval_ms=400, latency_first_ms=1200.0, latency_last_ms=None, backlog_slices=3
        ),
    )


SUMMARIES = [
    pytest.param(Summary.empty(), id="empty"),
    pytest.param(some_summary(), id="some"),
    pytest.param(huge_summary(), id="huge"),
]


@pytest.mark.parametrize("summary", SUMMARIES)
def test_json_and_back(summary):
    message = result(summary)
    again = Result.from_json(message.to_json())
    assert again == message
    assert again.summary.summary() == summary
    assert again.summary.summary() + summary == summary + summary


def test_run_and_total_to_json_and_back():
    total = RunTotal(
        run=12, number=59, offsets={"0": 1}, highest={"0": 4}, summary=SummaryMessage.of(some_summary())
    )
    assert RunTotal.from_json(total.to_json()) == total
    run = Run(
        number=12,
        note="night shift",
        source="cosmics",
        started="2026-01-02T03:04:05+00:00",
        start_offsets={"0": 0},
    )
    assert Run.from_json(run.to_json()) == run


def with_bin(name, value):
    """Return a result with one bin of a histogram set to a value."""
    document = json.loads(result(some_summary()).to_json())
    document["summary"][name]["storage"]["values"][1][2] = value
    return json.dumps(document).encode()


@pytest.mark.parametrize("name", HISTOGRAMS)
@pytest.mark.parametrize(
    "value",
    [
        -1,
        1.5,
        float("nan"),
        float("inf"),
        -float("inf"),
        2**53 + 1,
        2**63 - 1,
        2**63,
        10**400,
        "1",
        None,
        True,
    ],
)
def test_bins_hold_whole_counts(name, value):
    message = with_bin(name, value)
    if value is True:  # among numbers it is a 1
        assert getattr(Result.from_json(message).summary.summary(), name).view(flow=True)[1, 2] == 1
        return
    with pytest.raises(MalformedMessage, match="expected a Result, but summary: "):
        Result.from_json(message)


@pytest.mark.parametrize("name", HISTOGRAMS)
@pytest.mark.parametrize("value", [0, 3.0, MOST_COUNTED, float(MOST_COUNTED)])
def test_whole_counts_are_read_exactly(name, value):
    read_back = getattr(Result.from_json(with_bin(name, value)).summary.summary(), name)
    assert read_back.view(flow=True)[1, 2] == value


def test_a_thousand_messages_add_up():
    most = huge_summary()
    for name in HISTOGRAMS:
        getattr(most, name).view(flow=True)[...] = MOST_COUNTED
    once = Result.from_json(result(most).to_json()).summary.summary()
    total = sum([once] * 1000, Summary.empty())
    for name in HISTOGRAMS:
        assert (getattr(total, name).view(flow=True) == 1000 * MOST_COUNTED).all()


@pytest.mark.parametrize("summary", SUMMARIES)
def test_a_result_is_what_its_schema_says(summary):
    document = json.loads(result(summary).to_json())
    jsonschema.Draft202012Validator.check_schema(result_schema())
    jsonschema.Draft202012Validator(result_schema()).validate(document)


@pytest.mark.parametrize("key", ["run", "summary", "timings"])
def test_the_schema_refuses_a_result_without(key):
    document = json.loads(result(Summary.empty()).to_json())
    del document[key]
    with pytest.raises(jsonschema.ValidationError, match=f"'{key}' is a required property"):
        jsonschema.Draft202012Validator(result_schema()).validate(document)


def test_the_published_schema_is_that_of_the_model():
    expected = json.dumps(result_schema(), indent=1, sort_keys=True) + "\n"
    assert SCHEMA_FILE.read_text() == expected, (
        f"{SCHEMA_FILE.name} is not the model's schema; write it anew: "
        "json.dumps(cosmo.results.result_schema(), indent=1, sort_keys=True) and a newline"
    )


def test_histograms_are_valid_uhi_and_read_without_cosmo():
    schema = json.loads((resources.files("uhi") / "resources" / "histogram.schema.json").read_text())
    uhi = jsonschema.Draft7Validator(schema)
    document = json.loads(result(some_summary()).to_json())["summary"]
    for name in HISTOGRAMS:
        uhi.validate(document[name])
    with pytest.raises(jsonschema.ValidationError):
        uhi.validate({**document["drift_time"], "axes": 4})


def test_named_axes_survive():
    summary = Result.from_json(result(some_summary()).to_json()).summary.summary()
    assert [axis.name for axis in summary.drift_time.axes] == ["chamber", "drift_time_ns"]
    assert isinstance(summary.occupancy, hist.Hist)
    assert summary.occupancy.values().dtype == np.int64


def test_the_largest_message_fits_256_kib():
    assert len(result(huge_summary()).to_json()) < 256 * 1024


@pytest.mark.parametrize(
    ("message", "said"),
    [
        pytest.param(None, "got a null record", id="null"),
        pytest.param(b"", "expected the JSON of a Result", id="empty"),
        pytest.param(b"\xff\xfe\x00", "expected the JSON of a Result", id="binary"),
        pytest.param(b"[" * 100_000, "expected the JSON of a Result", id="deeply nested"),
        pytest.param(b"1" * 5000, "expected the JSON of a Result", id="a number of 5000 digits"),
        pytest.param(b"[]", "got version None", id="a list"),
        pytest.param(b"{}", "got version None", id="without a version"),
        pytest.param(b'{"schema_version": 2}', "got version 2", id="another version"),
        pytest.param(b'{"schema_version": "1"}', "got version 1", id="a version as text"),
        pytest.param(b'{"schema_version": 1}', "run: Field required", id="without fields"),
    ],
)
def test_what_is_no_result(message, said):
    with pytest.raises(MalformedMessage, match=said):
        Result.from_json(message)


@pytest.mark.parametrize(
    ("key", "value", "where"),
    [
        pytest.param("run", -1, "run", id="negative run"),
        pytest.param("run", 1.5, "run", id="fractional run"),
        pytest.param("started", "yesterday", "started", id="no time"),
        pytest.param("started", "2026-01-02T03:04:05", "started", id="a time without a zone"),
        pytest.param("unknown", 1, "unknown", id="unknown key"),
        pytest.param("offsets", {"0": -1}, "offsets.0", id="negative offset"),
        pytest.param("summary.late", -1, "summary.late", id="negative count"),
        pytest.param("summary.drift_time", {}, "summary", id="no histogram"),
        pytest.param("summary.drift_time.axes", [], "summary", id="a histogram without axes"),
        pytest.param("summary.occupancy.axes.1.bins", 63, "summary", id="another axis"),
        pytest.param("summary.drift_time.axes.1.bins", 10**9, "summary", id="an axis too long to be made"),
        pytest.param("summary.live_orbits", 10**400, "summary.live_orbits", id="more than can be added"),
        pytest.param("timings.batch_ms", float("inf"), "timings.batch_ms", id="a batch without end"),
        pytest.param(
            "timings.latency_first_ms", float("nan"), "latency_first_ms", id="a latency that is none"
        ),
        pytest.param("started", "2026-13-45T03:04:05+00:00", "started", id="a day that never comes"),
        pytest.param("summary.late", 2**53 + 1, "summary.late", id="a count too large"),
        pytest.param("summary.ancillary", {"0": 2**53 + 1}, "summary.ancillary", id="too many of a HEAD"),
        pytest.param("summary.active_by_orbit.orbits", [2**53 + 1], "summary", id="too many orbits"),
        pytest.param("summary.occupancy.storage.type", "double", "summary", id="another storage"),
        pytest.param(
            "summary.occupancy.storage", {"type": "int"}, "summary", id="a histogram without counts"
        ),
        pytest.param("summary.occupancy.storage.values", [], "summary", id="no values"),
        pytest.param("summary.occupancy.storage.values", [[1]], "summary", id="values of another shape"),
        pytest.param("summary.occupancy.storage.type", "magic", "summary", id="unknown storage"),
        pytest.param("summary.active_by_orbit.block", [1], "summary", id="lists of two lengths"),
        pytest.param("summary.active_by_orbit.total", [[1, 2, 3]], "active_by_orbit", id="three chambers"),
        pytest.param("summary.numbers.seen", {"x": []}, "summary", id="a partition that is no number"),
        pytest.param("summary.numbers.seen", {"0": [[1, 2, 3]]}, "summary.numbers", id="no interval"),
    ],
)
def test_an_impossible_result(key, value, where):
    document = json.loads(result(Summary.empty()).to_json())
    *sections, last = key.split(".")
    inner = document
    for section in sections:
        inner = inner[int(section)] if isinstance(inner, list) else inner[section]
    inner[last] = value
    with pytest.raises(MalformedMessage, match=f"expected a Result, but [a-z_.]*{where}"):
        Result.from_json(json.dumps(document).encode())


RUN = Run(
    number=12,
    note="",
    source="cosmics",
    started="2026-01-02T03:04:05+00:00",
    start_offsets={"0": 0, "255": 7},
)
TOTAL = RunTotal(run=12, number=59, offsets={"0": 1}, highest={}, summary=SummaryMessage.of(Summary.empty()))
BY_PARTITION = [
    (RUN, "start_offsets"),
    (TOTAL, "offsets"),
    (TOTAL, "highest"),
    (result(Summary.empty()), "offsets"),
    (result(Summary.empty()), "highest"),
]
BY_PARTITION_NAMES = [f"{type(message).__name__}.{key}" for message, key in BY_PARTITION]


@pytest.mark.parametrize(("message", "key"), BY_PARTITION, ids=BY_PARTITION_NAMES)
@pytest.mark.parametrize(
    "value",
    [{"a": 1}, {"-1": 3}, {"": 3}, {"+1": 3}, {"00": 3}, {"0\n": 3}, {"\u0661": 3}, {"10000": 3}, {"0": -1}],
    ids=repr,
)
def test_what_is_by_partition_has_numbers_as_keys(message, key, value):
    document = json.loads(message.to_json())
    assert type(message).from_json(json.dumps(document).encode()) == message
    with pytest.raises(MalformedMessage, match=f"expected a {type(message).__name__}, but {key}"):
        type(message).from_json(json.dumps({**document, key: value}).encode())
    if isinstance(message, Result) and "0\n" not in value:  # to Python's $ that is the end too
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.Draft202012Validator(result_schema()).validate({**document, key: value})


@pytest.mark.parametrize(("message", "key"), BY_PARTITION, ids=BY_PARTITION_NAMES)
def test_offsets_are_never_empty(message, key):
    document = json.dumps({**json.loads(message.to_json()), key: {}}).encode()
    if key == "highest":  # before the first slice
        assert type(message).from_json(document).highest == {}
        return
    with pytest.raises(MalformedMessage, match=f"{key}: Dictionary should have at least 1 item"):
        type(message).from_json(document)
