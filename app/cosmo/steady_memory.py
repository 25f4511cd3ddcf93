"""A process that handles text by the MiB keeps what it has freed: its resident memory levels soon, and stays.

The allocator gives large blocks back to the system and takes them anew, block after block: resident memory
goes up and down by a tenth, in which a slow leak would not be seen.
"""

from __future__ import annotations

import ctypes
from typing import Final

import pyarrow as pa

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_LARGEST_KEPT: Final = 32 << 20  #: the most that glibc takes
_KEPT: Final = 256 << 20


def keep_freed_memory() -> None:
    """Keep it from now on, numpy's and pyarrow's too; where the C library is not glibc, do nothing."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_KEPT)
        mallopt(_M_TRIM_THRESHOLD, _KEPT)
        pa.set_memory_pool(pa.system_memory_pool())
