"""Is a local file the object? Asked of its size and of the ETag, which is made of MD5s."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from enum import Enum
from itertools import accumulate
from pathlib import Path
from typing import Final

OF_MD5S: Final = re.compile(r"[0-9a-f]{32}(?:-([1-9][0-9]{0,4}))?")
"""An ETag that is the MD5 of the content, or (with '-N') of the MD5s of its N parts."""
_MIB: Final = 1 << 20
_USUAL_PART_MIB: Final = (5, 8, 10, 15, 16, 20, 25, 32, 50, 64, 100, 128, 256, 512, 1024)
"""Part sizes of the usual tools: AWS's and MinIO's, rclone, s3cmd, s5cmd, Ceph."""
_READ_BYTES: Final = 1 << 20


class Likeness(Enum):
    """What a comparison found."""

    SAME = "same"
    SAME_SIZE = "same size"  #: the ETag cannot be checked: it is no MD5, or of parts of unknown size
    DIFFERENT = "different"


def likeness(path: Path, size_bytes: int, etag: str, parts: Sequence[int] | None = None) -> Likeness:
    """Compare a file with an object.

    Parameters
    ----------
    path : the file.
    size_bytes, etag : of the object, as listed.
    parts : sizes of its parts in bytes, as `Bucket.parts` tells them, none where the ETag is no MD5; without
        them the usual sizes are tried.

    Raises
    ------
    OSError : the file cannot be read.
    """
    if path.stat().st_size != size_bytes:
        return Likeness.DIFFERENT
    if parts is not None:
        if not parts:
            return Likeness.SAME_SIZE
        return Likeness.SAME if etag in _etags(path, parts) else Likeness.DIFFERENT
    made = OF_MD5S.fullmatch(etag)
    if made is None:
        return Likeness.SAME_SIZE
    if made[1] is None:
        return Likeness.SAME if etag in _etags(path, [size_bytes]) else Likeness.DIFFERENT
    for part_bytes in part_sizes(size_bytes, int(made[1])):
        starts = range(0, max(1, size_bytes), max(1, part_bytes))
        if etag in _etags(path, [min(part_bytes, size_bytes - start) for start in starts]):
            return Likeness.SAME
    return Likeness.SAME_SIZE


def _etags(path: Path, parts: Sequence[int]) -> tuple[str, ...]:
    """Return the ETags of a file stored in parts of these sizes; one part may have been the whole."""
    starts = (end - size for end, size in zip(accumulate(parts), parts, strict=True))
    digests = [_md5(path, start, size) for start, size in zip(starts, parts, strict=True)]
    in_parts = f"{hashlib.md5(b''.join(digests), usedforsecurity=False).hexdigest()}-{len(parts)}"
    return (in_parts, digests[0].hex()) if len(parts) == 1 else (in_parts,)


def part_sizes(size_bytes: int, parts: int) -> list[int]:
    """Return the usual part sizes, in bytes, that cut so many bytes into so many parts.

    All parts but the last are of one size; a single part is of any.
    """
    if parts == 1:
        return [size_bytes]
    units = [mib * _MIB for mib in _USUAL_PART_MIB] + [mib * 10**6 for mib in _USUAL_PART_MIB]
    return sorted(size for size in units if -(-size_bytes // size) == parts)


def _md5(path: Path, start: int, n_bytes: int) -> bytes:
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        file.seek(start)
        while n_bytes > 0 and (read := file.read(min(_READ_BYTES, n_bytes))):
            digest.update(read)
            n_bytes -= len(read)
    return digest.digest()
