"""Moves hits along the orbit axis, so that a source can be played again after itself. Pure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cosmo.detector import ORBIT_MODULUS
from cosmo.hits import COLUMNS, Lines

_BEFORE_ORBIT = COLUMNS.index("ORBIT_CNT")  #: commas before it


def shifted(lines: Lines, orbits: int) -> Lines:
    """Return the lines with `orbits` added to the orbit counter (mod 2^32) of every hit; others stay.

    Of a hit's line only the orbit's text is put anew.
    """
    n, hits = len(lines), lines.is_hit
    if not hits.any():
        return lines
    orbit = np.where(hits, lines.orbit + np.uint32(orbits % ORBIT_MODULUS), lines.orbit)
    commas = np.flatnonzero(np.frombuffer(lines.text, dtype=np.uint8) == ord(","))
    starts = np.concatenate((np.zeros(1, np.int64), lines.ends[:-1]))
    # Each line as three pieces: before the orbit, the orbit, after it. Of other lines the last two are empty.
    comma = np.searchsorted(commas, starts[hits]) + _BEFORE_ORBIT
    pieces = np.stack((starts, lines.ends, lines.ends), axis=1)
    pieces[hits, 1], pieces[hits, 2] = commas[comma - 1] + 1, commas[comma]
    offsets = np.append(pieces, len(lines.text))
    old = pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), 3 * n, [None, pa.py_buffer(offsets), pa.py_buffer(lines.text)]
    )
    new = pc.cast(pc.cast(pa.array(orbit[hits]), pa.large_string()), pa.large_binary())
    place = np.arange(3 * n).reshape(n, 3)
    place[hits, 1] = 3 * n + np.arange(len(new))
    moved = pa.concat_arrays([old, new]).take(pa.array(place.ravel()))
    ends = np.frombuffer(moved.buffers()[1], dtype=np.int64)[3 : 3 * n + 1 : 3]
    return replace(lines, text=moved.buffers()[2].to_pybytes()[: ends[-1]], ends=ends, orbit=orbit)
