"""`hits.read` against the oracle's `classify`, line by line, on rows made of every nasty field."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cosmo import hits
from oracle.rows import HEADER, classify, limit, lines

NASTY = [
    *(
        b"",
        b"nan",
        b"inf",
        b"-inf",
        b"NULL",
        b"1e5",
        b"+5",
        b" 5",
        b"5 ",
        b"\t5",
        b"0x1F",
        b".5",
        b"5.",
        b".",
    ),
    *(
        b"-0",
        b"-0.0",
        b"-",
        b"--1",
        b"1-2",
        b"1.2.3",
        b"1..2",
        b"1_0",
        b"26.0",
        b"26.5",
        b"26.000000",
        b"00026",
    ),
    *(
        b'"5"',
        b"'5'",
        b"5\x00",
        b"\x00",
        b"5\r",
        b"\r5",
        b"5\r6",
        b"\xd9\xa5",
        b"\xef\xbc\x95",
        b"\xff",
        b"5;6",
    ),
    *(b"9" * 30, b"9" * 400, b"9" * 5000, b"0" * 5000, b"1" + b"0" * 310, b"0." + b"0" * 400 + b"1"),
    *(b"4294967295", b"4294967296", b"4294967295.0", b"18446744073709551616", b"-1", b"-1.5", b"-4294967296"),
    *(b"3387315431.0000000001", b"26.00000000000000000001", b"2.0000000000000000001", b"26.0000001"),
    *(
        b"26.0000000",
        b"4294967295.0000001",
        b"4294967295.999999",
        b"-0.0000000000000001",
        b"7.9999999999999999",
    ),
]
HEADS = st.sampled_from([b"2", b"2", b"2", b"2", b"0", b"1", b"3", b"7", b"8", b"255", b"256", b"2.0", b"02"])
PLAIN = st.builds(
    lambda *numbers: b",".join(b"%d" % n for n in numbers),
    st.sampled_from([2, 2, 2, 2, 0, 1, 3, 4, 5]),
    st.sampled_from([0, 1, 7, 8]),
    st.sampled_from([0, 5, 63, 64, 127, 128, 138, 511, 512]),
    st.sampled_from([0, 1, 2**31, 2**32 - 1, 2**32]),
    st.sampled_from([0, 3563, 3564, 65536]),
    st.sampled_from([0, 29, 30, 31, 255, 256]),
)
GOOD = st.builds(
    lambda fpga, channel, orbit, bx, tdc, form: form % (fpga, channel, orbit, bx, tdc),
    st.integers(0, 7),
    st.integers(0, 511),
    st.integers(0, 2**32 - 1),
    st.integers(0, 3563),
    st.integers(0, 30),
    st.sampled_from([b"2,%d,%d,%d,%d,%d", b"2,%d,%d,%d,%d,%d.0", b"2,%d,%d,%d,%d,%d.000000"]),
)
FIELD = st.one_of(
    st.sampled_from(NASTY),
    st.integers(0, 600).map(lambda n: b"%d" % n),
    st.decimals(-40, 40, places=6).map(lambda d: str(d).encode()),
    st.text("0123456789.-", max_size=12).map(str.encode),
)
ODD_ROW = st.builds(
    lambda head, rest: b",".join([head, *rest]), HEADS, st.lists(FIELD, min_size=5, max_size=5)
)
ANCILLARY = st.sampled_from([b"4,1,0,3387315431,0,-0.573730", b"1,0,0,3387339394,0,136", b"3,0,0,1,18504,0"])
LINE = st.one_of(
    PLAIN,
    GOOD,
    ANCILLARY,
    ODD_ROW,
    st.lists(FIELD, max_size=9).map(b",".join),  # short and long rows
    st.sampled_from(
        [b"", b"\r", b" ", b"\r\r", b",,,,,", HEADER, HEADER + b" ", HEADER.lower(), b"\xef\xbb\xbf" + HEADER]
    ),
    st.binary(max_size=20).map(lambda data: data.replace(b"\n", b"")),
)
ENDING = st.sampled_from([b"\n", b"\n", b"\r\n"])
TEXT = st.builds(
    lambda parts, whole: b"".join(line + end for line, end in parts)[: None if whole else -1],
    st.lists(st.tuples(LINE, ENDING), max_size=12),
    st.booleans(),
)


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


@settings(max_examples=350)
@given(TEXT)
@example(b"2,0,5,3387315431.0000000001,1,1\n")
@example(b"2,0,5,3387315431.000000,1,1\n2,0,5,1,1,26.0000000000000000001\n")
@example(b"2,0,5,1,1,26.0000000000000000001\r\n")
@example(b"2,0,5,10,1,1\r2,0,5,10,1,1\n")
def test_every_line_is_what_the_oracle_says(text):
    assert told(hits.read(text)) == expected(text)


@settings(max_examples=300)
@given(st.binary(max_size=300))
def test_any_bytes_are_read(data):
    assert told(hits.read(data)) == expected(data)


@settings(max_examples=300)
@given(st.text("0123456789,.-\r\n", max_size=200).map(str.encode))
def test_any_numbers_and_signs_are_read(data):
    assert told(hits.read(data)) == expected(data)


@settings(max_examples=300)
@given(st.lists(st.one_of(GOOD, ANCILLARY), min_size=1, max_size=20), LINE, st.integers(0, 20), ENDING)
def test_one_bad_line_changes_nothing_of_the_others(good, bad, place, ending):
    place = min(place, len(good))
    clean = hits.read(b"".join(line + ending for line in good))
    mixed = hits.read(b"".join(line + ending for line in [*good[:place], bad, *good[place:]]))
    assert told(clean) == [tuple(classify(line)) for line in good]
    assert [*told(mixed)[:place], *told(mixed)[place + 1 :]] == told(clean)


@settings(max_examples=300)
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
        pytest.param(hits.MAX_LINE_BYTES, "number", id="as long as allowed"),
        pytest.param(hits.MAX_LINE_BYTES + 1, "long", id="one byte longer"),
    ],
)
@pytest.mark.parametrize("beside", [b"", b"2,0,5,10,1,1\n"], ids=["alone", "beside a hit"])
def test_a_long_line_is_malformed_whatever_it_holds(length, reason, beside):
    line = b"2,0,5,10,1," + b"x" * (length - 11)
    assert hits.judge(line) == hits.MALFORMED[reason]
    assert hits.read(line + b"\n" + beside).fate[0] == hits.MALFORMED[reason]


def test_a_long_line_of_a_valid_hit_is_read_up_to_the_limit():
    zeros = b"0" * (hits.MAX_LINE_BYTES - 11) + b"7"
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
