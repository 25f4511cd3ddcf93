"""What the records of cosmo-runs say: the last readable one of each key counts."""

from __future__ import annotations

import logging

import pytest

from cosmo.broker import Record, newest_run_messages
from cosmo.results import MAX_RUN, RunTotal
from dashboard_results import BEGAN_S, hits_summary, run_record, run_total


def record(offset: int, key: bytes | None, value: bytes | None) -> Record:
    return Record(0, offset, BEGAN_S + offset, key, value, [])


def test_the_last_of_each_key_counts() -> None:
    runs, totals = newest_run_messages(
        [
            record(0, b"run:1", run_record(1, note="begun").to_json()),
            record(1, b"total:1", run_total(59, hits_summary(1)).to_json()),
            record(2, b"total:1", run_total(119, hits_summary(2)).to_json()),
            record(3, b"run:1", run_record(1, note="ended").to_json()),
            record(4, b"run:2", run_record(2, note="begun").to_json()),
        ]
    )
    assert {number: run.note for number, run in runs.items()} == {1: "ended", 2: "begun"}
    assert {number: total.number for number, total in totals.items()} == {1: 119}


def test_only_the_total_that_counts_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    from_json = RunTotal.from_json
    monkeypatch.setattr(RunTotal, "from_json", lambda message: read.append(message) or from_json(message))
    messages = [run_total(number, hits_summary(1)).to_json() for number in (59, 119, 179)]
    newest_run_messages([record(offset, b"total:1", each) for offset, each in enumerate(messages)])
    assert read == messages[-1:]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param(b"run:1", b"\xff", id="unreadable run"),
        pytest.param(b"run:1", None, id="null"),
        pytest.param(
            b"run:9",
            run_record(9).to_json().replace(b'"number":9', b'"number":%d' % 10**18),
            id="huge number",
        ),
        pytest.param(
            b"run:%d" % MAX_RUN,
            run_record(9).to_json().replace(b'"number":9', b'"number":%d' % MAX_RUN),
            id="a number that none can follow",
        ),
        pytest.param(
            b"run:9", run_record(9).to_json().replace(b'"0":0', b'"a":0'), id="a partition that is none"
        ),
        pytest.param(b"run:1-backup", run_record(1, note="kept").to_json(), id="another key"),
        pytest.param(b"run:01", run_record(1, note="kept").to_json(), id="another spelling"),
        pytest.param(b"run:2", run_record(1, note="kept").to_json(), id="the key of another run"),
        pytest.param(b"total:1 \xff", run_total(99, hits_summary(5)).to_json(), id="another key of a total"),
        pytest.param(b"total:2", run_total(99, hits_summary(5)).to_json(), id="the total of another run"),
        pytest.param(b"total:1", b"{}", id="unreadable total"),
    ],
)
def test_an_unreadable_one_is_told_and_the_one_before_it_counts(
    caplog: pytest.LogCaptureFixture, key: bytes, value: bytes | None
) -> None:
    caplog.set_level(logging.WARNING)
    good = [
        record(0, b"run:1", run_record(1, note="begun").to_json()),
        record(1, b"total:1", run_total(59, hits_summary(1)).to_json()),
    ]
    runs, totals = newest_run_messages([*good, record(2, key, value)])
    assert (runs[1].note, totals[1].number) == ("begun", 59)
    (told,) = caplog.records
    assert "record 2 of the runs" in told.message
    assert told.message.isascii()


@pytest.mark.parametrize("key", [None, b"", b"\xffrun", b"alarm:1"])
def test_other_keys_are_left_alone(caplog: pytest.LogCaptureFixture, key: bytes | None) -> None:
    assert newest_run_messages([record(0, key, b"what is not ours")]) == ({}, {})
    assert not caplog.records
