"""Faults acting together on the pulses of a chunk."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence

import numpy as np

from cosmo.errors import SettingsError
from cosmo.generator.faults.fault import LOSES, Fault, Span
from cosmo.generator.pulses import Pulses

ADDED_HITS_PER_PART = 100_000
"""Of hits that faults add so many are made at once: 50 ms of a core."""


def check_together(faults: Sequence[Fault]) -> None:
    """Refuse a fault that is there twice."""
    names = [str(fault) for fault in faults]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SettingsError(f"faults: expected each once, got {twice[0]} twice; remove one")


def parts_of(faults: Sequence[Fault], span: Span) -> list[Span]:
    """Cut a chunk in parts to which faults add about as many hits, `ADDED_HITS_PER_PART` at most.

    An orbit is not cut, so a part of one orbit may get more.
    """
    edges = np.unique([0, span.orbits, *(edge for fault in faults for edge in fault.orbits_of(span))])
    added = np.zeros(len(edges))  # up to each edge
    for fault in faults:
        first, end = fault.orbits_of(span)
        added += fault.added_per_orbit * (np.clip(edges, first, end) - first)
    n_parts = max(1, math.ceil(added[-1] / ADDED_HITS_PER_PART))
    cuts = np.interp(np.arange(1, n_parts) * added[-1] / n_parts, added, edges).astype(np.int64)
    bounds = np.unique([0, *cuts, span.orbits])
    return [
        Span(span.first + int(first), int(orbits))
        for first, orbits in zip(bounds[:-1], np.diff(bounds), strict=True)
    ]


def with_faults(
    faults: Sequence[Fault], seed: int, place: tuple[int, int], pulses: Pulses, span: Span
) -> Pulses:
    """Return the pulses of a part of a chunk, in time order, with all faults in them.

    Each fault's chance is its own: it depends on the seed, the place and the fault; of the other
    faults only on how they cut the chunk.

    Parameters
    ----------
    place : number of the chunk, and of the part in it.
    span : of the part; the pulses are timed from its first orbit on.
    """
    acting = [fault for fault in faults if fault.orbits_of(span)[0] < fault.orbits_of(span)[1]]
    for fault in sorted(acting, key=lambda fault: (fault.stage, str(fault))):
        key = (*place, zlib.crc32(str(fault).encode()))
        rng = np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed, spawn_key=key)))
        pulses = fault.act(rng, pulses, span)
    return pulses.in_time_order() if any(fault.stage < LOSES for fault in acting) else pulses
