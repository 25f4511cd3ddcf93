"""Each fault is seen in the Summary exactly where it was put, and nowhere else; faults compose."""

from dataclasses import replace

import numpy as np
import pytest

from cosmo.errors import SettingsError
from cosmo.generator import Beam, Cosmics, parse_fault
from generated_rows import hits_of, most_disorder, summary_of

#: Kind, and the orbits of chunk 0 in which the fault is on.
RUNS = {
    "cosmics": (Cosmics(muons_per_s=75.0), 20_000, 90_000),
    "beam": (Beam(), 100, 400),
}


@pytest.fixture(scope="module", params=RUNS)
def run(request):
    recording, start, end = RUNS[request.param]
    return recording, start, end, parts(recording, start, end)


def parts(recording, start, end):
    """Return the Summaries of chunk 0 inside and outside of the orbits."""
    inside, outside = [], []
    for line in recording.chunk(0).rows.splitlines(keepends=True):
        if line.startswith(b"2,"):
            orbit = int(line.split(b",", 4)[3]) - recording.first_orbit
            (inside if start <= orbit < end else outside).append(line)
    return summary_of(b"".join(inside)), summary_of(b"".join(outside))


def seen(summary):
    """Return all that the physics of a Summary holds, as one comparable value."""
    return (
        summary.occupancy.view().tolist(),
        summary.scintillator_occupancy.view().tolist(),
        summary.active_channels.view().tolist(),
        summary.drift_time.view(flow=True).tolist(),
        summary.scintillator_hits,
        summary.unmapped,
    )


def with_fault(run, text):
    """Return the Summaries inside without and with the fault, after seeing that outside they are the same."""
    recording, start, end, (clean, clean_outside) = run
    fault = parse_fault(f"{text},from_orbit={start},to_orbit={end}")
    faulty, outside = parts(replace(recording, faults=(fault,)), start, end)
    assert seen(outside) == seen(clean_outside)
    return clean, faulty, end - start


def cells(summary):
    return summary.occupancy.view().copy()


def times(summary):
    return summary.drift_time.view(flow=True).copy()


def test_a_dead_cell(run):
    clean, faulty, _ = with_fault(run, "dead-cell:chamber=2,channel=1")
    expected = cells(clean)
    assert expected[2, 1] > 0
    expected[2, 1] = 0
    assert (cells(faulty) == expected).all()
    assert (times(faulty)[[0, 1, 3]] == times(clean)[[0, 1, 3]]).all()
    missing = times(clean)[2].sum() - times(faulty)[2].sum()
    assert missing == clean.scintillator_occupancy.view()[2, 1] > 0


def test_a_dead_chamber(run):
    clean, faulty, _ = with_fault(run, "dead-chamber:chamber=1")
    others = [0, 2, 3]
    assert cells(clean)[1].any()
    assert not cells(faulty)[1].any()
    assert (cells(faulty)[others] == cells(clean)[others]).all()
    assert not times(faulty)[1].any()
    assert (times(faulty)[others] == times(clean)[others]).all()
    assert faulty.scintillator_hits == clean.scintillator_hits


def test_a_lost_fpga(run):
    clean, faulty, _ = with_fault(run, "lost-fpga:fpga=1")
    assert clean.scintillator_hits > 0 == faulty.scintillator_hits
    assert not cells(faulty)[2:].any()
    assert (cells(faulty)[:2] == cells(clean)[:2]).all()
    assert not times(faulty).any()


def test_a_noisy_cell(run):
    """As many more hits as orbits, with the chance of a Poisson number."""
    clean, faulty, n_orbits = with_fault(run, "noisy-cell:chamber=3,channel=20,hits_per_orbit=1")
    more = cells(faulty) - cells(clean)
    assert more[3, 20] == pytest.approx(n_orbits, abs=5 * n_orbits**0.5)
    more[3, 20] = 0
    assert not more.any()
    assert (times(faulty)[:3] == times(clean)[:3]).all()


def test_a_shifted_t0(run):
    """50 ns are 60 TDC counts: the histogram of the chamber moves by 50 bins, and nothing else does."""
    clean, faulty, _ = with_fault(run, "shifted-t0:chamber=0,shift_ns=50")
    assert (cells(faulty) == cells(clean)).all()
    assert (faulty.active_channels.view() == clean.active_channels.view()).all()
    assert (times(faulty)[1:] == times(clean)[1:]).all()
    before, after = times(clean)[0, 1:-1], times(faulty)[0, 1:-1]
    assert before.sum() > 500
    # But for the one hit in 1800 that is in the last 50 ns of its orbit and comes out at its other end.
    assert np.abs(after[50:] - before[:-50]).sum() <= 5


def test_a_burst(run):
    """Two hits an orbit more, alike in all 256 cells, each cell within 6 sigma; none less."""
    clean, faulty, n_orbits = with_fault(run, "burst:hits_per_orbit=2")
    more = cells(faulty) - cells(clean)
    assert more.min() >= 0
    assert more.sum() == pytest.approx(2 * n_orbits, abs=5 * (2 * n_orbits) ** 0.5)
    mean = n_orbits / 128
    assert more.max() < mean + 6 * mean**0.5 + 3
    assert faulty.scintillator_hits == clean.scintillator_hits


def test_a_rate_drop(run):
    """A quarter of the hits is left, within 5 sigma of a binomial, and none is added."""
    clean, faulty, _ = with_fault(run, "rate-drop:kept_share=0.25")
    n, left = cells(clean).sum(), cells(faulty).sum()
    assert left == pytest.approx(n / 4, abs=5 * (n * 3 / 16) ** 0.5)
    assert (cells(faulty) <= cells(clean)).all()


def test_faults_compose_and_their_order_does_not_matter(run):
    recording, start, end, (clean, _) = run
    faults = tuple(
        parse_fault(text)
        for text in (
            "dead-cell:chamber=2,channel=1",
            "burst:hits_per_orbit=2",
            "shifted-t0:chamber=2,shift_ns=-30",
            "noisy-cell:chamber=1,channel=5,hits_per_orbit=0.5",
            "lost-fpga:fpga=0",
        )
    )
    one = replace(recording, faults=faults)
    other = replace(recording, faults=faults[::-1])
    assert one.chunk(0).rows == other.chunk(0).rows
    inside, _ = parts(one, start, end)
    # Nothing of FPGA 0, not even the noisy cell; chamber 2 has its burst, but for the dead cell.
    assert not cells(inside)[:2].any()
    assert cells(inside)[2, 1] == 0 < cells(clean)[2, 1]
    assert (np.delete(cells(inside)[2], 1) >= np.delete(cells(clean)[2], 1)).all()


def test_a_fault_over_several_chunks_acts_in_each_of_them_alone():
    fault = parse_fault("dead-chamber:chamber=0,from_orbit=600,to_orbit=1100")
    beam = Beam(faults=(fault,))
    for index in range(4):
        fpga, channel, orbit, _, _ = hits_of(beam.chunk(index).rows)
        lost = (orbit - beam.first_orbit >= 600) & (orbit - beam.first_orbit < 1100)
        assert not ((fpga == 0) & (channel < 64) & lost).any()
        if index in (0, 3):
            assert beam.chunk(index).rows == Beam().chunk(index).rows


def test_noise_differs_from_chunk_to_chunk_and_from_seed_to_seed():
    fault = parse_fault("noisy-cell:chamber=3,channel=0,hits_per_orbit=1")

    def of_cell(seed, index):
        chunk = Beam(seed=seed, faults=(fault,)).chunk(index)
        fpga, channel, _, bx, tdc = hits_of(chunk.rows)
        chosen = (fpga == 1) & (channel == 64)
        return list(zip(bx[chosen].tolist(), tdc[chosen].tolist(), strict=True))

    assert of_cell(1, 0) == of_cell(1, 0)
    # More than 400 of 512 hits are the fault's, so by chance hardly one is where another is.
    usual = set(of_cell(1, 0))
    assert len(usual & set(of_cell(1, 1))) < 50
    assert len(usual & set(of_cell(2, 0))) < 50


def test_truth_is_of_the_rows_with_their_faults():
    faults = (parse_fault("shifted-t0:chamber=2,shift_ns=25"), parse_fault("burst:hits_per_orbit=3"))
    chunk = Beam(faults=faults).chunk(0)
    bins = np.clip(chunk.truth.drift_time_30th_ns // 30 + 101, 0, 601)
    measured = times(summary_of(chunk.rows))
    for chamber in range(4):
        expected = np.bincount(bins[chunk.truth.chamber == chamber], minlength=602)
        assert measured[chamber].tolist() == expected.tolist()


@pytest.mark.parametrize("recording", [Cosmics(), Beam()], ids=["cosmics", "beam"])
def test_disorder_stays_bounded_in_a_burst(recording):
    chunk = replace(recording, faults=(parse_fault("burst:hits_per_orbit=1"),)).chunk(0)
    assert most_disorder(hits_of(chunk.rows)[2])[0] <= 15


def test_a_lost_fpga_sends_no_ancillary_rows_and_the_other_as_many_as_before():
    def ancillary(recording):
        rows = [line.split(b",") for line in recording.chunk(0).rows.splitlines()]
        return [sum(row[0] != b"2" and row[1] == fpga for row in rows) for fpga in (b"0", b"1")]

    usual = ancillary(Cosmics())
    assert ancillary(Cosmics(faults=(parse_fault("lost-fpga:fpga=0"),))) == [0, usual[1]]
    late = Cosmics(faults=(parse_fault("lost-fpga:fpga=0,to_orbit=65536"),))
    assert 0 < ancillary(late)[0] < usual[0]
    rows = [line.split(b",") for line in late.chunk(0).rows.splitlines()]
    first = next(place for place, row in enumerate(rows) if row[1] == b"0")
    newest = max(int(row[3]) for row in rows[:first] if row[0] == b"2") - late.first_orbit
    # A block of 4 hits of the other FPGA, 300 orbits or so, may be what comes before it.
    assert newest == pytest.approx(65_536, abs=1000)


@pytest.mark.parametrize(
    "text", ["rate-drop:kept_share=0", "burst:hits_per_orbit=0.5", "dead-chamber:chamber=0"]
)
def test_ancillary_rows_are_the_same_with_faults_and_at_the_same_times(text):
    """Half of them are sent before the fault, which begins in the middle, but for a block or two."""
    recording = Cosmics(faults=(parse_fault(f"{text},from_orbit=65536"),))
    rows = recording.chunk(0).rows.splitlines()
    ancillary = [row for row in rows if not row.startswith(b"2,")]
    assert ancillary == [row for row in Cosmics().chunk(0).rows.splitlines() if not row.startswith(b"2,")]
    first = recording.first_orbit + 65_536
    last_before = max(
        place
        for place, row in enumerate(rows)
        if row.startswith(b"2,") and int(row.split(b",", 4)[3]) < first
    )
    sent_before = sum(not row.startswith(b"2,") for row in rows[:last_before])
    assert sent_before == pytest.approx(len(ancillary) / 2, abs=16)


def test_everything_lost_is_no_rows():
    lost = tuple(parse_fault(f"lost-fpga:fpga={fpga}") for fpga in (0, 1))
    assert Cosmics(faults=lost).chunk(0).rows == b""
    assert Beam(faults=lost).chunk(0).rows == b""


@pytest.mark.parametrize(
    "text",
    [
        "dead-cell:chamber=0,channel=5",
        "noisy-cell:chamber=3,channel=63,hits_per_orbit=0.5",
        "dead-chamber:chamber=1,from_orbit=10",
        "shifted-t0:chamber=2,shift_ns=-12.5,from_orbit=10,to_orbit=20",
        "lost-fpga:fpga=1,to_orbit=20",
        "burst:hits_per_orbit=100.0",
        "rate-drop:kept_share=0.0",
    ],
)
def test_a_fault_reads_as_it_is_written(text):
    assert str(parse_fault(text)) == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("dead", "expected a kind of dead-cell, noisy-cell", id="unknown kind"),
        pytest.param("dead-cell", "expected chamber, channel=..., it is missing", id="nothing said"),
        pytest.param("dead-cell:chamber=0", "expected channel=..., it is missing", id="a key missing"),
        pytest.param("lost-fpga:fpga=0,fpga=1", "once at most, got 'fpga=1'", id="a key twice"),
        pytest.param("lost-fpga:fgpa=0", "expected fpga, from_orbit|got 'fgpa=0'", id="unknown key"),
        pytest.param("lost-fpga:fpga=x", "expected a whole number, got 'fpga=x'", id="no number"),
        pytest.param("lost-fpga:fpga=0.5", "expected a whole number", id="no whole number"),
        pytest.param("lost-fpga:fpga=2", "fpga must be 0 to 1, got 2", id="no such FPGA"),
        pytest.param("dead-chamber:chamber=4", "chamber must be 0 to 3, got 4", id="no such chamber"),
        pytest.param("dead-cell:chamber=0,channel=64", "channel must be 0 to 63, got 64", id="no such cell"),
        pytest.param("burst:hits_per_orbit=0", "hits_per_orbit must be above 0", id="no burst"),
        pytest.param("burst:hits_per_orbit=nan", "hits_per_orbit must be above 0", id="NaN"),
        pytest.param("rate-drop:kept_share=1", "kept_share must be 0 or more and below 1", id="no drop"),
        pytest.param("shifted-t0:chamber=0,shift_ns=1001", "shift_ns must be -1000 to 1000", id="far off"),
        pytest.param("lost-fpga:fpga=0,from_orbit=-1", "from_orbit must be 0 or more", id="before the start"),
        pytest.param("lost-fpga:fpga=0,from_orbit=5,to_orbit=5", "to_orbit must be above", id="no orbits"),
    ],
)
def test_impossible_faults_are_refused_by_name(text, said):
    with pytest.raises(SettingsError, match=said):
        parse_fault(text)


def test_a_fault_twice_is_refused():
    fault = parse_fault("lost-fpga:fpga=0")
    with pytest.raises(SettingsError, match="got lost-fpga:fpga=0 twice"):
        Beam(faults=(fault, fault))


def test_a_chunk_with_many_added_hits_comes_in_parts_that_can_each_be_made_alone():
    """The burst adds 300,000 hits: three parts of 5,000 orbits, and what is before and after."""
    cosmics = Cosmics(faults=(parse_fault("burst:hits_per_orbit=20,from_orbit=60000,to_orbit=75000"),))
    parts = list(cosmics.parts(0))
    assert len(parts) == 3
    whole = cosmics.chunk(0)
    assert b"".join(part.rows for part in parts) == whole.rows
    assert sum(part.n_rows for part in parts) == whole.n_rows == len(whole.rows.splitlines())
    for number, part in enumerate(parts):
        assert next(cosmics.parts(0, number)).rows == part.rows
    orbits = [hits_of(part.rows)[2] - cosmics.first_orbit for part in parts]
    bounds = [0, 65_000, 70_000, 131_072]
    assert all(
        low <= own.min() <= own.max() < high
        for low, own, high in zip(bounds, orbits, bounds[1:], strict=False)
    )
    added = [np.count_nonzero((own >= 60_000) & (own < 75_000)) for own in orbits]
    assert added == pytest.approx([100_000 + 5_000 * 0.13] * 3, abs=6 * 100_000**0.5)


def test_the_hits_of_a_fault_differ_from_part_to_part():
    cosmics = Cosmics(faults=(parse_fault("noisy-cell:chamber=3,channel=20,hits_per_orbit=10"),))
    one, other = ({tuple(row) for row in hits_of(next(cosmics.parts(0, part)).rows)[3:].T} for part in (0, 1))
    # Of 106,920 times in an orbit, 100,000 hits at random leave out a share of 1 / e = 0.37.
    assert len(one - other) > 0.3 * len(one)


def test_the_truth_of_a_chunk_is_that_of_its_parts():
    cosmics = Cosmics(muons_per_s=75.0, faults=(parse_fault("burst:hits_per_orbit=2"),))
    whole, parts = cosmics.chunk(0), list(cosmics.parts(0))
    assert len(parts) == 3
    for name in ("orbit", "chamber", "channel", "drift_time_30th_ns"):
        joined = np.concatenate([getattr(part.truth, name) for part in parts])
        assert getattr(whole.truth, name).tolist() == joined.tolist()
    assert whole.truth.n_orbits == sum(part.truth.n_orbits for part in parts)


@pytest.mark.parametrize("kind", [Cosmics, Beam])
@pytest.mark.parametrize(
    "text", ["burst:hits_per_orbit=1000", "noisy-cell:chamber=0,channel=5,hits_per_orbit=1000"]
)
def test_the_largest_faults_are_made_in_parts_of_100_000_added_hits(kind, text):
    """Besides, a part of beam has at most 102 orbits of 300 hits."""
    part = next(kind(faults=(parse_fault(text),)).parts(3, 2))
    assert 90_000 < part.n_rows < 135_000


def test_faults_at_different_times_do_not_add_up():
    """Each of them alone adds 2,000,000 hits; they share no chunk."""
    bursts = tuple(
        parse_fault(f"burst:hits_per_orbit=20,from_orbit={start},to_orbit={start + 100_000}")
        for start in (0, 1_000_000, 2_000_000)
    )
    n_orbits = [sum(1 for _ in Cosmics(faults=bursts).parts(index)) for index in (5, 6)]
    assert n_orbits == [1, 1]
    assert next(Cosmics(faults=bursts).parts(0)).n_rows > 90_000
