"""The oracle against values derived by hand, before anything is compared with it: its timeslicer."""

import pytest

from oracle.rows import classify
from oracle.summary import summary
from oracle.timeslicer import Line, Slicer, cut
from sample_rows import NEAR, WRAP, hit

HALF = NEAR // 2


def shape(orbits, **parameters):
    """(from, to, epoch, split, orbits) of the slices that hits of these orbits are cut into."""
    slices = cut([hit(orbit) for orbit in orbits], **parameters)
    return [
        (s.from_orbit, s.to_orbit, s.epoch, s.split, [classify(line).orbit for line in s.lines])
        for s in slices
    ]


# A hit of an orbit of two digits is 12 characters and a newline: 13 bytes.
@pytest.mark.parametrize(
    ("orbits", "parameters", "expected"),
    [
        pytest.param([], {}, [], id="nothing"),
        pytest.param(
            [10, 10, 11, 12, 13],
            {"lag_rows": 2, "size_bytes": 1},
            [(10, 11, 0, False, [10, 10]), (11, 12, 0, False, [11]), (12, 14, 0, False, [12, 13])],
            id="closed by two later hits",
        ),
        pytest.param(
            [12, 10, 11, 10, 13], {"lag_rows": 3}, [(10, 14, 0, False, [12, 10, 11, 10, 13])], id="read order"
        ),
        pytest.param(
            [10, 10, 11, 12, 10, 12],
            {"lag_rows": 2, "size_bytes": 26},
            [(10, 11, 0, False, [10, 10]), (11, 12, 0, False, [11, 10]), (12, 13, 0, False, [12, 12])],
            id="late row rides along",
        ),
        pytest.param(
            [10, 10, 11, 12, 10],
            {"lag_rows": 2},
            [(10, 13, 0, False, [10, 10, 11, 12, 10])],
            id="closed, not cut",
        ),
        pytest.param(
            [WRAP - 1, WRAP - 1, 0, 1, 2],
            {"lag_rows": 2, "size_bytes": 1},
            [(WRAP - 1, 0, 0, False, [WRAP - 1] * 2), (0, 1, 0, False, [0]), (1, 3, 0, False, [1, 2])],
            id="counter wraps",
        ),
        pytest.param(
            [10, 10, 500, 11, 12],
            {"lag_rows": 2},
            [(10, 13, 0, False, [10, 10, 500, 11, 12])],
            id="end by last hits",
        ),
        pytest.param(
            [10, 10, 10 + NEAR], {"lag_rows": 2}, [(10, 11 + NEAR, 0, False, [10, 10, 10 + NEAR])], id="near"
        ),
        pytest.param(
            [10, 10, 11 + NEAR], {"lag_rows": 2}, [(10, 11, 0, False, [10, 10, 11 + NEAR])], id="far"
        ),
        pytest.param(
            [10, 10, 10, 10**9, 10**9, 11, 10**9],
            {"lag_rows": 3},
            [(10, 12, 0, False, [10, 10, 10, 10**9, 10**9, 11, 10**9])],
            id="an ordinary hit clears the held",
        ),
        pytest.param(
            [10, 10, 10, 10**9 + 1, 7, 10**9],
            {"lag_rows": 3},
            # 7 is near the edge, so it is no held row but a late one: the two others never make three
            [(10, 11, 0, False, [10, 10, 10, 10**9 + 1, 7, 10**9])],
            id="a late hit clears the held too",
        ),
        pytest.param(
            [10, 10, 10, 10**9 + 1, 3 * 10**9, 10**9],
            {"lag_rows": 3},
            [(10, 11, 0, False, [10] * 3), (10**9, 10**9 + 2, 1, False, [10**9 + 1, 3 * 10**9, 10**9])],
            id="two of three start an epoch",
        ),
        pytest.param(
            [5, 10**9, 5, 2 * 10**9],
            {"lag_rows": 4},
            [(0, 0, -1, False, [5, 10**9, 5, 2 * 10**9])],
            id="half is not enough",
        ),
        pytest.param(
            [0, 10**9, 2 * 10**9, 3 * 10**9],
            {"lag_rows": 4},
            [(0, 0, -1, False, [0, 10**9, 2 * 10**9, 3 * 10**9])],
            id="no two agree",
        ),
        pytest.param(
            [10**9, 8, 7], {}, [(7, 9, 0, False, [10**9, 8, 7])], id="short source: the largest group"
        ),
        pytest.param(
            [10, 10, 10, 10, 10, 11, 12],
            {"lag_rows": 2, "carry_max_bytes": 40},
            [(10, 11, 0, True, [10] * 4), (11, 13, 0, False, [10, 11, 12])],
            id="forced: the fourth row is above 40 bytes",
        ),
        pytest.param(
            [10, 10, 10, 10],
            {"lag_rows": 2, "carry_max_bytes": 52},
            [(10, 11, 0, False, [10] * 4)],
            id="just fits",
        ),
        pytest.param(
            [10, 10, *range(11, 21)],
            {"lag_rows": 2, "carry_max_bytes": 40},
            [(10, 21, 0, False, [10, *range(10, 21)])],
            id="closed rows do not press",
        ),
        pytest.param(
            [77] * 4, {"carry_max_bytes": 40}, [(0, 0, -1, False, [77] * 4)], id="too many held are let go"
        ),
        # With a lag of 2 the edge is the last orbit but one; HALF * 2 = NEAR.
        pytest.param(
            [0, 0, HALF, NEAR, NEAR + HALF, 2 * NEAR, 2 * NEAR + HALF],
            {"lag_rows": 2},
            [
                (0, NEAR, 0, False, [0, 0, HALF]),  # before the edge goes from NEAR to NEAR + HALF
                (NEAR, 2 * NEAR + HALF + 1, 0, False, [NEAR, NEAR + HALF, 2 * NEAR, 2 * NEAR + HALF]),
            ],
            id="far apart",
        ),
        pytest.param(
            [0, 0, HALF, NEAR, NEAR + HALF, 2 * NEAR + 1],
            {"lag_rows": 2},
            # the edge is at NEAR, the end at NEAR + HALF + 1 is too far for the last one, which rides
            [
                (0, NEAR, 0, False, [0, 0, HALF, 2 * NEAR + 1]),
                (NEAR, NEAR + HALF + 1, 0, False, [NEAR, NEAR + HALF]),
            ],
            id="far apart, one rides at the end",
        ),
        pytest.param(
            [0] * 9 + [NEAR - 2] * 3 + [NEAR + 8] * 3,
            {"lag_rows": 3, "carry_max_bytes": 100},
            # after the split nothing is there up to the edge at NEAR - 2, when it goes on to NEAR + 8
            [
                (0, 1, 0, True, [0] * 9),
                (1, NEAR - 2, 0, False, []),
                (NEAR - 2, NEAR + 9, 0, False, [NEAR - 2] * 3 + [NEAR + 8] * 3),
            ],
            id="far apart after a split: orbits without rows",
        ),
        pytest.param(
            [7, 10**9, 6, 7],
            {"lag_rows": 2},
            [(0, 0, -1, False, [7, 10**9]), (6, 8, 0, False, [6, 7])],
            id="let go without an epoch: in no slice of the first one",
        ),
    ],
)
def test_cut(orbits, parameters, expected):
    assert shape(orbits, **parameters) == expected


@pytest.mark.parametrize(("size_bytes", "counts"), [(24, [2, 1]), (25, [3])], ids=["reached", "not reached"])
def test_size_counts_every_line_with_its_newline(size_bytes, counts):
    slices = cut([b"4,0,0,1,0,1"] * 3, size_bytes=size_bytes)  # 11 characters and a newline
    assert [len(s.lines) for s in slices] == counts


def test_a_line_over_the_limit_is_cut_and_malformed_even_if_its_beginning_is_a_hit():
    (piece,) = cut([b"2,0,5,10,1,1", b"2,0,5,10,1,100"], line_max_bytes=12)
    assert piece.lines == [b"2,0,5,10,1,1", b"2,0,5,10,1,10"]  # one byte more than the limit is kept
    assert summary([piece])["malformed"] == {"long": 1}


def test_age_cuts_what_is_closed_and_nothing_else():
    slicer = Slicer(lag_rows=2, size_bytes=1000, carry_max_bytes=1000)
    slicer.age()
    for number, orbit in enumerate([10, 10, 11, 12, 13]):
        slicer.feed(Line.of(number, hit(orbit)))
    slicer.age()
    slicer.age()
    # 12 is the earliest of the last two, so 10 and 11 are closed
    assert [(s.from_orbit, s.to_orbit, len(s.lines)) for s in slicer.slices] == [(10, 12, 3)]
