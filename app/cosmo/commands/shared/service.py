"""A command as a service: stopped by signals, in touch with systemd if it started us."""

from __future__ import annotations

import faulthandler
import os
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

    def handler(_number: int, _frame: object) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handler)
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
