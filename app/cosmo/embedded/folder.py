"""The data folder of one embedded stack, held by one process at a time."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import final

from cosmo.errors import AlreadyRunning, PreflightError


@final
class DataFolder:
    """The folder with everything the children keep; holding it is a context.

    The hold is a lock of the kernel on an open file: it ends with the process, even if that is killed, so
    there is no stale lock to remove.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.logs = path / "logs"
        self.configuration = path / "configuration"
        self._lock_fd: int | None = None

    @property
    def is_held(self) -> bool:
        """Whether this process holds the folder."""
        return self._lock_fd is not None

    def log(self, name: str) -> Path:
        """Log file of a child."""
        return self.logs / f"{name}.log"

    def __enter__(self) -> DataFolder:
        """Make the folder where it is missing, and hold it.

        Raises
        ------
        AlreadyRunning : another process holds it; the message has its process id.
        PreflightError : the folder cannot be made or written.
        """
        try:
            # 0700: whoever can write here decides what the broker runs with.
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.logs.mkdir(exist_ok=True)
            self.configuration.mkdir(exist_ok=True)
            lock_fd = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise PreflightError(
                f"{self.path}: expected a folder to keep data in, got: {error.strerror}; "
                f"make it writable, or set paths.data to another folder"
            ) from error
        try:
            fcntl.flock(lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(lock_fd, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(lock_fd)
            raise AlreadyRunning(
                f"{self.path}: expected this data folder to be free, process {holder} runs a stack in it; "
                f"stop that one (kill {holder}), or set paths.data and the ports to others"
            ) from error
        os.ftruncate(lock_fd, 0)
        os.pwrite(lock_fd, f"{os.getpid()}\n".encode("ascii"), 0)
        self._lock_fd = lock_fd
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let it go; what is in it stays."""
        if self._lock_fd is not None:
            os.close(self._lock_fd)
            self._lock_fd = None
