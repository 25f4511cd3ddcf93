"""The Summary of a source that ends, without Kafka or Spark: the same timeslicer, the same addition."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from cosmo.sources import Source, read_block
from cosmo.statistics import Summary
from cosmo.timeslices import Limits, Timeslice, Timeslicer

_SLICES_TOGETHER = 8


def summarise(
    source: Source, limits: Limits, progress: Callable[[int], None] = lambda _read: None
) -> Summary:
    """Measure a source through one timeslicer, in its order.

    Parameters
    ----------
    progress : called with the bytes of text read since the last call.
    """
    total = Summary.empty()
    waiting: list[Timeslice] = []
    for timeslice in _slices(source, limits, progress):
        waiting.append(timeslice)
        if len(waiting) == _SLICES_TOGETHER:
            total += Summary.of(waiting)
            waiting = []
    return total + Summary.of(waiting)


def _slices(source: Source, limits: Limits, progress: Callable[[int], None]) -> Iterator[Timeslice]:
    timeslicer = Timeslicer(limits)
    for block in source.blocks():
        lines = read_block(block).lines
        yield from (timeslice for timeslice, _ in timeslicer.feed(lines, 0, len(lines)))
        progress(block.end - block.start)
    yield from timeslicer.end()
