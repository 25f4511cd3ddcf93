"""Rows to test with: single ones, recordings, and random sources that hold what a real one may hold."""

import gzip
import random
from dataclasses import dataclass
from pathlib import Path

import pytest

WRAP = 2**32  # the orbit counter's modulus
NEAR = 2**20  # orbits; what is further away is a jump of the clock
RECORDINGS = Path(__file__).parents[2] / "shared" / "data"


def hit(orbit, fpga=0, channel=5, bx=1, tdc=1):
    return b"2,%d,%d,%d,%d,%d" % (fpga, channel, orbit, bx, tdc)


def scintillator(orbit, bx=1, tdc=1):
    return hit(orbit, 1, 128, bx, tdc)


def recording(name):
    path = RECORDINGS / name
    if not path.exists():
        pytest.skip(f"needs the recording {name} in {RECORDINGS}, which is not part of the repository")
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


@dataclass(frozen=True)
class Source:
    """Lines of a random source, and which of them are ordinary hits: neither wild nor near-wild."""

    lines: tuple[bytes, ...]
    ordinary: frozenset[int]  # places in `lines`
    live_orbits: int  # orbits from the first to the last ordinary hit, summed over the epochs


def random_source(
    seed,
    n_hits=60,
    disorder=3,
    epochs=1,
    wild=0.0,  # hits too far off to be believed, per hit
    near_wild=0.0,  # wrong hits that are near enough to be
    other=0.15,  # ancillary, malformed, blank and header lines
    oversize_rows=0,  # rows of an orbit now and then
    start=None,  # first orbit; None: anywhere, often just before the counter wraps
    stretch=1,  # ordinary orbits are so many times further apart; above 1, wild hits come from near by
):
    """Make a source: hits of rising orbits, at most `disorder` rows out of order, and what comes between."""
    rng = random.Random(seed)
    base = start
    if base is None:
        base = rng.choice([WRAP - rng.randint(1, 60), rng.randrange(10**6), rng.randrange(WRAP)])
    lines, ordinary, live = [], set(), 0
    for _ in range(epochs):
        orbits = _rising_orbits(rng, base, n_hits // epochs, oversize_rows, stretch)
        live += orbits[-1] - orbits[0] + 1 if orbits else 0
        order = sorted(range(len(orbits)), key=lambda i: (i + rng.randint(0, disorder), i))
        for orbit in (orbits[i] for i in order):
            while rng.random() < wild + near_wild + other:
                lines.append(_odd_line(rng, len(lines), orbit, wild, near_wild, other, stretch))
            ordinary.add(len(lines))
            lines.append(_hit(rng, len(lines), orbit))
        base = (orbits[-1] if orbits else base) + 3 * NEAR + rng.randrange(10**9)
    return Source(tuple(lines), frozenset(ordinary), live)


def _rising_orbits(rng, first, n_hits, oversize_rows, stretch):
    orbits, orbit = [], first
    while len(orbits) < n_hits:
        n_rows = oversize_rows if oversize_rows and rng.random() < 0.1 else rng.choice([1, 1, 1, 2, 3, 5])
        orbits += [orbit] * n_rows
        orbit += stretch * rng.choice([1, 1, 2, 3, 11, 60])
    return orbits


def _odd_line(rng, place, orbit, wild, near_wild, other, stretch):
    kind = rng.choices(["wild", "near", "other"], [wild, near_wild, other])[0]
    if kind == "wild" and stretch > 1:  # the closed edge is less than NEAR behind
        away = rng.randrange(2 * NEAR)
        return _hit(rng, place, orbit + rng.choice([NEAR + 1 + away, -2 * NEAR - 1 - away]))
    if kind == "wild":
        return _hit(rng, place, orbit + NEAR + 1 + rng.randrange(WRAP - 2 * NEAR - 3))
    if kind == "near":
        return _hit(rng, place, orbit + rng.choice([-1, 1]) * rng.randint(70, NEAR - 10**5))
    ahead = orbit + 120_000  # as in the recordings
    return rng.choice(
        [
            b"4,1,%d,%d,0,-0.573730" % (place, ahead),
            b"3,0,%d,%d,18504,0" % (place, ahead),
            b"2,0,%d,%d,1,31" % (place, orbit),
            b"no row %d" % place,
            b"HEAD,FPGA,TDC_CHANNEL,ORBIT_CNT,BX_COUNTER,TDC_MEAS",
            b"",
        ]
    )


def _hit(rng, place, orbit):
    """Make a hit that differs from all others: its place is in the row."""
    fpga, channel = rng.choice([(0, 5), (0, 70), (1, 3), (1, 127), (1, 128), (1, 128), (1, 138)])
    return hit(orbit % WRAP, fpga, channel, place % 3564, place // 3564)
