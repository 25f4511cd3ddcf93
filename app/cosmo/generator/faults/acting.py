"""Faults acting together on the pulses of a chunk."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from cosmo.errors import SettingsError
from cosmo.generator.faults.fault import LOSES, Fault, Span
from cosmo.generator.pulses import Pulses

MAX_ADDED_HITS = 4_000_000
"""A chunk is made in memory, and so is what faults add to it."""


def check_together(faults: Sequence[Fault], orbits_per_chunk: int) -> None:
    """Refuse a fault that is there twice, or faults that add more to a chunk than memory should hold."""
    names = [str(fault) for fault in faults]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SettingsError(f"faults: expected each once, got {twice[0]} twice; remove one")
    added = 0.0
    for fault in faults:
        first, end = fault.orbits_of(Span(fault.from_orbit, orbits_per_chunk))
        added += fault.added_per_orbit * (end - first)
    if added > MAX_ADDED_HITS:
        raise SettingsError(
            f"faults: expected hits_per_orbit to add at most {MAX_ADDED_HITS} hits to {orbits_per_chunk} "
            f"orbits, got {added:.0f}; lower it or shorten its orbits"
        )


def with_faults(faults: Sequence[Fault], seed: int, chunk: int, pulses: Pulses, span: Span) -> Pulses:
    """Return pulses in time order with all faults in them.

    Each fault's chance is its own: it depends on the seed, the chunk and the fault, not on the other faults.
    """
    acting = [fault for fault in faults if fault.orbits_of(span)[0] < fault.orbits_of(span)[1]]
    for fault in sorted(acting, key=lambda fault: (fault.stage, str(fault))):
        key = (chunk, zlib.crc32(str(fault).encode()))
        rng = np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed, spawn_key=key)))
        pulses = fault.act(rng, pulses, span)
    return pulses.in_time_order() if any(fault.stage < LOSES for fault in acting) else pulses
