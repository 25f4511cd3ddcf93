"""A slice record: headers and back, and what is no slice record."""

from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmo.errors import MalformedMessage
from cosmo.slice_records import Frame, ReadHead, SliceRecord, Writer, utc
from cosmo.timeslices import Clock, Timeslice

RECORD = SliceRecord(
    run=12,
    number=7,
    producer=Writer("cmaster", 4711, "2026-01-02T03:04:05+00:00"),
    from_orbit=10,
    to_orbit=20,
    epoch=0,
    split=False,
    rows=3,
    rows_so_far=33,
    first_release=1700000000.25,
    last_release=1700000001.5,
    base=5,
    read_head=ReadHead("data_000000.txt", 1234, 2, 99),
    carry=b"2,0,5,20,1,1\n",
    carry_rows=1,
    text=b"2,0,5,10,1,1\n",
)

ROWS = b"".join(b"2,0,%d,%d,%d,%d\n" % (i % 7, 10 + i % 9, 37 * i % 3564, i % 30) for i in range(3000))

orbit = st.integers(0, 2**32 - 1)
count = st.integers(0, 10**18 - 1)
time_s = st.floats(0, 4e9)
records = st.builds(
    SliceRecord,
    run=count,
    number=count,
    producer=st.builds(
        Writer, st.sampled_from(["cmaster", "vm-1.example"]), count, st.just("2026-01-02T03:04:05")
    ),
    from_orbit=orbit,
    to_orbit=orbit,
    epoch=st.integers(-1, 100),
    split=st.booleans(),
    rows=count,
    rows_so_far=count,
    first_release=time_s,
    last_release=time_s,
    base=orbit,
    read_head=st.builds(ReadHead, st.text(), count, count, orbit),
    carry=st.binary(),
    carry_rows=count,
    text=st.binary(),
    end=st.booleans(),
)


@settings(max_examples=40)
@given(records)
def test_headers_and_back(record):
    assert SliceRecord.read(record.headers(), record.text) == record


@pytest.mark.parametrize("compression", ["none", "lz4"])
@settings(max_examples=20)
@given(records, st.integers(1, 2000))
def test_value_and_headers_and_back(compression, record, times):
    record = replace(record, text=record.text * times)
    value, headers = record.written(compression)
    assert SliceRecord.read(headers, value) == record
    assert len(value) <= len(record.text)


def test_a_value_that_would_shrink_beyond_belief_stays_as_it_is():
    record = replace(RECORD, text=RECORD.text * 10_000)
    assert record.written("lz4") == (record.text, record.headers())


def test_a_value_is_csv_lines_unless_asked_otherwise_and_where_it_would_not_shrink():
    assert RECORD.written("none") == RECORD.written("lz4") == (RECORD.text, RECORD.headers())


def test_a_compressed_value_is_a_frame_of_lz4():
    record = replace(RECORD, text=ROWS)
    value, headers = record.written("lz4")
    assert headers == [*RECORD.headers(), ("encoding", b"lz4")]
    assert value.startswith(b"\x04\x22\x4d\x18")
    assert len(value) < len(record.text)
    assert pa.decompress(value, len(record.text), codec="lz4", asbytes=True) == record.text


COMPRESSED = replace(RECORD, text=ROWS).written("lz4")[0]


@pytest.mark.parametrize(
    ("encoding", "value", "said"),
    [
        (b"lz4", COMPRESSED[:-4], "expected a frame of LZ4, got"),
        (b"lz4", COMPRESSED[: len(COMPRESSED) // 2], "expected a frame of LZ4"),
        (b"lz4", COMPRESSED + b"more", "expected a frame of LZ4"),
        (b"lz4", pa.compress(bytes(10**6), codec="lz4", asbytes=True), "expected up to 16 times its 4"),
        (b"lz4", b"2,0,5,10,1,1\n", "expected a frame of LZ4, got 13 bytes"),
        (b"lz4", b"", "expected up to 16 times its 0 bytes"),
        (b"LZ4", COMPRESSED, "expected the encoding lz4 or none, got b'LZ4'"),
        (b"gzip", COMPRESSED, "expected the encoding lz4 or none, got b'gzip'"),
        (b"", COMPRESSED, "expected the encoding lz4 or none, got b''"),
        (b"\xff" * 1000, COMPRESSED, "expected the encoding lz4 or none"),
    ],
)
def test_a_value_that_is_not_in_its_encoding(encoding, value, said):
    with pytest.raises(MalformedMessage, match=said):
        SliceRecord.read([*RECORD.headers(), ("encoding", encoding)], value)


def test_clock_is_where_a_timeslicer_goes_on():
    assert RECORD.clock == Clock(0, 20, 5)


def test_of_a_timeslice():
    timeslice = Timeslice(
        10,
        20,
        0,
        False,
        RECORD.text,
        3,
        1700000000.25,
        1700000001.5,
        Clock(0, 20, 5),
        RECORD.carry,
        1,
    )
    record = SliceRecord.of(
        timeslice, run=12, number=7, producer=RECORD.producer, rows_before=30, read_head=RECORD.read_head
    )
    assert record == RECORD
    assert record.clock == timeslice.clock


def test_a_frame_reads_only_the_headers_it_names():
    headers = {name: value for name, value in RECORD.headers() if name in Frame.NAMES}
    frame = Frame.read(headers, RECORD.text)
    assert (frame.run, frame.number, frame.from_orbit, frame.to_orbit) == (12, 7, 10, 20)
    assert (frame.epoch, frame.split, frame.text) == (0, False, RECORD.text)


def changed(name, value):
    return [(header, value if header == name else old) for header, old in RECORD.headers()]


@pytest.mark.parametrize("name", [name for name, _ in RECORD.headers()])
@pytest.mark.parametrize("how", ["missing", "null", "binary"])
def test_a_header_that_is_missing_or_unreadable(name, how):
    headers = [entry for entry in RECORD.headers() if entry[0] != name]
    if how != "missing":
        headers.append((name, None if how == "null" else b"\xff\x00"))
    if (name, how) == ("carry", "binary"):
        assert SliceRecord.read(headers, b"").carry == b"\xff\x00"  # any bytes are a carry
        return
    with pytest.raises(MalformedMessage, match="expected the headers of a timeslice"):
        SliceRecord.read(headers, RECORD.text)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("from", b"4294967296"),
        ("to", b"-1"),
        ("number", b"-1"),
        ("number", b"9" * 19),
        ("run", b"9" * 5000),
        ("epoch", b"-2"),
        ("base", b"4294967296"),
        ("rows", b"-3"),
        ("split", b"2"),
        ("end", b"yes"),
        ("first_release", b"nan"),
        ("last_release", b"inf"),
        ("first_release", b"1e308"),
        ("last_release", b"-1"),
        ("producer", b"nobody"),
        ("producer", b"host:pid:start"),
        ("read_head", b"[]"),
        ("read_head", b'{"source": "a"'),
        ("read_head", b'{"sauce": "a"}'),
        ("read_head", b'{"source": 5}'),
        ("read_head", b'{"offset": "5"}'),
        ("read_head", b'{"offset": -5}'),
        ("read_head", b"[" * 100_000),
    ],
    ids=lambda value: str(value[:16]),
)
def test_an_impossible_header(name, value):
    with pytest.raises(MalformedMessage, match="expected the headers of a timeslice"):
        SliceRecord.read(changed(name, value), RECORD.text)


def test_a_null_record():
    with pytest.raises(MalformedMessage, match="got a null record"):
        SliceRecord.read(RECORD.headers(), None)


def test_no_headers():
    with pytest.raises(MalformedMessage, match="'run'"):
        SliceRecord.read([], b"2,0,5,10,1,1\n")


def test_an_end_is_kept():
    end = replace(RECORD, end=True)
    assert SliceRecord.read(end.headers(), end.text).end


def test_utc():
    assert utc(1700000000.25) == "2023-11-14T22:13:20.250+00:00"
