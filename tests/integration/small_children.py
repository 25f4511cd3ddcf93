"""Small Python programs as children, and waiting for what becomes of them."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from cosmo.embedded.child import Child
from cosmo.embedded.folder import DataFolder
from cosmo.embedded.supervisor import Supervisor
from cosmo.probes import Finding

LASTING = "import signal; signal.pause()"
POLITE = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); up(); signal.pause()"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); up(); signal.pause()"


def child(folder: DataFolder, name: str, program: str, **other: object) -> Child:
    """Return a child that runs a program and is ready once that calls `up()`, or at once if it never does."""
    mark = folder.path / f"{name}.up"
    mark.unlink(missing_ok=True)
    prelude = f"import os, sys, pathlib\ndef up(): pathlib.Path({str(mark)!r}).touch()\n"
    if "up()" not in program:
        prelude += "up()\n"
    description = {
        "name": name,
        "argv": (sys.executable, "-S", "-c", prelude + program),
        "environment": {"PATH": os.defpath},
        "folder": folder.path,
        "log": folder.log(name),
        "ready": lambda _: Finding(name, mark.exists(), "up" if mark.exists() else "not up"),
        "ready_within_s": 10,
    }
    return Child(**{**description, **other})  # type: ignore[arg-type]


def ends_after(go: Path, end: str) -> str:
    """Return a program that is ready, and ends in its way once a file is there."""
    return f"import time\nup()\nwhile not os.path.exists({str(go)!r}): time.sleep(0.02)\n{end}"


def watch_until(supervised: Supervisor, condition: Callable[[], bool], within_s: float = 15.0) -> None:
    """Let the supervisor work until the condition holds; fail if it does not in time."""
    end = time.monotonic() + within_s
    assert supervised.watch(lambda: condition() or time.monotonic() > end)
    assert condition(), f"not within {within_s} s"


def all_gone(pids: list[int], within_s: float = 5.0) -> bool:
    processes = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    living = [p for p in processes if p.status() != psutil.STATUS_ZOMBIE]
    _gone, alive = psutil.wait_procs(living, timeout=within_s)
    return all(p.status() == psutil.STATUS_ZOMBIE for p in alive)


def wait_for(condition: Callable[[], bool], within_s: float = 10.0) -> None:
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, f"not within {within_s} s"
        threading.Event().wait(0.01)
