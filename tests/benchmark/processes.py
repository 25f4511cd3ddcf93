"""CPU time and memory of a part, which is its process and all below it; and the end of our own."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from types import FrameType

import psutil


def cpu_s(pid: int) -> float:
    """CPU seconds of a process and its descendants so far, with those of children that have ended."""
    total = 0.0
    for member in _members(pid):
        try:
            times = member.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def resident_mib(pid: int) -> float:
    """Resident memory of a process and its descendants; pages that they share are counted for each."""
    total = 0
    for member in _members(pid):
        try:
            total += member.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total / 2**20


def end_in_good_order_on_sigterm() -> None:
    """Leave by an exception, so that all that was started is ended too."""

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, leave)


def _members(pid: int) -> Iterator[psutil.Process]:
    try:
        process = psutil.Process(pid)
        yield from (process, *process.children(recursive=True))
    except psutil.NoSuchProcess:
        return
