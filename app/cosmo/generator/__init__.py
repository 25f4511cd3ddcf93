"""A generator of recordings with a known truth: a seed and an index in, bytes and truth out.

One file per kind: `muons.py` (straight lines of `tracks.py`), `noise.py`, `ancillary.py`. `readout.py` gives
the rows their order, `rows.py` writes them, and `cosmics.py` puts it all together.
"""

from cosmo.generator.cosmics import ORBITS_PER_CHUNK, Chunk, Cosmics, Truth
from cosmo.generator.pulses import Origin

__all__ = ["ORBITS_PER_CHUNK", "Chunk", "Cosmics", "Origin", "Truth"]
