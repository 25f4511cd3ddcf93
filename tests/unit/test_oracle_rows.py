"""The oracle against values derived by hand, before anything is compared with it: its rows."""

import pytest

from oracle.rows import HEADER, CutLine, Row, classify, limit, lines
from sample_rows import WRAP, hit


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param(b"2,0,5,10,1", "fields", id="five fields"),
        pytest.param(b" ", "fields", id="a space is not blank"),
        pytest.param(b"x,,5,10,1,1", "empty", id="empty goes before number"),
        pytest.param(b"9,0,5,10,1,x", "number", id="number goes before head"),
        pytest.param(b"4,0,5,10,1,nan", "number", id="an ancillary row needs numbers too"),
        pytest.param(b"2,0,5,10,1,1e1", "number", id="exponent"),
        pytest.param(b"2,0,5,10,1,+1", "number", id="plus sign"),
        pytest.param(b"2,0,5,10,1,1.", "number", id="no digit after the point"),
        pytest.param(b"2,0,5,10,1,1\r\r", "number", id="only one carriage return is removed"),
        pytest.param(b"8,0,5,10,1,1", "head", id="head 8"),
        pytest.param(b"2.5,0,5,10,1,1", "head", id="fractional head"),
        pytest.param(b"2,8,512,10,1,1", "fpga", id="fpga goes before channel"),
        pytest.param(b"2,0,512,10,1,1", "channel", id="channel 512"),
        pytest.param(b"2,0,5,4294967296,1,1", "orbit", id="orbit 2**32"),
        pytest.param(b"2,0,5," + b"9" * 5000 + b",1,1", "orbit", id="orbit of 5000 digits"),
        pytest.param(b"2,0,5,10,3564,1", "bx", id="bx 3564"),
        pytest.param(b"2,0,5,10,1,31", "tdc", id="tdc 31"),
        pytest.param(b"2,0,5,10,1,-1", "tdc", id="tdc -1"),
        pytest.param(b"2,0,5,10,1,26.01", "tdc", id="tdc not integral"),
        pytest.param(CutLine(b"2,0,5,10,1,1"), "long", id="a cut line, whatever it says"),
    ],
)
def test_malformed(line, reason):
    assert classify(line) == Row("malformed", reason=reason)


@pytest.mark.parametrize(
    ("line", "row"),
    [
        pytest.param(b"", Row("blank"), id="blank"),
        pytest.param(b"\r", Row("blank"), id="blank with carriage return"),
        pytest.param(HEADER + b"\r", Row("header"), id="header with carriage return"),
        pytest.param(b"5,1,0,3387315431,0,-0.5", Row("ancillary", head=5), id="ancillary"),
        pytest.param(b"3,9,999,-1,18504,136", Row("ancillary", head=3), id="ancillary out of every range"),
        pytest.param(b"-0,0,0,0,0,0", Row("ancillary", head=0), id="minus zero is zero"),
        pytest.param(
            b"2,7,511,4294967295,3563,30", Row("hit", "", 2, 7, 511, WRAP - 1, 3563, 30), id="greatest"
        ),
        pytest.param(b"2.0,0,0,0.00,-0,26.0\r", Row("hit", "", 2, 0, 0, 0, 0, 26), id="integral decimals"),
        pytest.param(b"2,0," + b"0" * 5000 + b",0,0,0", Row("hit", "", 2, 0, 0, 0, 0, 0), id="5000 zeros"),
    ],
)
def test_wellformed(line, row):
    assert classify(line) == row


@pytest.mark.parametrize(
    ("fpga", "channel", "place"),
    [
        pytest.param(0, 63, (0, 63, False, False), id="chamber 0"),
        pytest.param(0, 64, (1, 0, False, False), id="chamber 1"),
        pytest.param(1, 0, (2, 0, False, False), id="chamber 2"),
        pytest.param(1, 127, (3, 63, False, False), id="chamber 3"),
        pytest.param(1, 128, (None, 0, True, False), id="scintillator"),
        pytest.param(0, 128, (None, 0, False, True), id="128 on FPGA 0 is unmapped"),
        pytest.param(1, 138, (None, 10, False, True), id="138 on FPGA 1 is unmapped"),
        pytest.param(2, 5, (None, 5, False, True), id="FPGA 2 is unmapped"),
    ],
)
def test_place_in_the_detector(fpga, channel, place):
    row = classify(hit(1, fpga, channel))
    assert (row.chamber, row.chamber_channel, row.is_scintillator, row.is_unmapped) == place


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(b"", [], id="nothing"),
        pytest.param(b"a\nb", [b"a", b"b"], id="last line without newline"),
        pytest.param(b"a\nb\n", [b"a", b"b"], id="final newline adds no line"),
        pytest.param(b"\n\n", [b"", b""], id="two blank lines"),
    ],
)
def test_lines(data, expected):
    assert lines(data) == expected


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        pytest.param(b"abc", b"abc", id="just fits"),
        pytest.param(b"abcd", b"abcd", id="one byte too long"),
        pytest.param(b"abcdef", b"abcd", id="cut"),
    ],
)
def test_limit(line, kept):
    limited = limit(line, 3)
    assert (limited, isinstance(limited, CutLine)) == (kept, len(line) > 3)
