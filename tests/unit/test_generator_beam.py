"""What a chunk of beam holds, and the parts that make it, against numbers worked out by hand."""

import numpy as np
import pytest

from cosmo.generator import Beam, Origin, parse_fault
from cosmo.generator.beam_shape import CHANNEL_OF_LAYER, DEAD_CELLS, HALF_CELL, LAYERS
from cosmo.generator.delays import in_order_sent
from cosmo.generator.lookup import lookup
from cosmo.generator.packets import dead_counts
from cosmo.generator.pulses import COUNTS_PER_ORBIT, Pulses
from cosmo.generator.showers import recorded
from cosmo.generator.triggers import fourth_hits, without_hits
from generated_rows import chambers_of, hits_of, most_disorder, summary_of

BX = 30  # TDC counts


def of_cells(counts, fpga, channel, origin=0):
    n = len(counts)
    columns = np.array(counts), np.array(fpga, np.int16), np.array(channel, np.int16)
    return Pulses(*columns, np.full(n, origin, np.int8), np.zeros(n))


@pytest.fixture(scope="module")
def chunks():
    return [Beam().chunk(index) for index in range(3)]


def test_a_chunk_depends_on_seed_and_index_alone(chunks):
    assert Beam().chunk(2).rows == chunks[2].rows
    assert Beam(seed=2).chunk(2).rows != chunks[2].rows
    columns = [hits_of(chunk.rows)[[0, 1, 3, 4]].tolist() for chunk in chunks]
    assert columns[0] != columns[1] != columns[2]


def test_rows_are_valid_hits_inside_the_chunks_orbits(chunks):
    for index, chunk in enumerate(chunks):
        fpga, channel, orbit, bx, tdc = hits_of(chunk.rows)
        first = 3_869_200_000 + 512 * index
        assert len(orbit) == chunk.n_rows == chunk.rows.count(b"\n")
        assert orbit.min() >= first
        assert orbit.max() < first + 512
        assert set(fpga.tolist()) == {0, 1}
        assert (channel.max(), bx.max(), tdc.max()) <= (139, 3563, 29)


def test_the_rate_is_that_of_the_link(chunks):
    """128 rows in 1.27 orbits of 89.1 us are 1.131 million a second."""
    rate = sum(chunk.n_rows for chunk in chunks) / (3 * 512 * 89.1e-6)
    assert rate == pytest.approx(1.131e6, rel=0.01)


@pytest.mark.parametrize("first_orbit", [3_869_200_000, 2**32 - 700], ids=["default", "orbit wrap"])
def test_disorder_is_at_most_15_rows_and_one_orbit(first_orbit):
    beam = Beam(first_orbit=first_orbit)
    _, _, orbit, _, _ = hits_of(b"".join(beam.chunk(index).rows for index in range(4)))
    rows, orbits = most_disorder((orbit - first_orbit) % 2**32)
    assert 5 <= rows <= 15
    assert orbits == 1


def test_truth_is_the_histogram_of_drift_times(chunks):
    """Statistic 6 in bins of 1 ns: (x/30 + 100) floored, with what lies outside at both ends."""
    truth = chunks[0].truth
    measured = summary_of(chunks[0].rows)
    bins = np.clip(truth.drift_time_30th_ns // 30 + 101, 0, 601)
    for chamber in range(4):
        expected = np.bincount(bins[truth.chamber == chamber], minlength=602)
        assert measured.drift_time.view(flow=True)[chamber].tolist() == expected.tolist()
    assert measured.scintillator_occupancy.sum() == len(truth.orbit)


def test_truth_holds_the_drift_of_every_track(chunks):
    truth = chunks[0].truth
    is_track = truth.origin == Origin.TRACK
    assert np.isnan(truth.drift_time_ns[~is_track]).all()
    assert truth.drift_time_ns[is_track].min() >= 0.0
    assert truth.drift_time_ns[is_track].max() <= 390.4
    assert set(truth.origin.tolist()) == {Origin.TRACK, Origin.AFTER_PULSE}


def test_dead_cells_of_the_detector_stay_dead(chunks):
    fpga, channel, *_ = hits_of(b"".join(chunk.rows for chunk in chunks))
    hit = set(zip(chambers_of(fpga, channel).tolist(), (channel % 64).tolist(), strict=True))
    assert not hit & set(DEAD_CELLS)


def test_the_first_rows_and_their_truth(chunks):
    part = chunks[0].first(1000)
    assert part.rows == b"".join(chunks[0].rows.splitlines(keepends=True)[:1000])
    assert summary_of(part.rows).scintillator_occupancy.sum() == len(part.truth.orbit) > 0
    assert chunks[0].first(10**9) is chunks[0]


def test_a_cell_is_dead_after_each_pulse_recorded_or_not():
    """The third pulse comes 82 counts after the first of its cell, the fifth 82 after the third."""
    pulses = of_cells([0, 40, 82, 100, 164, 247], [0] * 6, [5, 6, 5, 69, 5, 5])
    dead = np.full(6, 83)
    assert recorded(pulses, dead).tolist() == [True, True, False, True, False, True]


def test_a_long_pulse_makes_a_cell_dead_for_longer():
    pulses = of_cells([0, 100, 200], [0] * 3, [5] * 3)
    assert recorded(pulses, np.array([101, 83, 83])).tolist() == [True, False, True]


def test_cells_of_both_fpgas_are_dead_alone():
    assert recorded(of_cells([0, 1], [0, 1], [5, 5]), np.full(2, 83)).all()


def test_no_cell_is_dead_from_the_chunk_before(chunks):
    _, _, orbit, bx, tdc = hits_of(chunks[1].rows)
    first = 3_869_200_000 + 512
    assert (BX * (3564 * (orbit - first) + bx) + tdc).min() >= 7 * BX


@pytest.mark.parametrize(
    ("hits", "triggers"),
    [
        pytest.param([0, 1, 2], [], id="three are none"),
        pytest.param([0, 5, 10, 16 * BX], [16 * BX], id="four in 16 BX, the fourth counts"),
        pytest.param([0, 5, 10, 16 * BX + 1], [], id="a count too far apart"),
        pytest.param([0, 1, 2, 3, 4, 5], [3], id="six are one"),
        pytest.param([0, 1, 2, 3, 933, 934, 935, 936], [3, 936], id="again after 30 BX"),
        pytest.param([0, 1, 2, 3, 899, 900, 901, 902], [3], id="not before"),
    ],
)
def test_four_hits_within_a_drift_are_a_trigger(hits, triggers):
    assert fourth_hits(np.array(hits)).tolist() == triggers


@pytest.mark.parametrize(
    ("hits", "gone"),
    [
        pytest.param([60, 65, 70, 540], False, id="four in 16 BX"),
        pytest.param([65, 70, 540], True, id="three"),
        pytest.param([59, 65, 70, 540], True, id="a count too far apart"),
        pytest.param([65, 70, 540, 570], True, id="the fourth too late"),
    ],
)
def test_a_trigger_word_without_its_hits(hits, gone):
    """The word is two BX after the fourth hit's: at 600 for a hit in 540 to 569."""
    pulses = of_cells(hits, np.zeros(len(hits)), np.full(len(hits), 5))
    word = of_cells([600], [0], [139], Origin.SCINTILLATOR)
    there = pulses.followed_by(word)
    none = np.zeros(len(there), np.bool_)
    assert without_hits(there, 0, none).tolist() == [False] * len(hits) + [gone]
    assert without_hits(there, 0, ~none)[-1]


def test_a_dead_chamber_makes_no_trigger_words(chunks):
    """Those left on its FPGA, when it is dead, are of the other chamber; all others are as they were."""
    fault = parse_fault("dead-chamber:chamber=0,from_orbit=100,to_orbit=400")
    times = []
    for rows in (chunks[0].rows, Beam(faults=(fault,)).chunk(0).rows):
        fpga, channel, orbit, bx, _ = hits_of(rows)
        is_dead = (orbit >= 3_869_200_100) & (orbit < 3_869_200_400)
        of_fpga = (channel == 139) & (fpga == 0)
        times.append(
            [
                sorted(zip(orbit[chosen].tolist(), bx[chosen].tolist(), strict=True))
                for chosen in (of_fpga & is_dead, of_fpga & ~is_dead, (channel == 128) & (fpga == 1))
            ]
        )
    before, after = times
    assert 0 < len(after[0]) < len(before[0]) / 4
    assert set(after[0]) < set(before[0])
    assert after[1:] == before[1:]


@pytest.mark.parametrize("other", ["shifted-t0:chamber=0,shift_ns=300", "rate-drop:kept_share=0.3"])
def test_words_of_a_dead_chamber_are_told_by_the_hits_that_there_were(other):
    """What moves or loses hits afterwards takes no more words than it does alone."""

    def words(*texts):
        _, channel, *_ = hits_of(Beam(faults=tuple(map(parse_fault, texts))).chunk(0).rows)
        return int((channel == 139).sum())

    left = words("dead-chamber:chamber=1") / words()
    assert 0.5 < left < 0.9
    assert words("dead-chamber:chamber=1", other) == pytest.approx(left * words(other), rel=0.1)


def test_a_link_is_dead_from_a_full_packet_to_its_next_turn():
    """Rows every BX fill a packet in 128 BX, so each waits for its turn: 1.27 orbits are 4526 BX."""
    live = BX * np.arange(3 * 128)
    dead = dead_counts(np.random.default_rng(1), live)
    assert set(dead[:128].tolist()) == {0}
    assert len(set(dead[128:256].tolist())) == 1
    waits = np.diff((live + dead)[::128]) / BX
    # The spread of a turn is 178 BX.
    assert waits == pytest.approx(np.full(2, 4526), abs=5 * 178)
    assert (dead % BX == 0).all()


def test_a_link_that_is_slower_filled_than_emptied_is_never_dead():
    live = 100 * BX * np.arange(3 * 128)
    assert not dead_counts(np.random.default_rng(1), live).any()


def test_no_rows_no_dead_time():
    assert dead_counts(np.random.default_rng(1), np.zeros(0, np.int64)).tolist() == []


@pytest.mark.parametrize("gap", [1, 40, 3000], ids=["dense", "as in a shower", "sparse"])
def test_rows_change_places_only_within_the_bound(gap):
    rng = np.random.default_rng(1)
    counts = np.sort(rng.integers(0, 4000 * gap, 4000)) + COUNTS_PER_ORBIT - 2000 * gap
    order = in_order_sent(rng, of_cells(counts, rng.integers(0, 2, 4000), np.full(4000, 5)))
    assert sorted(order.tolist()) == list(range(4000))
    rows, orbits = most_disorder(counts[order] // COUNTS_PER_ORBIT)
    assert rows <= 15
    assert orbits <= 1


class Delays:
    """A generator of chance whose exponential delays are set, in mean delays."""

    def __init__(self, *delays):
        self._delays = np.array(delays, np.float32)

    def standard_exponential(self, n, dtype):
        assert (len(self._delays), dtype) == (n, np.float32)
        return self._delays


def test_the_bound_is_reached():
    """Ten rows at an orbit's end, one a count, wait long; twelve of the next orbit are sent at once.

    The first two must stay in their orbit. The other eight wait for the ninth row of the next one, so that
    the last of them follows 8 rows of that orbit and 7 of its own.
    """
    counts = COUNTS_PER_ORBIT + np.concatenate([np.arange(-10, 0), 36 * np.arange(12)])
    delays = Delays(*[9.0] * 10, *[0.0] * 12)
    order = in_order_sent(delays, of_cells(counts, np.zeros(22), np.zeros(22)))
    assert order.tolist() == [0, 1, *range(10, 18), *range(2, 10), *range(18, 22)]
    assert most_disorder(counts[order] // COUNTS_PER_ORBIT) == (15, 1)


def followed_by_an_orbit(pulses):
    """Return the pulses with nine of the next orbit after them, so that those here are not the last."""
    return pulses.followed_by(of_cells(COUNTS_PER_ORBIT + 36 * np.arange(9), np.zeros(9), np.zeros(9)))


def test_rows_of_both_fpgas_come_in_turn():
    """Eight rows, one a count, four of each FPGA: each FPGA sends one every 36 counts from its first on."""
    pulses = followed_by_an_orbit(of_cells(np.arange(8), [0, 0, 0, 0, 1, 1, 1, 1], np.full(8, 5)))
    order = in_order_sent(Delays(*[0.0] * 17), pulses)
    # The second FPGA's turns begin 4 counts after the first one's.
    assert order[:8].tolist() == [0, 4, 1, 5, 2, 6, 3, 7]


def test_a_trigger_word_does_not_wait():
    """Five hits of FPGA 1 are ready 1, 2, 3, 4 and 5 x 180 counts after their time, its word at once."""
    hits = of_cells(np.arange(5), np.full(5, 1), np.arange(5))
    word = of_cells([60], [1], [128], Origin.SCINTILLATOR)
    pulses = followed_by_an_orbit(hits.followed_by(word))
    order = in_order_sent(Delays(1.0, 2.0, 3.0, 4.0, 5.0, 9.0, *[0.0] * 9), pulses)
    assert order[:6].tolist() == [5, 0, 1, 2, 3, 4]


def test_a_lookup_holds_each_value_by_its_share():
    table = lookup(np.array([1.0, 0.0, 3.0]))
    assert np.bincount(table).tolist() == [16_384, 0, 49_152]


def test_shape_tables():
    """Channel pattern of four neighbours: layers 1 to 4 are 3, 1, 2, 0; no particle leaves no hit."""
    assert CHANNEL_OF_LAYER.tolist() == [3, 1, 2, 0]
    assert HALF_CELL.max() == 32
    assert LAYERS.min() == 1
    assert LAYERS.max() == 15
