"""What a chunk of cosmics holds, read back from its bytes with plain Python and compared with its truth."""

from bisect import bisect_right
from collections import Counter, defaultdict
from functools import lru_cache
from itertools import accumulate, pairwise

import numpy as np
import pytest

from cosmo.detector import DRIFT_OFFSET_30TH_NS, LAYER_OF_CHANNEL, serial_difference, wire_position_mm
from cosmo.generator import ORBITS_PER_CHUNK, Cosmics, Origin

DEFAULT = Cosmics()
MANY_MUONS = Cosmics(seed=2, muons_per_s=75.0)
WRAPPING = Cosmics(first_orbit=2**32 - ORBITS_PER_CHUNK - 1000)


def rows_of(*chunks):
    """Return the fields of all rows as text."""
    return [line.split(",") for chunk in chunks for line in chunk.rows.decode().splitlines()]


def hits_of(*chunks):
    """Return (fpga, channel, orbit, bx, tdc) of the HEAD 2 rows."""
    return [hit for chunk in chunks for hit in _hits_of_rows(chunk.rows)]


@lru_cache(maxsize=8)
def _hits_of_rows(rows):
    lines = rows.decode().splitlines()
    return [tuple(map(int, line.split(",")[1:])) for line in lines if line.startswith("2,")]


def chamber_hits(hits):
    """Return (chamber, channel, orbit, bx, tdc) of the hits in chambers."""
    return [(2 * f + c // 64, c % 64, *time) for f, c, *time in hits if c < 128]


def scintillator_by_orbit(hits):
    passages = defaultdict(list)
    for fpga, channel, orbit, bx, tdc in hits:
        if (fpga, channel) == (1, 128):
            passages[orbit].append(30 * bx + tdc)
    return passages


@pytest.fixture(scope="module")
def chunks():
    return [DEFAULT.chunk(index) for index in range(4)]


@pytest.fixture(scope="module")
def muon_chunk():
    return MANY_MUONS.chunk(0)


def test_a_chunk_depends_on_seed_and_index_alone(chunks):
    assert Cosmics().chunk(3).rows == chunks[3].rows
    assert Cosmics(seed=2).chunk(3).rows != chunks[3].rows
    # Their orbits differ anyway; so must the rest.
    assert len({tuple((bx, tdc) for *_, bx, tdc in hits_of(chunk)[:50]) for chunk in chunks}) == 4


def test_rows_are_whole_lines_of_six_fields(chunks):
    assert chunks[0].rows.endswith(b"\n")
    assert {len(row) for row in rows_of(chunks[0])} == {6}
    assert len(rows_of(chunks[0])) == chunks[0].n_rows


def test_hits_are_valid_and_inside_the_chunks_orbits(chunks):
    for index, chunk in enumerate(chunks):
        first = 3_387_200_000 + index * 131_072
        assert all(
            fpga in (0, 1)
            and channel <= 138
            and first <= orbit < first + 131_072
            and bx <= 3563
            and tdc <= 29
            for fpga, channel, orbit, bx, tdc in hits_of(chunk)
        )


def test_muons_are_part_of_the_rate_of_hits(muon_chunk):
    """11.679 s at 1500 hits/s are 17,518, +- 132, though muons alone make more than half of them."""
    assert len(hits_of(muon_chunk)) == pytest.approx(17_518, abs=5 * 132)


def test_rates(chunks):
    """4 x 11.679 s at 1500 hits/s are 70,071 hits, +- 265; a quarter of the rows are ancillary."""
    assert len(hits_of(*chunks)) == pytest.approx(70_071, abs=5 * 265)
    assert sum(chunk.n_rows for chunk in chunks) == pytest.approx(len(hits_of(*chunks)) / 0.75, abs=4 * 8)


def test_shares_per_chamber_and_hot_cells(chunks):
    hits = chamber_hits(hits_of(*chunks))
    per_chamber = Counter(chamber for chamber, *_ in hits)
    per_cell = Counter((chamber, channel) for chamber, channel, *_ in hits)
    shares = [per_chamber[chamber] / len(hits) for chamber in range(4)]
    assert shares == pytest.approx([0.24, 0.34, 0.23, 0.19], abs=0.01)
    assert per_cell[0, 61] / per_chamber[0] == pytest.approx(1 / 3, abs=0.02)
    assert per_cell[2, 0] / per_chamber[2] == pytest.approx(1 / 10, abs=0.01)
    assert len(per_cell) == 4 * 64


def test_most_orbits_with_a_hit_hold_one(chunks):
    per_orbit = Counter(orbit for _, _, orbit, _, _ in hits_of(*chunks))
    assert sum(n == 1 for n in per_orbit.values()) > 0.9 * len(per_orbit)


def test_some_hits_are_on_a_channel_of_no_chamber(chunks):
    others = Counter((fpga, channel) for fpga, channel, *_ in hits_of(*chunks) if channel >= 128)
    assert set(others) == {(1, 128), (1, 138)}
    assert others[1, 138] == pytest.approx(70, abs=5 * 8.4)


@pytest.mark.parametrize(
    "cosmics", [DEFAULT, MANY_MUONS, WRAPPING], ids=["default", "many muons", "orbit wrap"]
)
def test_disorder_is_at_most_15_hits_across_chunks_too(cosmics):
    hits = hits_of(*(cosmics.chunk(index) for index in range(3)))
    orbits = [serial_difference(orbit, cosmics.first_orbit) for _, _, orbit, _, _ in hits]
    newest = list(accumulate(orbits, max))
    # newest rises, so the first hit of a later orbit is found by bisection.
    worst = max(place - min(place, bisect_right(newest, orbit)) for place, orbit in enumerate(orbits))
    assert 10 <= worst <= 15


def test_both_fpgas_are_read_in_blocks_of_four(chunks):
    """Runs of rows of one FPGA and kind are blocks of 4, or several; a few were cut short."""
    runs = [1]
    rows = [(row[0] == "2", row[1]) for row in rows_of(chunks[0])]
    for before, row in pairwise(rows):
        if row == before:
            runs[-1] += 1
        else:
            runs.append(1)
    assert sum(run % 4 == 0 for run in runs) > 0.97 * len(runs)


def test_a_muon_orbit_has_a_scintillator_hit_usually_one(muon_chunk):
    passages = scintillator_by_orbit(hits_of(muon_chunk))
    assert len(passages) == muon_chunk.truth.n_orbits == pytest.approx(75 * 11.679, abs=5 * 30)
    assert {len(times) for times in passages.values()} == {1, 2}
    assert sum(len(times) == 1 for times in passages.values()) > 0.94 * len(passages)
    assert all(max(times) - min(times) <= 240 for times in passages.values())


def test_some_muons_miss_the_scintillator(chunks):
    """(1500 / 20 - 1.5) / 20 a second in 4 x 11.679 s: 172 +- 13, of 8 hits or more within 600 ns."""
    hits = hits_of(*chunks)
    passages = scintillator_by_orbit(hits)
    times = defaultdict(list)
    for chamber, _, orbit, bx, tdc in chamber_hits(hits):
        times[orbit].append(30 * bx + tdc - DRIFT_OFFSET_30TH_NS[chamber] / 25)
    missed = {orbit: own for orbit, own in times.items() if len(own) >= 8 and orbit not in passages}
    assert len(missed) == pytest.approx(172, abs=5 * 13)
    # A hit of the noise may be in the orbit too.
    together = [sum(abs(at - np.median(own)) < 30 * 24 for at in own) for own in missed.values()]
    assert min(together) >= 8
    assert sum(together) / len(chamber_hits(hits)) == pytest.approx(0.03, abs=0.01)


def test_truth_is_every_chamber_hit_of_a_scintillators_orbit_and_its_drift_time(muon_chunk):
    """Statistic 6, worked out from the rows in integers, is the truth to the last 1/30 ns."""
    hits = hits_of(muon_chunk)
    passages = scintillator_by_orbit(hits)
    from_rows = sorted(
        (orbit, chamber, channel, 25 * (30 * bx + tdc - min(passages[orbit])) + DRIFT_OFFSET_30TH_NS[chamber])
        for chamber, channel, orbit, bx, tdc in chamber_hits(hits)
        if orbit in passages
    )
    truth = muon_chunk.truth
    columns = (truth.orbit, truth.chamber, truth.channel, truth.drift_time_30th_ns)
    assert from_rows == sorted(zip(*(column.tolist() for column in columns), strict=True))


def test_rows_hold_the_true_drift_time_to_half_a_tdc_count(muon_chunk):
    truth = muon_chunk.truth
    drifted = np.isin(truth.origin, [Origin.TRACK, Origin.EARLY])
    assert np.isnan(truth.drift_time_ns[~drifted]).all()
    error = truth.drift_time_30th_ns[drifted] - 30 * truth.drift_time_ns[drifted]
    assert np.abs(error).max() <= 12.5


def test_drift_times_are_a_flat_box_with_a_peak_and_some_background(muon_chunk):
    truth = muon_chunk.truth
    drift_time_ns = truth.drift_time_30th_ns[truth.origin != Origin.NOISE] / 30
    # Bins of 25 ns are 30 TDC counts: each holds the same number of possible times.
    counts, _ = np.histogram(drift_time_ns, bins=np.arange(-100.0, 501.0, 25.0))
    outside, leading, box, edge = counts[[*range(3), *range(20, 24)]], counts[4], counts[5:19], counts[19]
    n = len(drift_time_ns)
    # 2 % in 600 ns, 24 bins: n / 1200 a bin outside the box; inside, 25 of 390.3 ns of the rest besides.
    flat = 0.96 * n * 25 / 390.3 + n / 1200
    assert outside.sum() == pytest.approx(7 * n / 1200, abs=5 * (7 * n / 1200) ** 0.5)
    assert box == pytest.approx(np.full(14, flat), abs=5 * flat**0.5)
    assert leading > flat + 0.01 * n
    # Of the last bin, 375 to 400 ns, the box fills 15.3 ns: 0.61.
    assert edge == pytest.approx(0.61 * flat, abs=5 * (0.61 * flat) ** 0.5)


def test_a_muon_leaves_neighbouring_cells_in_the_layers_of_a_chamber(muon_chunk):
    truth = muon_chunk.truth
    of_muon = truth.origin != Origin.NOISE
    cells = defaultdict(dict)
    for orbit, chamber, channel in zip(
        truth.orbit[of_muon], truth.chamber[of_muon], truth.channel[of_muon], strict=True
    ):
        layer = int(LAYER_OF_CHANNEL[channel])
        assert layer not in cells[orbit, chamber]
        cells[orbit, chamber][layer] = wire_position_mm(chamber, channel)[0]
    for x_mm in cells.values():
        steps = [
            abs(x_mm[layer + 1] - x_mm[layer]) for layer in (1, 2, 3) if {layer, layer + 1} <= x_mm.keys()
        ]
        # Neighbouring layers are staggered by half a cell, so neighbours are 21 mm apart.
        assert set(steps) <= {21.0}
    assert sum(len(x_mm) == 4 for x_mm in cells.values()) > 0.9 * len(cells)
    per_muon = Counter(truth.orbit[of_muon].tolist())
    assert len(per_muon) == truth.n_orbits
    assert 8 <= min(per_muon.values()) <= max(per_muon.values()) == 16


def test_ancillary_rows_look_like_the_recorded_ones(chunks):
    rows = rows_of(chunks[0])
    by_head = defaultdict(list)
    for row in rows:
        by_head[row[0]].append(row)
    assert set(by_head) == {"0", "1", "2", "3", "4", "5"}
    assert max(int(row[4]) for row in by_head["3"]) == 18504
    assert max(int(row[5]) for row in by_head["1"]) == 136
    assert {len(row[5].split(".")[1]) for head in "45" for row in by_head[head]} == {6}
    assert (
        min(float(row[5]) for row in by_head["4"]) < -0.5 < 0.5 < max(float(row[5]) for row in by_head["4"])
    )
    assert min(float(row[5]) for row in by_head["5"]) < -60 < 60 < max(float(row[5]) for row in by_head["5"])


def test_ancillary_rows_run_100_to_140_thousand_orbits_ahead_in_groups_of_five(chunks):
    rows = rows_of(chunks[0])
    newest = 0
    groups = {"0": [], "1": []}
    for row in rows:
        if row[0] == "2":
            newest = max(newest, int(row[3]))
        else:
            assert 100_000 < int(row[3]) - newest < 140_000
            groups[row[1]].append((row[0], row[3]))
    for group in groups.values():
        assert "".join(head for head, _ in group[:10]) == "3104531045"
        assert len({orbit for _, orbit in group[:5]}) == 1
        assert [int(orbit) for _, orbit in group] == sorted(int(orbit) for _, orbit in group)


def test_ancillary_rows_keep_their_order_and_rise_across_chunks(chunks):
    """Each FPGA: HEAD 3, 1, 0, 4, 5 from the first row to the last, one rising ORBIT_CNT a group."""
    ancillary = [row for row in rows_of(*chunks) if row[0] != "2"]
    for fpga in "01":
        rows = [row for row in ancillary if row[1] == fpga]
        assert "".join(row[0] for row in rows) == "31045" * (len(rows) // 5)
        orbits = [int(row[3]) for row in rows]
        assert orbits == sorted(orbits)
        assert all(len(set(orbits[first : first + 5])) == 1 for first in range(0, len(orbits), 5))


def test_the_orbit_counter_wraps():
    """Chunk 0 ends 1000 orbits before the wrap, chunk 1 goes through it; ancillary rows run ahead."""
    before, through, after = (WRAPPING.chunk(index) for index in range(3))
    orbits = [orbit for _, _, orbit, _, _ in hits_of(through)]
    assert min(orbit for _, _, orbit, _, _ in hits_of(before)) >= 2**32 - 132_072
    assert any(orbit >= 2**32 - 1000 for orbit in orbits)
    assert all(orbit >= 2**32 - 1000 or orbit < 131_072 - 1000 for orbit in orbits)
    assert set(through.truth.orbit.tolist()) <= set(orbits)
    assert all(131_072 - 1000 <= orbit < 2 * 131_072 - 1000 for _, _, orbit, _, _ in hits_of(after))
    assert all(0 <= int(row[3]) < 2**32 for row in rows_of(before))


def test_a_wrapped_chunk_differs_from_another_only_in_its_orbits():
    early, late = Cosmics(first_orbit=0).chunk(2), WRAPPING.chunk(2)
    assert [row[:3] + row[4:] for row in rows_of(early)] == [row[:3] + row[4:] for row in rows_of(late)]
    assert early.truth.drift_time_30th_ns.tolist() == late.truth.drift_time_30th_ns.tolist()
