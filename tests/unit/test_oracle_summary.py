"""The oracle against values derived by hand, before anything is compared with it: its summary."""

import pytest

from against_oracle import oracle_of_recording
from oracle.rows import HEADER
from oracle.summary import add, by_block, drift_time_bin, empty, of_file_bytes, summary, unframed
from oracle.timeslicer import Slice
from sample_rows import NEAR, WRAP, hit, recording, scintillator


@pytest.mark.parametrize(
    ("drift_time_30", "expected"),
    [(-3001, 0), (-3000, 1), (-2971, 1), (-2970, 2), (14999, 600), (15000, 601)],
    ids=["below", "low edge", "end of first", "second", "last", "high edge"],
)
def test_drift_time_bin(drift_time_30, expected):
    assert drift_time_bin(drift_time_30) == expected


@pytest.mark.parametrize(
    ("row", "chamber", "drift_time_ns"),
    [
        pytest.param(hit(10, 0, 0, 100, 0), 0, 93, id="offset of chamber 0"),
        pytest.param(hit(10, 0, 64, 100, 0), 1, 101, id="offset of chamber 1"),
        pytest.param(hit(10, 1, 0, 100, 0), 2, 95, id="offset of chamber 2"),
        pytest.param(hit(10, 1, 64, 100, 0), 3, 92, id="offset of chamber 3"),
        pytest.param(hit(10, 0, 0, 102, 15), 0, 156, id="2 BX and 15 TDC are 62.5 ns"),
        pytest.param(hit(10, 0, 0, 99, 0), 0, 68, id="before the scintillator"),
    ],
)
def test_drift_time_from_the_earliest_scintillator_hit(row, chamber, drift_time_ns):
    result = summary([Slice(10, 11, 0, False, [scintillator(10, 104, 0), row, scintillator(10, 100, 0)])])
    expected = [[0] * 602 for _ in range(4)]
    expected[chamber][1 + 100 + drift_time_ns] = 1
    assert result["drift_time"] == expected


def test_active_channels():
    rows = [hit(10, 0, 5), hit(10, 0, 5), hit(10, 0, 6), hit(10, 1, 64), scintillator(11), hit(12, 1, 138)]
    result = summary([Slice(10, 13, 0, False, rows)])
    # Orbit 10: 2 channels of chamber 0, 1 of chamber 3. Orbit 11: none. Orbit 12 holds an unmapped hit only.
    assert [
        [n for n, count in enumerate(row) for _ in range(count)] for row in result["active_channels"]
    ] == [
        [0, 2],
        [0, 0],
        [0, 0],
        [0, 1],
    ]
    blocks = {10: [1, [2, 0, 0, 1], [2, 0, 0, 1]], 11: [1, [0] * 4, [0] * 4]}
    assert result["active_by_orbit"] == {"log2_block": 0, "blocks": blocks}
    assert (result["hits"], result["scintillator_hits"], result["unmapped"]) == ([3, 0, 0, 1], 1, 1)
    assert (result["occupancy"][0][5:7], result["occupancy"][3][0]) == ([2, 1], 1)


def test_scintillator_occupancy_counts_hits_of_orbits_with_a_scintillator_hit():
    rows = [hit(10, 0, 5), hit(10, 0, 5), scintillator(10), scintillator(10), hit(11, 0, 5)]
    result = summary([Slice(10, 12, 0, False, rows)])
    assert result["scintillator_occupancy"][0][5] == 2
    assert sum(map(sum, result["drift_time"])) == 2


@pytest.mark.parametrize(
    ("orbit", "epoch", "late", "clock_jump"),
    [
        pytest.param(10, 0, 0, 0, id="from is inside"),
        pytest.param(9, 0, 1, 0, id="before from"),
        pytest.param(12, 0, 1, 0, id="to is outside"),
        pytest.param(12 + NEAR, 0, 1, 0, id="last late"),
        pytest.param(13 + NEAR, 0, 0, 1, id="first clock jump"),
        pytest.param((12 - NEAR) % WRAP, 0, 1, 0, id="earliest late, below the wrap"),
        pytest.param((11 - NEAR) % WRAP, 0, 0, 1, id="clock jump below the wrap"),
    ],
)
def test_outside(orbit, epoch, late, clock_jump):
    result = summary([Slice(10, 12, epoch, False, [hit(orbit), scintillator(orbit), hit(10)])])
    assert (result["hits"][0], result["occupancy"][0][5], result["scintillator_hits"]) == (2, 2, 1)
    assert (result["late"], result["clock_jump"]) == (2 * late, 2 * clock_jump)
    inside = not late and not clock_jump
    assert sum(map(sum, result["scintillator_occupancy"])) == (2 if inside else 0)
    assert sum(result["active_channels"][0]) == 1


def test_without_epoch_every_hit_is_a_clock_jump():
    result = summary([Slice(0, 0, -1, False, [hit(0), hit(1)])])
    assert (result["late"], result["clock_jump"], result["live_orbits"]) == (0, 2, 0)


def test_an_orbit_number_in_two_slices_is_two_orbits():
    pieces = [Slice(10, 11, 0, True, [hit(10)]), Slice(10, 11, 1, False, [scintillator(10)])]
    result = summary(pieces)
    assert (result["split"], result["live_orbits"]) == (1, 2)
    assert sum(map(sum, result["drift_time"])) == 0
    assert result["active_by_orbit"]["blocks"] == {10: [2, [1, 0, 0, 0], [1, 0, 0, 0]]}


def test_live_orbits_wrap():
    assert summary([Slice(WRAP - 1, 2, 0, False, [])])["live_orbits"] == 3


@pytest.mark.parametrize(
    ("orbits", "log2_block", "n_blocks"),
    [
        pytest.param(range(512), 0, 512, id="512 orbits fit"),
        pytest.param(range(513), 1, 257, id="513 do not"),
        pytest.param(range(0, 4096, 4), 3, 512, id="1024 orbits 4 apart, in blocks of 8"),
    ],
)
def test_blocks(orbits, log2_block, n_blocks):
    result = by_block([(orbit, [1, 0, 0, orbit % 3]) for orbit in orbits])
    assert (result["log2_block"], len(result["blocks"])) == (log2_block, n_blocks)
    assert sum(entry[0] for entry in result["blocks"].values()) == len(orbits)


def test_block_holds_sums_and_maxima():
    result = by_block([(orbit, [orbit % 4, 1, 0, 0]) for orbit in range(1024)])
    # Blocks of 2: orbits 2 and 3 have 2 and 3 active channels.
    assert result["blocks"][1] == [2, [5, 2, 0, 0], [3, 1, 0, 0]]


def test_slices_add_up():
    pieces = [
        Slice(
            n,
            n + 1,
            0,
            n % 7 == 0,
            [hit(n, 0, n % 64), hit(n, 1, 3), scintillator(n), b"", b"x", b"4,0,0,0,0,0"],
        )
        for n in range(700)
    ]
    parts = [summary(pieces[:100]), summary(pieces[100:400]), summary(pieces[400:])]
    whole = summary(pieces)
    assert add(add(parts[0], parts[1]), parts[2]) == whole
    assert add(parts[0], add(parts[1], parts[2])) == whole
    assert add(parts[2], add(parts[1], parts[0])) == whole
    assert add(whole, empty()) == whole
    assert whole["active_by_orbit"]["log2_block"] == 1
    assert (whole["rows"], whole["blank_lines"], whole["malformed"]) == (3500, 700, {"fields": 700})
    assert (whole["ancillary"], whole["split"]) == ({4: 700}, 100)


@pytest.mark.parametrize("data", [None, b"2,0,5,10,1,1\n\xff"], ids=["null", "binary"])
def test_unreadable_record(data):
    assert unframed(data) == empty() | {"malformed_slices": 1}


def test_unframed_rows_count_without_orbits():
    result = unframed(HEADER + b"\n" + hit(10) + b"\n" + scintillator(10) + b"\n\nx")
    assert (result["rows"], result["unframed"], result["header_lines"], result["blank_lines"]) == (3, 3, 1, 1)
    assert (result["hits"], result["occupancy"][0][5], result["scintillator_hits"]) == ([1, 0, 0, 0], 1, 1)
    assert result["malformed"] == {"fields": 1}
    for name in ("active_by_orbit", "active_channels", "drift_time", "scintillator_occupancy", "live_orbits"):
        assert result[name] == empty()[name]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # Counted apart, with awk: rows per FPGA and TDC_CHANNEL // 64, rows per HEAD, drift times per chamber
        # inside the axis, and the newest orbit minus the oldest plus 1.
        pytest.param(
            "minidt_cosmics_74rows.txt",
            {
                "rows": 74,
                "header_lines": 0,
                "hits": [1, 19, 8, 9],
                "scintillator_hits": 0,
                "unmapped": 1,
                "in_axis": [0, 0, 0, 0],
                "ancillary": {0: 7, 1: 7, 3: 7, 4: 8, 5: 7},
                "live_orbits": 3387201063 - 3387200947 + 1,
            },
            id="cosmics",
        ),
        pytest.param(
            "minidt_beam_67000rows.csv.gz",
            {
                "rows": 67000,
                "header_lines": 1,
                "hits": [36492, 6964, 16494, 1500],
                "scintillator_hits": 1649,
                "unmapped": 3901,
                "in_axis": [2436, 341, 2772, 232],
                "ancillary": {},
                "live_orbits": 3869200833 - 3869200167 + 1,
            },
            id="beam",
        ),
    ],
)
def test_recording(name, expected):
    data = recording(name)
    result = oracle_of_recording(name)
    nothing_wrong = {"malformed": {}, "late": 0, "clock_jump": 0, "split": 0, "blank_lines": 0}
    expected = expected | nothing_wrong
    found = result | {"in_axis": [sum(row[1:601]) for row in result["drift_time"]]}
    assert {key: found[key] for key in expected} == expected
    # However the rows are cut between orbits, the sum is the same.
    beginning = b"".join(data.splitlines(keepends=True)[:8000])
    assert of_file_bytes(beginning, size_bytes=40_000) == of_file_bytes(beginning)
