"""The showers of generated beam: straight tracks, and clusters of hits as the recording holds them.

A cluster is all rows without a gap of 20 BX between them. Tolerances are for the chance of a few hundred
clusters (chamber 3 has 500 with two hits in the recording) and for a model with few numbers.
"""

from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest

from cosmo.detector import N_LAYERS, wire_position_mm
from cosmo.generator.beam_tracks import hits_of_particles
from generated_rows import chambers_of, hits_of

BX = 30  # TDC counts
GAP = 20 * BX  # between clusters
DRIFT = 16 * BX  # the longest one
WIRES = np.array([wire_position_mm(0, channel) for channel in range(64)])  # (x, z)
X = WIRES[:, 0]
LAYER = np.rint((WIRES[:, 1] - WIRES[:, 1].min()) / 13)
SIDES = [np.array(sides) for sides in product((-1, 1), repeat=N_LAYERS)]  # of the wires of four layers


def measured(text):
    fpga, channel, orbit, bx, tdc = hits_of(text)
    counts = BX * (3564 * (orbit - orbit.min()) + bx) + tdc
    order = np.argsort(counts, kind="stable")
    counts, channel, chamber = counts[order], channel[order] % 64, chambers_of(fpga, channel)[order]
    cluster = np.cumsum(np.diff(counts, prepend=counts[0]) > GAP)
    n_clusters = cluster[-1] + 1
    mean_x = []
    for k in range(4):
        of_chamber = chamber == k
        n = np.bincount(cluster[of_chamber], minlength=n_clusters)
        sums = np.bincount(cluster[of_chamber], X[channel[of_chamber]], minlength=n_clusters)
        mean_x.append(np.divide(sums, n, out=np.full(n_clusters, np.nan), where=n > 0))
    return SimpleNamespace(
        clusters_per_orbit=n_clusters / np.ptp(orbit),
        rows_per_cluster=len(counts) / n_clusters,
        mean_x=mean_x,
        chambers=[
            pairs(counts[chamber == k], channel[chamber == k], cluster[chamber == k]) for k in range(4)
        ],
    )


def pairs(counts, channel, cluster):
    """Return shares of the pairs of hits that are neighbours in time, for one chamber."""
    next_one = cluster[1:] == cluster[:-1]
    n, same_layer, aligned, times = 0, 0, 0, []
    for step in range(1, 7):
        dt = counts[step:] - counts[:-step]
        dx = np.abs(X[channel[step:]] - X[channel[:-step]])
        layers = np.abs(LAYER[channel[step:]] - LAYER[channel[:-step]])
        near = dt < DRIFT
        n += near.sum()
        same_layer += (near & (layers == 0) & (dx == 42)).sum()
        aligned += (near & (layers == 2) & (dx == 0)).sum()
        times.append(dt[near & (layers == 1) & (dx == 21)] / BX)
    times = np.concatenate(times)
    return SimpleNamespace(
        same_x=(X[channel[1:]] == X[channel[:-1]])[next_one].mean(),
        same_layer_neighbours=same_layer / n,
        aligned_two_layers_apart=aligned / n,
        adjacent_bx=np.histogram(times, [0, 2, 6, 12, 16])[0] / len(times),
    )


@pytest.fixture(scope="module")
def recorded(recorded_beam):
    return measured(recorded_beam)


@pytest.fixture(scope="module")
def generated(generated_beam):
    return measured(generated_beam)


def test_clusters(recorded, generated):
    assert generated.clusters_per_orbit == pytest.approx(recorded.clusters_per_orbit, rel=0.07)
    assert generated.rows_per_cluster == pytest.approx(recorded.rows_per_cluster, rel=0.07)


@pytest.mark.parametrize("chamber", range(4))
def test_places_of_neighbouring_hits(recorded, generated, chamber):
    ours, theirs = generated.chambers[chamber], recorded.chambers[chamber]
    assert ours.same_x == pytest.approx(theirs.same_x, abs=0.09)
    assert ours.same_layer_neighbours == pytest.approx(theirs.same_layer_neighbours, abs=0.04)
    assert ours.aligned_two_layers_apart == pytest.approx(theirs.aligned_two_layers_apart, abs=0.06)


@pytest.mark.parametrize("chamber", range(4))
def test_times_between_hits_of_adjacent_layers(recorded, generated, chamber):
    """Below 2, 6, 12 and 16 BX: they become fewer, where those of tracks all upright would be alike."""
    ours, theirs = generated.chambers[chamber].adjacent_bx, recorded.chambers[chamber].adjacent_bx
    assert ours == pytest.approx(theirs, abs=0.065)
    assert ours[3] == pytest.approx(theirs[3], abs=0.035)


@pytest.mark.parametrize("pair", [(0, 1), (2, 3)], ids=["FPGA 0", "FPGA 1"])
def test_both_chambers_of_an_fpga_see_a_shower_at_like_places(recorded, generated, pair):
    correlations = []
    for beam in (generated, recorded):
        x = np.array([beam.mean_x[k] for k in pair])
        correlations.append(np.corrcoef(x[:, ~np.isnan(x).any(axis=0)])[0, 1])
    assert correlations[0] == pytest.approx(correlations[1], abs=0.12)


def test_hits_of_a_particle_lie_on_a_straight_line():
    """Drift time times 53.8 um/ns to the left or right of each wire: one choice of sides is a line."""
    rng = np.random.default_rng(1)
    n = 2000
    axis = rng.random(n, dtype=np.float32)
    hits = hits_of_particles(rng, 10_000 * np.arange(n), np.full(n, 2), axis)
    particle = hits.counts // 10_000
    slopes = []
    for one in np.split(np.arange(len(hits)), np.flatnonzero(np.diff(particle)) + 1):
        if len(one) == N_LAYERS:
            x, z = WIRES[hits.channel[one]].T
            distance_mm = 0.0538 * hits.drift_time_ns[one]
            fits = [np.polyfit(z, x + sides * distance_mm, 1, full=True) for sides in SIDES]
            line, residual, *_ = min(fits, key=lambda fit: fit[1][0])
            assert residual[0] < 1e-3
            slopes.append(line[0])
    assert len(slopes) > 100
    assert np.median(slopes) == pytest.approx(0.22, abs=0.05)


def test_drift_times_are_those_of_the_rows():
    """Hits of a particle that passes at 0 come when their charge has drifted, to the count of 25/30 ns."""
    rng = np.random.default_rng(2)
    hits = hits_of_particles(
        rng, np.zeros(1000, np.int64), np.zeros(1000, np.int64), np.zeros(1000, np.float32)
    )
    assert hits.counts == pytest.approx(hits.drift_time_ns * 1.2, abs=0.5)
    assert 0 <= hits.drift_time_ns.min() < hits.drift_time_ns.max() <= 390.4 - 25
