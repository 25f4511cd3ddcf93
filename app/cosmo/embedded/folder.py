"""The data folder of one embedded stack, held by one process at a time."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import final

from cosmo.errors import PreflightError
from cosmo.file_lock import held


@final
class DataFolder:
    """The folder with everything the children keep; holding it is a context."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.logs = path / "logs"
        self.configuration = path / "configuration"
        self._hold: ExitStack | None = None

    @property
    def is_held(self) -> bool:
        """Whether this process holds the folder."""
        return self._hold is not None

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
        hold = ExitStack()
        try:
            # 0700: whoever can write here decides what the broker runs with.
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.logs.mkdir(exist_ok=True)
            self.configuration.mkdir(exist_ok=True)
            hold.enter_context(held(self.path / "lock", "stack in this data folder"))
        except OSError as error:
            raise PreflightError(
                f"{self.path}: expected a folder to keep data in, got: {error.strerror}; "
                f"make it writable, or set paths.data to another folder"
            ) from error
        self._hold = hold
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let it go; what is in it stays."""
        if self._hold is not None:
            self._hold.close()
            self._hold = None
