"""A generator of recordings with a known truth: a seed and an index in, bytes and truth out.

`recording.py` is what its kinds have in common, `cosmics.py` and `beam.py` are the kinds. One file a part: of
cosmics `muons.py` (straight lines of `tracks.py`), `noise.py`, `ancillary.py`, and `readout.py` for the order
of rows; of beam `showers.py` (in the form of `beam_shape.py`), `triggers.py`, `packets.py` for what the link
loses, and `delays.py` for the order. `faults/` breaks things, `text.py` writes the rows, `truth.py` says what
is true of them.
"""

from cosmo.generator.beam import Beam
from cosmo.generator.cosmics import ORBITS_PER_CHUNK, Cosmics
from cosmo.generator.faults import Fault
from cosmo.generator.faults import parse as parse_fault
from cosmo.generator.pulses import Origin
from cosmo.generator.recording import Chunk, Recording
from cosmo.generator.truth import Truth

KINDS: dict[str, type[Recording]] = {recording.kind: recording for recording in (Cosmics, Beam)}
"""What can be generated, by the name it has in settings."""

__all__ = [
    "KINDS",
    "ORBITS_PER_CHUNK",
    "Beam",
    "Chunk",
    "Cosmics",
    "Fault",
    "Origin",
    "Recording",
    "Truth",
    "parse_fault",
]
