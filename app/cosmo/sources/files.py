"""Recordings: local files of CSV rows, plain or gzip."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from cosmo.errors import SourceError
from cosmo.sources.blocks import Block
from cosmo.sources.recording import CUT_OFF, GZIP_MAGIC, SUFFIXES, recording_blocks, require_rows

_LOOKED_AT = 1 << 18


@dataclass(frozen=True)
class FilesSource:
    """Files, read one after the other in the order given; an orbit across two files stays whole."""

    paths: tuple[Path, ...]

    @classmethod
    def of(cls, names: Iterable[str]) -> FilesSource:
        """Find files by path, glob or folder (its .txt, .csv and .gz files, in the order of their names).

        Raises
        ------
        SourceError : a name matches nothing, a file cannot be read, or holds no rows of ours.
        """
        paths: list[Path] = []
        for name in names:
            found = _matches(name)
            if Path(name).is_dir() and not any(_has_content(path) for path in found):
                raise SourceError(
                    f"{name}: expected files with rows, they are all empty; name another folder"
                )
            paths += found
        for path in paths:
            _check(path)
        return cls(tuple(paths))

    @property
    def description(self) -> str:
        """The files' names."""
        return "files " + ", ".join(str(path) for path in self.paths)

    @property
    def size_bytes(self) -> int:
        """Size on disk, for progress."""
        return sum(path.stat().st_size for path in self.paths)

    @property
    def is_plain(self) -> bool:
        """Whether nothing is compressed, so that `size_bytes` is the size of the text too."""
        return not any(path.suffix == ".gz" for path in self.paths)

    def blocks(self, source: str = "", offset: int = 0) -> Iterator[Block]:
        """Yield the blocks from an offset in a file on; see `Source.blocks`."""
        names = [str(path) for path in self.paths]
        if source and source not in names:
            raise SourceError(
                f"expected {source}, where the stream stands, among the files; it is not; "
                "name it again, or begin a new run"
            )
        first = names.index(source) if source else 0
        for path in self.paths[first:]:
            yield from _file_blocks(path, offset)
            offset = 0


def _matches(name: str) -> list[Path]:
    path = Path(name).expanduser().resolve()
    if path.is_dir():
        found = sorted(entry for entry in path.iterdir() if entry.suffix in SUFFIXES and entry.is_file())
        if not found:
            raise SourceError(f"{name}: expected a folder with {', '.join(SUFFIXES)} files, it has none")
        return found
    if path.exists():
        return [path]
    found = sorted(path.parent.glob(path.name)) if path.parent.is_dir() else []
    if not found:
        raise SourceError(f"{name}: expected a file, a folder or a glob, nothing is there; correct the name")
    return found


def _has_content(path: Path) -> bool:
    with _opened(path) as stream:
        return bool(stream.read(1))


def _check(path: Path) -> None:
    """Refuse what is not ours: a file with lines, none of which has our six columns."""
    with _opened(path) as stream:
        try:
            text = stream.read(_LOOKED_AT)
        except CUT_OFF as error:
            raise SourceError(f"{path}: expected a gzip file, got: {error}; is it whole?") from error
    require_rows(str(path), text)


def _opened(path: Path) -> BinaryIO:
    try:
        raw = path.open("rb")
        magic = raw.peek(2)[:2]
    except OSError as error:
        raise SourceError(f"{path}: expected a readable file, got: {error.strerror}; correct it") from error
    if path.suffix == ".gz":
        if magic and magic != GZIP_MAGIC:
            raw.close()
            raise SourceError(f"{path}: expected a gzip file by its name, it is not one; rename it")
        if magic:
            raw.close()  # a GzipFile closes only what it has opened itself
            return cast(BinaryIO, gzip.GzipFile(path, mode="rb"))
    return raw


def _file_blocks(path: Path, offset: int) -> Iterator[Block]:
    with _opened(path) as stream:
        try:
            yield from recording_blocks(str(path), stream, 0, offset)  # type: ignore[arg-type]
        except OSError as error:
            raise SourceError(f"{path}: expected to read on, got: {error.strerror}; mend the disk") from error
