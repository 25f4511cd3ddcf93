"""A command as a service: stopped by signals, in touch with systemd if it started us."""

from __future__ import annotations

import faulthandler
import os
import queue
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import sdnotify


@contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """Give an event that SIGTERM and Ctrl-C set; SIGUSR1 prints where every thread is."""
    faulthandler.register(signal.SIGUSR1)
    stop = threading.Event()
    # A handler runs in the middle of what it interrupts, which may hold the lock of the event; a SimpleQueue
    # may be put to from there.
    arrived: queue.SimpleQueue[int] = queue.SimpleQueue()

    def pass_on() -> None:
        arrived.get()
        stop.set()

    threading.Thread(target=pass_on, name="signals", daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: arrived.put(number))
    yield stop


def ready() -> None:
    """Tell systemd that the part works."""
    _notify("READY=1")


def alive() -> None:
    """Tell systemd's watchdog that the part works still."""
    if "WATCHDOG_USEC" in os.environ:
        _notify("WATCHDOG=1")


def _notify(state: str) -> None:
    sdnotify.SystemdNotifier().notify(state)
