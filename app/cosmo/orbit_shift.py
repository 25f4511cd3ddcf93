"""Moves hits along the orbit axis, so that a source can be played again after itself. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
from numpy.typing import NDArray

from cosmo.detector import HIT_HEAD, ORBIT_MODULUS
from cosmo.hits import COLUMNS, Lines, line_bytes


def shifted(lines: Lines, orbits: int) -> Lines:
    """Return the lines with `orbits` added to the orbit counter (mod 2^32) of every hit; others stay."""
    orbit = lines.orbit + np.uint32(orbits % ORBIT_MODULUS)
    hits = lines.is_hit
    n_hits = int(hits.sum())
    if not n_hits:
        return lines
    columns: tuple[NDArray[Any], ...] = (lines.fpga, lines.channel, orbit, lines.bx, lines.tdc)
    chosen = [np.full(n_hits, HIT_HEAD, np.uint8)]
    chosen += columns if n_hits == len(lines) else [column[hits] for column in columns]
    sink = pa.BufferOutputStream()
    pacsv.write_csv(
        pa.table([pa.array(column) for column in chosen], names=list(COLUMNS)),
        sink,
        pacsv.WriteOptions(include_header=False, quoting_style="none"),
    )
    text = sink.getvalue().to_pybytes()
    ends = _line_ends(text)
    if n_hits < len(lines):
        text, ends = _interleaved(text, ends, line_bytes(lines.text, lines.ends, ~hits), hits)
    return replace(lines, text=text, ends=ends, orbit=np.where(hits, orbit, lines.orbit))


def _line_ends(text: bytes) -> NDArray[np.int64]:
    return np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == ord("\n")) + 1


def _interleaved(
    hits: bytes, hit_ends: NDArray[np.int64], others: bytes, is_hit: NDArray[np.bool_]
) -> tuple[bytes, NDArray[np.int64]]:
    """Put hit lines and other lines back into one order; return the text and its lines' ends."""
    ends = np.concatenate((np.zeros(1, np.int64), hit_ends, len(hits) + _line_ends(others)))
    array = pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(ends) - 1, [None, pa.py_buffer(ends), pa.py_buffer(hits + others)]
    )
    place = np.empty(len(is_hit), dtype=np.int64)
    place[is_hit] = np.arange(len(hit_ends))
    place[~is_hit] = np.arange(len(hit_ends), len(is_hit))
    merged = array.take(pa.array(place))
    return merged.buffers()[2].to_pybytes(), np.cumsum(np.diff(ends)[place])
