"""Generated beam and cosmics against the recordings, bin by bin, within tolerances that are stated.

The recordings are short, 667 orbits of beam and 37 hits of cosmics, and the parametrisation is coarse on
purpose: cells may differ by 15 % besides chance.
"""

from types import SimpleNamespace

import numpy as np
import pytest

from cosmo.generator import Cosmics
from cosmo.generator.beam_shape import DEAD_CELLS
from generated_rows import chambers_of, hits_of, most_disorder, summary_of
from sample_rows import recording

CELL_TOLERANCE = 0.15


def measured(text):
    fpga, channel, orbit, bx, tdc = hits_of(text)
    orbit = orbit - orbit.min()
    chamber = chambers_of(fpga, channel)
    counts = 30 * (3564 * orbit + bx) + tdc
    n_orbits = int(orbit.max()) - 1  # without the first and last, which may be cut
    per_orbit = np.bincount(orbit)[1:-1]
    return SimpleNamespace(
        n=len(orbit),
        n_orbits=n_orbits,
        per_orbit=per_orbit,
        cells=np.stack([np.bincount(channel[chamber == k] % 64, minlength=64) for k in range(4)]),
        shares=np.array([(chamber == k).mean() for k in range(4)]),
        triggers={
            pair: ((fpga == pair[0]) & (channel == pair[1])).sum() / n_orbits for pair in ((0, 139), (1, 128))
        },
        bx=np.bincount(bx // 396, minlength=9) / len(bx),
        tdc=np.bincount(tdc, minlength=30) / len(tdc),
        cell_gaps_bx=np.concatenate(
            [
                np.diff(np.sort(counts[(fpga == f) & (channel == c)])) / 30
                for f, c in set(zip(fpga.tolist(), channel.tolist(), strict=True))
                if c < 128
            ]
        ),
        back_in_time=(np.diff(counts) < 0).mean(),
        steps_bx=np.diff(counts) / 30,
        runs=np.diff(np.flatnonzero(np.diff(fpga, prepend=-1, append=-1))),
        words_early=[
            (counts.argsort(kind="stable").argsort() - np.arange(len(counts)))[
                (fpga == word[0]) & (channel == word[1])
            ].mean()
            for word in ((0, 139), (1, 128))
        ],
        disorder=most_disorder(orbit),
        summary=summary_of(text),
    )


@pytest.fixture(scope="module")
def recorded(recorded_beam):
    return measured(recorded_beam)


@pytest.fixture(scope="module")
def generated(generated_beam):
    return measured(generated_beam)


def test_rows_per_orbit(recorded, generated):
    ours, theirs = generated.per_orbit, recorded.per_orbit
    assert ours.mean() == pytest.approx(theirs.mean(), rel=0.02)
    assert ours.std() == pytest.approx(theirs.std(), rel=0.12)
    # Kolmogorov and Smirnov: chance alone takes 667 and 3,000 orbits 0.083 apart once in 1000.
    at = np.arange(300)
    below = [np.searchsorted(np.sort(n), at, side="right") / len(n) for n in (ours, theirs)]
    assert np.abs(below[0] - below[1]).max() < 0.08


def test_packets_leave_full_orbits_of_128_rows_before_poor_ones(recorded, generated):
    for beam in (recorded, generated):
        assert (beam.per_orbit == 128).mean() == pytest.approx(0.075, abs=0.03)
        assert np.corrcoef(beam.per_orbit[:-1], beam.per_orbit[1:])[0, 1] == pytest.approx(-0.33, abs=0.1)


def test_shares_of_the_chambers(recorded, generated):
    assert generated.shares == pytest.approx(recorded.shares, abs=0.006)


@pytest.mark.parametrize("chamber", range(4))
def test_occupancy_cell_by_cell(recorded, generated, chamber):
    """Chi-squared of 64 cells, each with its chance and 15 %, is 64 +- 11 if that is all they differ by."""
    theirs = recorded.cells[chamber]
    scale = recorded.n / generated.n
    ours = generated.cells[chamber] * scale
    variance = theirs + scale * ours + (CELL_TOLERANCE * theirs) ** 2 + 1.0
    chi = (ours - theirs) / np.sqrt(variance)
    assert (chi**2).sum() < 64 + 3 * 11
    assert np.abs(chi).max() < 4.0


def test_dead_cells(recorded, generated):
    """All cells without a hit but those that chance may leave empty."""
    for cells in (recorded.cells, generated.cells):
        assert {tuple(cell) for cell in np.argwhere(cells == 0).tolist()} == set(DEAD_CELLS)


@pytest.mark.parametrize("word", [(0, 139), (1, 128)], ids=["FPGA 0", "FPGA 1, the scintillator"])
def test_trigger_words_per_orbit(recorded, generated, word):
    assert generated.triggers[word] == pytest.approx(recorded.triggers[word], rel=0.06)


@pytest.mark.parametrize("chamber", range(4))
def test_active_channels_per_orbit(recorded, generated, chamber):
    means = [
        (beam.summary.active_channels.view()[chamber] * np.arange(65)).sum()
        / beam.summary.active_channels.view()[chamber].sum()
        for beam in (generated, recorded)
    ]
    assert means[0] == pytest.approx(means[1], rel=0.06)


def test_gaps_between_hits_of_one_cell(recorded, generated):
    """None is in the dead time, so no row is there twice; after it second pulses come for a drift time."""
    for beam in (recorded, generated):
        assert 2.76 < beam.cell_gaps_bx.min() < 3.0
    for below, tolerance in ((4, 0.002), (8, 0.006), (16, 0.01), (100, 0.015)):
        ours, theirs = ((beam.cell_gaps_bx < below).sum() / beam.n for beam in (generated, recorded))
        assert ours == pytest.approx(theirs, abs=tolerance)


def test_hits_are_flat_over_the_orbit(recorded, generated):
    """They come in showers of some 7 rows: of 67,000 rows, a ninth of the orbit has 3 % more or less."""
    for beam in (recorded, generated):
        assert beam.bx == pytest.approx(np.full(9, 1 / 9), rel=0.1)


def test_tdc_values_are_flat_but_for_the_trigger_words(recorded, generated):
    """Trigger words have TDC 0; each other value holds 2000 recorded rows, +- 45."""
    assert generated.tdc[0] == pytest.approx(recorded.tdc[0], abs=0.006)
    for beam in (recorded, generated):
        assert beam.tdc[1:] == pytest.approx(np.full(29, beam.tdc[1:].mean()), rel=0.11)


def test_order_of_rows(recorded, generated):
    assert generated.back_in_time == pytest.approx(recorded.back_in_time, abs=0.03)
    assert generated.runs.mean() == pytest.approx(recorded.runs.mean(), rel=0.25)
    assert recorded.disorder == (15, 1)
    assert generated.disorder[0] <= 15
    assert generated.disorder[1] == 1


def test_fpgas_take_turns(recorded, generated):
    """More than half of the runs of rows of one FPGA are single rows."""
    assert (generated.runs == 1).mean() == pytest.approx((recorded.runs == 1).mean(), abs=0.07)


def test_steps_back_in_time_are_as_long(recorded, generated):
    for step_bx, tolerance in ((-20, 0.003), (-10, 0.008), (-5, 0.02)):
        ours, theirs = ((beam.steps_bx < step_bx).mean() for beam in (generated, recorded))
        assert ours == pytest.approx(theirs, abs=tolerance)


def test_trigger_words_come_before_rows_of_their_time(recorded, generated):
    """On average 3 rows before, of FPGA 0, and 5, of FPGA 1."""
    assert generated.words_early == pytest.approx(recorded.words_early, rel=0.4)


@pytest.mark.parametrize("chamber", [0, 1, 2])
def test_times_against_the_scintillator(recorded, generated, chamber):
    """Shares below, inside and above [-100, 500) ns, and inside it in bins of 100 ns with 35 % and chance."""
    flows, insides = [], []
    for beam in (generated, recorded):
        times = beam.summary.drift_time.view(flow=True)[chamber]
        flows.append(np.array([times[0], times[1:-1].sum(), times[-1]]) / times.sum())
        insides.append((times[1:-1].reshape(6, 100).sum(axis=1), times.sum()))
    assert flows[0] == pytest.approx(flows[1], abs=0.03)
    (ours, all_ours), (theirs, all_theirs) = insides
    scale = all_theirs / all_ours
    sigma = np.sqrt(theirs + scale * scale * ours + (0.35 * theirs) ** 2 + 1.0)
    assert (np.abs(scale * ours - theirs) / sigma).max() < 3.5


def test_scintillator_orbits(recorded, generated):
    shares = [
        beam.summary.scintillator_occupancy.sum() / beam.summary.occupancy.sum()
        for beam in (generated, recorded)
    ]
    assert shares[0] == pytest.approx(shares[1], abs=0.03)


def cosmic_rows(text):
    return [line.split(b",") for line in text.splitlines()]


@pytest.fixture(scope="module", params=["recorded", "generated"])
def cosmics(request):
    if request.param == "recorded":
        return cosmic_rows(recording("minidt_cosmics_74rows.txt"))
    return cosmic_rows(Cosmics(ancillary_share=0.5).chunk(0).first(740).rows)


def test_half_of_the_rows_at_the_start_of_a_cosmic_run_are_ancillary(cosmics):
    assert sum(row[0] != b"2" for row in cosmics) / len(cosmics) == pytest.approx(0.5, abs=0.06)


def test_ancillary_rows_of_an_fpga_come_in_one_order(cosmics):
    """HEAD 3, 1, 0, 4, 5, wherever the recording starts."""
    follower = {b"3": b"1", b"1": b"0", b"0": b"4", b"4": b"5", b"5": b"3"}
    for fpga in (b"0", b"1"):
        heads = [row[0] for row in cosmics if row[0] != b"2" and row[1] == fpga]
        assert [follower[head] for head in heads[:-1]] == heads[1:]


def test_ancillary_measures_are_floats_of_half_precision(cosmics):
    for head in (b"4", b"5"):
        measures = np.array([float(row[5]) for row in cosmics if row[0] == head])
        assert (
            np.abs(measures.astype(np.float16).astype(float) - measures).max() < 5.1e-7
        )  # rounded to six decimals


def test_ancillary_values_are_as_often_odd(cosmics):
    """Recorded: channel 31 in one of 7 rows of HEAD 0, else 0 to 4; HEAD 4 negative in 7 of 8 rows."""
    channels = np.array([int(row[2]) for row in cosmics if row[0] == b"0"])
    assert set(channels.tolist()) <= {0, 1, 2, 3, 4, 31}
    n = len(channels)
    assert (channels == 31).sum() == pytest.approx(n / 7, abs=3 * n**0.5 * (6 / 49) ** 0.5)
    negative = np.array([float(row[5]) < 0 for row in cosmics if row[0] == b"4"])
    n = len(negative)
    assert negative.sum() == pytest.approx(n * 7 / 8, abs=3 * n**0.5 * (7 / 64) ** 0.5)


def test_ancillary_orbits_run_ahead(cosmics):
    newest = max(int(row[3]) for row in cosmics if row[0] == b"2")
    ahead = [int(row[3]) - newest for row in cosmics if row[0] != b"2"]
    assert min(ahead) > 100_000
    assert max(ahead) < 142_000


def test_cosmic_rows_come_in_blocks_of_four(cosmics):
    """At most a few blocks are cut short; the recording begins and ends where it likes."""
    kinds = [(row[0] == b"2", row[1]) for row in cosmics]
    ends = [place for place in range(1, len(kinds)) if kinds[place] != kinds[place - 1]]
    lengths = np.diff(ends)
    assert (lengths % 4 == 0).mean() > 0.85
