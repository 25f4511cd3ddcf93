"""Records as lines, topics as a table: messages of COSMO's by what they say, anything else as it is."""

import json

import pytest

from cosmo.broker import PartitionDescription, Record, TopicDescription
from cosmo.fake import FakeRun
from cosmo.record_lines import json_of, line_of
from cosmo.results import Run
from cosmo.settings import ResultsTopic, RunsTopic, StreamTopic, Topics
from cosmo.slice_records import ReadHead, SliceRecord, Writer
from cosmo.topics_table import topics_table

TOPICS = Topics(
    stream=StreamTopic(name="s", partitions=2, retention_mib=1),
    results=ResultsTopic(name="r", retention_mib=1, retention_hours=1),
    runs=RunsTopic(name="o"),
)
WHERE = "1970-01-01 00:00:01.500  0/7  "
SLICE = SliceRecord(
    run=3,
    number=4,
    producer=Writer("cmaster", 12, "2026-01-01T00:00:00+00:00"),
    from_orbit=10,
    to_orbit=20,
    epoch=0,
    split=True,
    rows=1,
    rows_so_far=5000,
    first_release=1.0,
    last_release=1.0,
    base=0,
    read_head=ReadHead(),
    carry=b"",
    carry_rows=0,
    text=b"2,0,17,15,1,2\n",
)
RUN = Run(number=3, note="night", source="files", started="2026-01-01T00:00:00+00:00", start_offsets={"0": 0})


def record(value, headers=(), key=None):
    return Record(0, 7, 1.5, key, value, list(headers))


def test_a_slice():
    line = line_of(TOPICS, "s", record(SLICE.text, SLICE.headers()))
    assert line == WHERE + "run 3 slice 4: 1 rows of 5,000 so far, orbits 10 to 20, from cmaster, split"
    written = json.loads(json_of(TOPICS, "s", record(SLICE.text, SLICE.headers())))
    assert written["slice"]["text"] == "2,0,17,15,1,2\n"
    assert (written["partition"], written["offset"]) == (0, 7)


def test_a_result():
    result = next(FakeRun(began_s=0.0, number=3).results())
    assert line_of(TOPICS, "r", record(result.to_json())).startswith(WHERE + "run 3 result 0: 1,9")
    assert json.loads(json_of(TOPICS, "r", record(result.to_json())))["result"]["number"] == 0


def test_a_run():
    ended = RUN.model_copy(update={"ended": RUN.started, "rows_sent": 9, "rows_accounted": 8})
    assert line_of(TOPICS, "o", record(RUN.to_json())).endswith("since 2026-01-01T00:00:00+00:00, is on")
    assert line_of(TOPICS, "o", record(ended.to_json())).endswith("9 rows sent, 8 accounted")
    among = ended.model_copy(update={"rows_unframed": 1})
    assert line_of(TOPICS, "o", record(among.to_json())).endswith("9 rows sent, 8 accounted, 1 unframed")


@pytest.mark.parametrize(
    ("topic", "value", "headers", "said"),
    [
        pytest.param("s", b"2,0,17\xff", [], r"unframed: '2,0,17\\xff'", id="unframed"),
        pytest.param("s", None, [], "null", id="null"),
        pytest.param("other", b"\x1b[2J", [], r"'\x1b[2J'", id="a terminal's own language"),
        pytest.param("other", b"0" * 90, [], f"'{'0' * 80}' ... (90 bytes)", id="long"),
        pytest.param("s", b"", [("number", b"x")], "not readable: expected the headers", id="no slice"),
        pytest.param("s", b"", [("run", b"3")], "not readable: expected the headers", id="no number"),
        pytest.param("r", b"{", [], "not readable: expected the JSON of a Result", id="no result"),
    ],
)
def test_anything_else_is_shown_as_it_is(topic, value, headers, said):
    assert line_of(TOPICS, topic, record(value, headers)).startswith(WHERE + said)
    assert isinstance(json.loads(json_of(TOPICS, topic, record(value, headers))), dict)


def test_what_somebody_wrote_into_a_run_moves_no_cursor():
    line = line_of(TOPICS, "o", record(RUN.model_copy(update={"source": "a\nb\x1b[2Jµ"}).to_json()))
    assert r"of a\nb\x1b[2Jµ, since" in line


@pytest.mark.parametrize(
    "time_s",
    [
        pytest.param(1.7e12, id="written in us: the year 55840"),
        pytest.param(1.7e15, id="written in ns"),
        pytest.param(-(2.0**63) / 1000, id="the least of 64 bits"),
    ],
)
def test_a_time_that_is_no_date_is_shown_as_the_number(time_s):
    odd = Record(0, 7, time_s, None, b"", [])
    said = f"{time_s:.3f} s"
    assert line_of(TOPICS, "s", odd).startswith(f"{said}  0/7")
    assert json.loads(json_of(TOPICS, "s", odd))["time"] == said
    part = PartitionDescription(0, start=0, end=1, size_bytes=1, first_s=time_s, last_s=time_s)
    table = topics_table([TopicDescription("s", {}, (part,))])
    assert [list(column.cells) for column in table.columns[-2:]] == [[said], [said]]
