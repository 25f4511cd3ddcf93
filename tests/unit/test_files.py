"""Recordings as files find them: cut off, renamed, damaged, of other people. Against the oracle."""

import bz2
import gzip
import lzma
import os
import sys
import zlib

import pytest

from against_oracle import as_oracle
from cosmo import cli
from cosmo.errors import SourceError
from cosmo.sources import FilesSource, read_block
from cosmo.sources.recording import tell_of_damage
from cosmo.summarise import summarise
from cosmo.timeslices import Limits
from oracle.summary import of_file_bytes
from sample_rows import hit, scintillator

ROWS = [row for orbit in range(100) for row in (hit(orbit, channel=orbit % 64), scintillator(orbit))]
TEXT = b"".join(row + b"\n" for row in ROWS)
PACKED = gzip.compress(TEXT)
HEADER = b"HEAD,FPGA,TDC_CHANNEL,ORBIT_CNT,BX_COUNTER,TDC_MEAS\n"
CRLF_HEADER = HEADER.replace(b"\n", b"\r\n")
SWAPPED = b"FPGA,HEAD,TDC_CHANNEL,ORBIT_CNT,BX_COUNTER,TDC_MEAS\n"
HALF = len(TEXT) // 2  # in the middle of a line
MARK = b"\xef\xbb\xbf"  # of UTF-8, as spreadsheets write it
LONG_LINE = b"x" * (5 << 20) + b"\n"
BULK = b"".join(b"%d,0,%d,%d,%d,%d\n" % (2, n * n % 133, n, n * n % 3001, n % 30) for n in range(30_000))
JUNK = (b"junk " * 1000 + b"\n") * 600  # longer than a block


@pytest.fixture(autouse=True)
def _nothing_told_yet():
    tell_of_damage.cache_clear()


def of_files(*names):
    return as_oracle(summarise(FilesSource.of(map(str, names)), Limits()))


def unpacked(data):
    """Return as much of one gzip member as can be had."""
    return zlib.decompressobj(31).decompress(data)


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        pytest.param("a.csv", b"", b"", id="empty"),
        pytest.param("a.csv", HEADER, HEADER, id="only a header"),
        pytest.param("a.csv.gz", b"", b"", id="empty, by its name packed"),
        pytest.param("a.csv.gz", gzip.compress(b""), b"", id="nothing, packed"),
        pytest.param("a.csv.gz", PACKED, TEXT, id="packed"),
        pytest.param("a.csv", PACKED, TEXT, id="packed and renamed"),
        pytest.param(
            "a.gz", gzip.compress(TEXT[:HALF]) + gzip.compress(TEXT[HALF:]), TEXT, id="packed in two pieces"
        ),
        pytest.param("a.csv", LONG_LINE + TEXT, LONG_LINE + TEXT, id="rows after a line of 5 MiB"),
        pytest.param("a.csv", JUNK + TEXT, JUNK + TEXT, id="rows after junk"),
        pytest.param("a.csv", TEXT.replace(b"\n", b"\r\n"), TEXT, id="CRLF"),
        pytest.param("a.csv", TEXT[:-1], TEXT, id="no last newline"),
        pytest.param("a.csv", b"2,0,999,1,1,1\n", b"2,0,999,1,1,1\n", id="only out of range"),
        pytest.param("a.csv", HEADER + b"x\n", HEADER + b"x\n", id="junk after a header"),
        pytest.param("a.csv", MARK + HEADER + TEXT, HEADER + TEXT, id="a byte order mark and a header"),
        pytest.param("a.csv", MARK + TEXT, TEXT, id="a byte order mark and rows"),
        pytest.param(
            "a.csv",
            MARK + CRLF_HEADER + TEXT,
            CRLF_HEADER + TEXT,
            id="a byte order mark and a header with CRLF",
        ),
        pytest.param("a.csv", TEXT + HEADER + TEXT, TEXT + HEADER + TEXT, id="a header further on"),
        pytest.param("a.csv", HEADER.lower() + TEXT, HEADER.lower() + TEXT, id="a header in small letters"),
        pytest.param("a.csv", TEXT + SWAPPED + TEXT, TEXT + SWAPPED + TEXT, id="names further on"),
        pytest.param("a.csv", gzip.compress(MARK + TEXT), TEXT, id="a byte order mark, packed"),
        pytest.param("a.csv", MARK, b"\n", id="only a byte order mark"),
        pytest.param("a.csv", TEXT + MARK + TEXT, TEXT + MARK + TEXT, id="a byte order mark further on"),
        pytest.param("a [1].csv", TEXT, TEXT, id="a name that looks like a glob"),
    ],
)
def test_a_file_is_what_the_oracle_says(tmp_path, caplog, name, content, text):
    (tmp_path / name).write_bytes(content)
    assert of_files(tmp_path / name) == of_file_bytes(text)
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("content", "text"),
    [
        pytest.param(PACKED[: len(PACKED) // 2], unpacked(PACKED[: len(PACKED) // 2]), id="cut off"),
        pytest.param(PACKED[:-1], TEXT, id="cut off in its last number"),
        pytest.param(PACKED[:-8] + bytes(4) + PACKED[-4:], TEXT, id="another checksum"),
        pytest.param(PACKED + b"not gzip", TEXT, id="something behind"),
        pytest.param(PACKED + PACKED[:40], TEXT + unpacked(PACKED[:40]), id="cut off in the second piece"),
    ],
)
def test_a_damaged_file_is_used_up_to_the_damage_and_that_is_said_once(tmp_path, caplog, content, text):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(content)
    source = FilesSource.of([str(path)])
    for _ in range(2):  # as when it is played in a loop
        assert as_oracle(summarise(source, Limits())) == of_file_bytes(text)
    assert [message.partition(" (")[0] for message in caplog.messages] == [f"{path} is cut off or damaged"]


def test_an_orbit_across_two_files_stays_whole(tmp_path):
    cut = TEXT.index(b"\n", HALF) + 1
    for name, text in (("2.csv", TEXT[cut:]), ("1.csv", TEXT[: cut - 1])):  # without its last newline
        (tmp_path / name).write_bytes(text)
    (tmp_path / "notes.md").write_text("no recording")
    expected = of_file_bytes(TEXT)
    assert of_files(tmp_path) == of_files(tmp_path / "*.csv") == expected
    assert of_files(tmp_path / "1.csv", tmp_path / "2.csv") == expected
    assert of_files(f"{tmp_path.parent}/{tmp_path.name[:-1]}?/[12].csv") == expected


@pytest.mark.parametrize(
    ("names", "order", "told"),
    [
        pytest.param(["1.csv", "2.csv", "1.csv"], "12", "1", id="by name"),
        pytest.param(["2.csv", "*.csv"], "21", "2", id="by name and by a glob"),
        pytest.param(["?.csv", "[12].csv"], "12", "12", id="by overlapping globs"),
        pytest.param(["2.csv", "."], "21", "2", id="by name and by its folder"),
        pytest.param(["link", "1.csv"], "1", "1", id="by name and by a link"),
    ],
)
def test_a_file_named_twice_is_read_once_where_it_is_named_first(tmp_path, caplog, names, order, told):
    texts = {name: b"".join(hit(orbit, int(name)) + b"\n" for orbit in range(100)) for name in "12"}
    for name, text in texts.items():
        (tmp_path / f"{name}.csv").write_bytes(text)
    (tmp_path / "link").symlink_to("1.csv")
    source = FilesSource.of([str(tmp_path / name) for name in names])
    assert b"".join(block.text for block in source.blocks()) == b"".join(texts[name] for name in order)
    last = list(source.blocks())[-1]
    assert list(source.blocks(last.source, last.end)) == []  # gone on with at the end, nothing is left
    assert [message.partition(" is named more than once")[0] for message in caplog.messages] == [
        f"{tmp_path / name}.csv" for name in told
    ]


def write_nothing(_folder):
    return "missing.csv"


def write_file(name, content):
    def write(folder):
        (folder / name).write_bytes(content)
        return name

    return write


def write_folder(**files):
    def write(folder):
        (folder / "d.csv").mkdir()
        for name, content in files.items():
            (folder / "d.csv" / f"{name}.csv").write_bytes(content)
        return "d.csv"

    return write


def write_loop_of_links(folder):
    (folder / "a.csv").symlink_to("a.csv")
    return "a.csv"


def write_pipe(folder):
    os.mkfifo(folder / "pipe")
    return "pipe"


BAD = [
    pytest.param(write_pipe, "expected a file, got something else", id="pipe"),
    pytest.param(lambda _folder: "x**.csv", "correct it", id="no glob"),
    pytest.param(write_nothing, "nothing is there", id="missing"),
    pytest.param(write_file("a.csv.gz", TEXT), "it is not one; rename it", id="not gzip"),
    pytest.param(write_file("a.csv.gz", PACKED[:12]), "is it whole?", id="cut off before the first row"),
    pytest.param(write_file("a.csv", b"a,b\n1,2\n"), "got none in 2 lines", id="other columns"),
    pytest.param(write_file("a.csv", b"\0" * 100_000), "got none in 1 line;", id="zeros"),
    pytest.param(write_file("a.csv", TEXT.decode().encode("utf-16")), "got none in 201 lines", id="UTF-16"),
    pytest.param(write_file("a.csv", b"a,b,c,d,e,f\n1,2,x,4,5,6\n"), "got none in 2 lines", id="no numbers"),
    pytest.param(write_file("a.csv", bz2.compress(BULK)), "expected rows of 6 numbers", id="bzip2"),
    pytest.param(write_file("a.csv", lzma.compress(BULK, preset=0)), "expected rows of 6 numbers", id="xz"),
    *(
        pytest.param(
            write_file("a.csv", header + TEXT),
            "expected the columns HEAD,FPGA,TDC_CHANNEL,ORBIT_CNT,BX_COUNTER,TDC_MEAS, "
            "got FPGA,HEAD,TDC_CHANNEL,ORBIT_CNT,BX_COUNTER,TDC_MEAS; put them into this order",
            id=f"columns in another order: {case}",
        )
        for case, header in (
            ("plain", SWAPPED),
            ("CRLF", SWAPPED.replace(b"\n", b"\r\n")),
            ("a byte order mark", MARK + SWAPPED),
            ("small letters and blanks", SWAPPED.lower().replace(b",", b" , ")),
            ("as a comment", b"# " + SWAPPED),
            ("in quotes", b'"' + SWAPPED[:-1].replace(b",", b'","') + b'"\n'),
            ("after blank lines and junk", b"\nrun 5\n" + SWAPPED),
            ("after a long preface", JUNK + SWAPPED),
        )
    ),
    pytest.param(
        write_file("a.csv", b"HEAD,FPGA,TDC_CHANNEL,BX_COUNTER,ORBIT_CNT,TDC_MEAS\n"),
        "got HEAD,FPGA,TDC_CHANNEL,BX_COUNTER,ORBIT_CNT,TDC_MEAS;",
        id="columns in another order, no rows",
    ),
    pytest.param(write_folder(), "it has none; name another", id="folder without files"),
    pytest.param(write_folder(a=b"", b=HEADER, c=b"\n"), "got none in its 3 files", id="folder without rows"),
    pytest.param(write_loop_of_links, "correct it", id="loop of links"),
]


@pytest.mark.parametrize(("write", "expected"), BAD)
def test_what_cannot_be_measured_is_one_sentence_with_its_name_and_exit_code_2(
    tmp_path, monkeypatch, capsys, write, expected
):
    name = tmp_path / write(tmp_path)
    monkeypatch.setattr(sys, "argv", ["cosmo", "summarise", "--json", str(name)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr().err
    assert (ended.value.code, said.count("\n"), str(name) in said) == (2, 1, True)
    assert expected in said


def test_a_file_that_the_system_refuses_to_read():
    with pytest.raises(SourceError, match="expected a readable file, got: Input/output error"):
        FilesSource.of(["/proc/self/mem"])


@pytest.mark.parametrize("content", [b"", b"\n", HEADER], ids=["empty", "blank", "only a header"])
def test_nothing_can_be_measured_but_not_looped_over(tmp_path, content):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    assert of_files(path)["rows"] == 0
    with pytest.raises(SourceError, match=f"rows to loop over, got none in {path}"):
        FilesSource.of([str(path)], to_loop=True)


LINE = len(ROWS[0]) + 1
SHIFTED = b"0" + TEXT  # its lines end elsewhere


def rest_of(path, offset):
    source = FilesSource.of([str(path)])
    return b"".join(block.text for block in source.blocks(str(path), offset))


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "packed"])
@pytest.mark.parametrize("offset", [0, LINE, len(TEXT)])
def test_a_recording_is_gone_on_with_after_a_line(tmp_path, pack, offset):
    path = tmp_path / "a.csv"
    path.write_bytes(pack(TEXT))
    assert rest_of(path, offset) == TEXT[offset:]


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "packed"])
def test_a_recording_is_gone_on_with_at_its_end_without_a_newline(tmp_path, pack):
    path = tmp_path / "a.csv"
    path.write_bytes(pack(TEXT[:-1]))
    assert rest_of(path, len(TEXT) - 1) == b""


def test_the_place_in_a_recording_counts_its_byte_order_mark(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(MARK + TEXT)
    (block,) = FilesSource.of([str(path)]).blocks()
    ends = read_block(block).offsets
    assert (block.start, ends[0], ends[-1]) == (len(MARK), len(MARK) + LINE, len(MARK + TEXT))
    assert rest_of(path, int(ends[0])) == TEXT[LINE:]


def test_a_file_that_has_grown_is_gone_on_with(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(TEXT + TEXT)
    assert rest_of(path, len(TEXT)) == TEXT


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "packed"])
@pytest.mark.parametrize(
    ("content", "offset"),
    [
        pytest.param(TEXT[:LINE], 2 * LINE, id="shorter"),
        pytest.param(TEXT[:LINE], LINE + 1, id="shorter by a byte"),
        pytest.param(b"", LINE, id="emptied"),
        pytest.param(SHIFTED, LINE, id="its lines end elsewhere"),
        pytest.param(TEXT, LINE - 1, id="before a newline: half a line was read, then it was written on"),
    ],
)
def test_a_recording_replaced_while_nobody_read_it_is_not_gone_on_with(tmp_path, pack, content, offset):
    path = tmp_path / "a.csv"
    path.write_bytes(pack(content))
    with pytest.raises(SourceError, match=rf"{path}: .* stands at byte {offset}, .* or begin a new run"):
        rest_of(path, offset)


LONG_TEXT = b"".join(hit(orbit, channel=orbit * orbit % 64) + b"\n" for orbit in range(100_000))
LONG_PACKED = gzip.compress(LONG_TEXT, 1)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(LONG_PACKED[:-1], id="cut off in its last number"),
        pytest.param(LONG_PACKED[:300_000], id="cut off"),
        pytest.param(LONG_PACKED.replace(LONG_PACKED[300_000:300_100], b"\xff" * 100), id="overwritten"),
    ],
)
def test_a_damaged_recording_is_gone_on_with_where_it_was_left(tmp_path, content):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(content)
    end = list(FilesSource.of([str(path)]).blocks())[-1].end
    assert rest_of(path, LINE).startswith(LONG_TEXT[LINE:1_000_000])
    assert rest_of(path, end) == b""
