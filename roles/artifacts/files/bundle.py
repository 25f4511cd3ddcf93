"""A bundle: one tar of files, named for what it is made from. The same contents give the same bytes."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

COMPLETE: Final = "COMPLETE"
"""The last member of every bundle: where it is missing, an unpacking was interrupted."""

Member = tuple[str, bytes, int]
"""Name, content and mode of a file in a bundle."""


def digest(content: bytes) -> str:
    """Return a short name for a content."""
    return hashlib.sha256(content).hexdigest()[:12]


def digest_of(paths: Iterable[Path], root: Path | None = None) -> str:
    """Return a short name for files: their names, below a root if there is one, and their contents."""
    sums = hashlib.sha256()
    for path in paths:
        name = str(path.relative_to(root)) if root else path.name
        sums.update(name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return sums.hexdigest()[:12]


def write(path: Path, members: Iterable[Member]) -> None:
    """Write a bundle that others see whole or not at all."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
        try:
            with tarfile.open(fileobj=file, mode="w") as tar:
                for name, content, mode in (*members, (COMPLETE, b"", 0o644)):
                    entry = tarfile.TarInfo(name)
                    entry.size, entry.mode = len(content), mode
                    tar.addfile(entry, io.BytesIO(content))
            file.flush()
            os.fsync(file.fileno())
            sum_of(path).unlink(missing_ok=True)
            Path(file.name).chmod(0o644)
            Path(file.name).replace(path)
            sum_of(path).write_text(_sha256(path), encoding="utf-8")
        finally:
            Path(file.name).unlink(missing_ok=True)


def is_intact(path: Path) -> bool:
    """Say whether a bundle is there as it was written."""
    told = sum_of(path)
    return path.exists() and told.exists() and told.read_text(encoding="utf-8") == _sha256(path)


def sum_of(path: Path) -> Path:
    """Return the file beside a bundle with its SHA-256: written last."""
    return path.with_suffix(".sha256")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files(paths: Iterable[Path]) -> list[Member]:
    """Return files as members, without their folders."""
    return [(path.name, path.read_bytes(), 0o644) for path in paths]


def pinned(wheels: Iterable[Path]) -> Member:
    """Return a requirements file with exactly these wheels and their hashes."""
    lines = []
    for wheel in wheels:
        name, version, *_ = wheel.name.split("-")
        lines.append(f"{name}=={version} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n")
    return "requirements.txt", "".join(lines).encode(), 0o644


def inside(wheel: Path, folder: str) -> list[Member]:
    """Return the files below a folder of a wheel, with their modes."""
    with zipfile.ZipFile(wheel) as packed:
        return [
            (
                name.removeprefix(folder),
                packed.read(name),
                packed.getinfo(name).external_attr >> 16 & 0o777 or 0o644,
            )
            for name in sorted(packed.namelist())
            if name.startswith(folder) and not name.endswith("/")
        ]
