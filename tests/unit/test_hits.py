"""`hits.read` against the oracle's `classify`, line by line, on rows made of every nasty field."""

import os
import signal
import threading
import time

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cosmo import hits
from cosmo.line_limit import MAX_LINE_BYTES
from nasty_rows import ANCILLARY, ENDING, GOOD, LINE, NASTY, TEXT
from oracle.rows import classify, limit, lines


def told(read):
    """Return what `read` says of each line, in the oracle's words."""
    said = []
    for i, fate in enumerate(read.fate.tolist()):
        if fate == hits.HIT_HEAD:
            numbers = (read.fpga, read.channel, read.orbit, read.bx, read.tdc)
            said.append(("hit", "", 2, *(int(column[i]) for column in numbers)))
        else:
            said.append(told_of_fate(fate))
    return said


def told_of_fate(fate):
    if fate < hits.N_HEADS:
        return ("hit" if fate == hits.HIT_HEAD else "ancillary", "", fate, -1, -1, -1, -1, -1)
    names = {code: reason for reason, code in hits.MALFORMED.items()}
    kind = {hits.HEADER: "header", hits.BLANK: "blank"}.get(fate, "malformed")
    return (kind, names.get(fate, ""), -1, -1, -1, -1, -1, -1)


def expected(text):
    return [tuple(classify(limit(line))) for line in lines(text)]


@settings(max_examples=150)
@given(TEXT)
@example(b"2,0,5,3387315431.0000000001,1,1\n")
@example(b"2,0,5,3387315431.000000,1,1\n2,0,5,1,1,26.0000000000000000001\n")
@example(b"2,0,5,1,1,26.0000000000000000001\r\n")
@example(b"2,0,5,10,1,1\r2,0,5,10,1,1\n")
@example(b"2,0,5,10,1,5.\r\n")
@example(b"2,0,5,10,1,-.5\n")
def test_every_line_is_what_the_oracle_says(text):
    assert told(hits.read(text)) == expected(text)


@settings(max_examples=80)
@given(st.binary(max_size=300))
def test_any_bytes_are_read(data):
    assert told(hits.read(data)) == expected(data)


@settings(max_examples=150)
@given(st.text("0123456789,.-\r\n", max_size=200).map(str.encode))
def test_any_numbers_and_signs_are_read(data):
    assert told(hits.read(data)) == expected(data)


@settings(max_examples=60)
@given(st.lists(st.one_of(GOOD, ANCILLARY), min_size=1, max_size=20), LINE, st.integers(0, 20), ENDING)
def test_one_bad_line_changes_nothing_of_the_others(good, bad, place, ending):
    place = min(place, len(good))
    clean = hits.read(b"".join(line + ending for line in good))
    mixed = hits.read(b"".join(line + ending for line in [*good[:place], bad, *good[place:]]))
    assert told(clean) == [tuple(classify(line)) for line in good]
    assert [*told(mixed)[:place], *told(mixed)[place + 1 :]] == told(clean)


@settings(max_examples=120)
@given(st.one_of(LINE, st.sampled_from(NASTY).map(lambda field: b"2,0,5,10,1," + field)))
def test_judge_is_read_of_one_line(line):
    fate = hits.judge(line)
    assert hits.read(line + b"\n").fate.tolist() == [fate]
    assert told_of_fate(fate)[:2] == tuple(classify(line))[:2]


@pytest.mark.parametrize("place", range(6), ids=hits.COLUMNS)
@pytest.mark.parametrize("field", NASTY, ids=range(len(NASTY)))
def test_a_nasty_field_in_each_column(field, place):
    row = [b"2", b"0", b"5", b"10", b"1", b"1"]
    row[place] = field
    text = b"2,1,127,4294967295,3563,30\n" + b",".join(row) + b"\n"
    assert told(hits.read(text)) == expected(text)


@pytest.mark.parametrize(
    ("length", "reason"),
    [
        pytest.param(MAX_LINE_BYTES, "number", id="as long as allowed"),
        pytest.param(MAX_LINE_BYTES + 1, "long", id="one byte longer"),
    ],
)
@pytest.mark.parametrize("beside", [b"", b"2,0,5,10,1,1\n"], ids=["alone", "beside a hit"])
def test_a_long_line_is_malformed_whatever_it_holds(length, reason, beside):
    line = b"2,0,5,10,1," + b"x" * (length - 11)
    assert hits.judge(line) == hits.MALFORMED[reason]
    assert hits.read(line + b"\n" + beside).fate[0] == hits.MALFORMED[reason]


def test_a_long_line_of_a_valid_hit_is_read_up_to_the_limit():
    zeros = b"0" * (MAX_LINE_BYTES - 11) + b"7"
    assert hits.read(b"2,0,5,10,1" + b"," + zeros[1:] + b"\n").tdc.tolist() == [7]
    assert hits.read(b"2,0,5,10,1" + b"," + zeros + b"0\n").fate.tolist() == [hits.MALFORMED["long"]]


def test_columns_have_the_types_of_the_raw_word():
    read = hits.read(b"2,7,511,4294967295,3563,30\n4,0,0,99999999999,18504,-0.5\n")
    types = {name: getattr(read, name).dtype for name in ("fpga", "channel", "orbit", "bx", "tdc")}
    assert types == {
        "fpga": np.uint8,
        "channel": np.uint16,
        "orbit": np.uint32,
        "bx": np.uint16,
        "tdc": np.uint8,
    }
    assert read.is_hit.tolist() == [True, False]


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        pytest.param(b"", [], id="nothing"),
        pytest.param(b"\n", [1], id="one blank line"),
        pytest.param(b"2,0,5,10,1,1", [13], id="a missing newline is added"),
        pytest.param(b"a\r\nbc\n", [3, 6], id="offsets just after each newline"),
    ],
)
def test_ends(text, ends):
    read = hits.read(text)
    assert (read.ends.tolist(), len(read), read.text.endswith(b"\n") or not text) == (ends, len(ends), True)


@given(
    st.lists(
        st.tuples(st.binary(max_size=6).map(lambda b: b.replace(b"\n", b"")), st.booleans()), max_size=30
    )
)
def test_line_bytes_takes_the_chosen_lines(rows):
    text = b"".join(line + b"\n" for line, _ in rows)
    ends = np.cumsum([len(line) + 1 for line, _ in rows], dtype=np.int64)
    chosen = np.array([wanted for _, wanted in rows], dtype=np.bool_)
    assert hits.line_bytes(text, ends, chosen) == b"".join(line + b"\n" for line, wanted in rows if wanted)


def test_a_signal_while_reading_reaches_its_handler():
    caught = []
    text = b"2,0,5,3387315431,7,1\n" * 20_000
    before = signal.signal(signal.SIGTERM, lambda number, _frame: caught.append(number))
    try:
        for sent in range(1, 9):
            sender = threading.Timer(0.001 * sent, os.kill, (os.getpid(), signal.SIGTERM))
            sender.start()
            deadline = time.monotonic() + 5
            while len(caught) < sent and time.monotonic() < deadline:
                hits.read(text)
            sender.join()
            assert len(caught) == sent
    finally:
        signal.signal(signal.SIGTERM, before)
