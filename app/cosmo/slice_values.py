"""A timeslice's text as the value of its record, and back: CSV lines as they are, or compressed. Pure."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

ENCODING: Final = "encoding"
"""Header of a record whose value is not the CSV lines themselves; `lz4`: a frame of LZ4 that holds them."""
MOST_TIMES: Final = 16
"""A text is at most so many times its compressed value: rows are three times, and no value fills a memory."""
_LZ4: Final = "lz4"


def value_of(text: bytes, compression: str) -> tuple[bytes, list[tuple[str, bytes]]]:
    """Return a record's value and the header that it needs, if any.

    What would not shrink, or would shrink more than a reader believes, stays as it is.

    Parameters
    ----------
    compression : `none` or `lz4`, as in the settings.
    """
    if compression == _LZ4:
        packed: bytes = pa.compress(text, codec=_LZ4, asbytes=True)
        if len(packed) < len(text) <= MOST_TIMES * len(packed):
            return packed, [(ENCODING, _LZ4.encode())]
    return text, []


def text_of(value: bytes, encoding: bytes | None) -> bytes:
    """Return the text that a value holds.

    Parameters
    ----------
    encoding : the record's header of that name, None where it has none.

    Raises
    ------
    ValueError : the encoding is unknown, or the value is not what it says, or holds too much.
    """
    if encoding is None:
        return value
    if encoding != _LZ4.encode():
        raise ValueError(f"expected the {ENCODING} {_LZ4} or none, got {encoding[:40]!r}")
    try:
        with pa.CompressedInputStream(pa.BufferReader(value), _LZ4) as stream:
            text: bytes = stream.read(MOST_TIMES * len(value) + 1)
    except OSError as error:
        raise ValueError(f"expected a frame of LZ4, got {len(value)} bytes: {error}") from error
    if not 0 < len(text) <= MOST_TIMES * len(value):
        raise ValueError(f"expected up to {MOST_TIMES} times its {len(value)} bytes in a frame of LZ4")
    return text
