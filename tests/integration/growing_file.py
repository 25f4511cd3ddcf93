"""A file of generated rows that does not end before a test wants it to, however slow the machine is."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from cosmo.generator import Cosmics

AHEAD_CHUNKS = 45
"""A million rows: no reader comes near the end."""
PERIOD_S = 0.3
"""A chunk in this time is 77,000 rows/s."""


class GrowingFile:
    """Chunks of generated rows, written until `end_at` or `close`."""

    def __init__(self, path: Path, source: Cosmics, first_chunk: int) -> None:
        self.path = path
        self._source = source
        self._chunk = first_chunk
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._grow, name="growing file")
        for _ in range(AHEAD_CHUNKS):
            self._append()
        self._thread.start()

    def close(self) -> None:
        """Stop growing."""
        self._stop.set()
        self._thread.join()

    def end_at(self, offset: int) -> None:
        """Stop growing, and drop what has been written beyond an offset in bytes."""
        self.close()
        assert self.path.stat().st_size > offset, "nobody has read to the end"
        os.truncate(self.path, offset)

    def _grow(self) -> None:
        while not self._stop.wait(PERIOD_S):
            self._append()

    def _append(self) -> None:
        with self.path.open("ab") as file:
            file.write(self._source.chunk(self._chunk).rows)
        self._chunk += 1
