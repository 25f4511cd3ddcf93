"""A lock held by one process of this host at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cosmo.errors import AlreadyRunning


@contextmanager
def held(path: Path, what: str) -> Iterator[None]:
    """Hold a lock file while the context lasts.

    It is a lock of the kernel on an open file: it ends with the process, even if that is killed, so there is
    no stale lock to remove.

    Parameters
    ----------
    path : the lock file, in a folder that exists.
    what : what only one process may be, for the message: "producer of this host".

    Raises
    ------
    AlreadyRunning : another process holds it; the message has its process id.
    OSError : the file cannot be made.
    """
    lock_fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(lock_fd, 32).decode("ascii", "replace").strip() or "unknown"
            raise AlreadyRunning(
                f"{path}: expected to be the only {what}, process {holder} is one already; "
                f"stop that one (kill {holder}) first"
            ) from error
        os.ftruncate(lock_fd, 0)
        os.pwrite(lock_fd, f"{os.getpid()}\n".encode("ascii"), 0)
        yield
    finally:
        os.close(lock_fd)
