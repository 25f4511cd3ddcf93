"""Blocks read ahead by a thread, up to a number of bytes."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from typing import Final

from cosmo.sources.blocks import Block

TICK_S: Final = 0.25
"""A caller gets the turn at least so often, if with an empty block."""
_CLOSED_WITHIN_S: Final = 1.0
END_OF_PASS: Final = Block("", 0, 0, b"")
"""What a reader yields between passes. It goes one pass ahead, however little text that is."""


def read_ahead(
    read: Callable[[threading.Event], Iterator[Block]], limit_bytes: int
) -> Generator[Block, None, None]:
    """Yield the blocks of a reader that runs in a thread, ahead of the caller.

    While no block is there, an empty one comes every TICK_S: whoever streams can stop, or send what is due.

    Parameters
    ----------
    read : makes the reader; the event it gets is set when no more blocks are wanted.
    limit_bytes : text that may wait, with one block more. What the reader holds by itself comes on top.

    Raises
    ------
    Whatever the reader raises, after the blocks before it.
    """
    shelf = _Shelf(limit_bytes)
    thread = threading.Thread(target=shelf.fill, args=(read,), name="read-ahead", daemon=True)
    thread.start()
    place = Block("", 0, 0, b"")
    try:
        while True:
            block = shelf.take(TICK_S)
            if block is None:
                return
            if block is _NOT_YET:
                yield Block(place.source, place.end, place.end, b"")
            else:
                yield block
                place = block
    finally:
        shelf.stop.set()
        shelf.wake()
        # A reader that waits for a silent store ends by itself, a little later.
        thread.join(_CLOSED_WITHIN_S)


_NOT_YET: Final = Block("", 0, 0, b"")


class _Shelf:
    def __init__(self, limit_bytes: int) -> None:
        self.stop = threading.Event()
        self._limit_bytes = limit_bytes
        self._blocks: deque[Block] = deque()
        self._held_bytes = 0
        self._held_ends = 0  #: of passes
        self._moved = threading.Condition()
        self._has_ended = False
        self._failure: BaseException | None = None

    def fill(self, read: Callable[[threading.Event], Iterator[Block]]) -> None:
        try:
            for block in read(self.stop):
                with self._moved:
                    self._blocks.append(block)
                    self._held_bytes += len(block.text)
                    self._held_ends += block is END_OF_PASS
                    self._moved.notify_all()
                    self._moved.wait_for(lambda: self._has_room() or self.stop.is_set())
                if self.stop.is_set():
                    return
        except BaseException as error:  # noqa: BLE001 - raised again by take(), in the caller's thread
            self._failure = error
        finally:
            self._has_ended = True
            self.wake()

    def take(self, within_s: float) -> Block | None:
        """Return the next block, _NOT_YET if none came in time, or None at the end."""
        with self._moved:
            self._moved.wait_for(lambda: self._blocks or self._has_ended, within_s)
            if self._blocks:
                block = self._blocks.popleft()
                self._held_bytes -= len(block.text)
                self._held_ends -= block is END_OF_PASS
                self._moved.notify_all()
                return block
            if not self._has_ended:
                return _NOT_YET
        if self._failure:
            raise self._failure
        return None

    def _has_room(self) -> bool:
        return self._held_bytes < self._limit_bytes and self._held_ends < 2

    def wake(self) -> None:
        with self._moved:
            self._moved.notify_all()
