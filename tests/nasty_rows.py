"""Hypothesis strategies for lines: good ones, and every way a line can go wrong."""

from hypothesis import strategies as st

from oracle.rows import HEADER

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
