"""Files with secrets: for their owner, and a group at most. No message quotes what is in them."""

from __future__ import annotations

import stat
from pathlib import Path

from cosmo.errors import CosmoError


def read_private(path: Path, what: str, remedy: str, error_class: type[CosmoError]) -> bytes:
    """Return the content of a file that only its owner, or its group, may read.

    Parameters
    ----------
    what : is in the file, for the message: 'the credentials of the bucket'.
    remedy : what to do where it is missing.

    Raises
    ------
    error_class : no such file, or open to all users of the machine.
    """
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode & stat.S_IRWXO:
                raise error_class(
                    f"{path}: expected credentials that only their owner may read, got mode {mode:04o}; "
                    f"chmod 600 {path}"
                )
            return file.read()
    except OSError as error:
        raise error_class(f"{path}: expected {what}, got: {error.strerror}; {remedy}") from error
