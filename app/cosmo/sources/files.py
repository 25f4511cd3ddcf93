"""Recordings: local files of CSV rows, plain or gzip."""

from __future__ import annotations

import gzip
import logging
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from cosmo.errors import SourceError
from cosmo.sources.blocks import Block
from cosmo.sources.recording import GZIP_MAGIC, SUFFIXES, OnDamage, has_rows, recording_blocks, tell_of_damage

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FilesSource:
    """Files, read one after the other in the order given; an orbit across two files stays whole."""

    paths: tuple[Path, ...]

    @classmethod
    def of(cls, names: Iterable[str], *, to_loop: bool = False) -> FilesSource:
        """Find files by path, glob or folder (its .txt, .csv and .gz files, in the order of their names).

        A file that is named twice, by globs that overlap say, is read once, where it is named first, with a
        warning: the place where a stream stands is a file and an offset.

        Parameters
        ----------
        to_loop : they will be played in a loop, which is endless without rows.

        Raises
        ------
        SourceError : a name matches nothing, a file cannot be read, or has lines and none of them is ours; a
            folder, or all that is to be looped over, has no row.
        """
        have_rows: dict[Path, bool] = {}  # in the order of the files
        for name in names:
            found = _matches(name)
            for path in found:
                if path in have_rows:
                    log.warning("%s is named more than once; it is read once, where it is named first", path)
                else:
                    have_rows[path] = _has_rows(path)
            if not any(have_rows[path] for path in found) and Path(name).expanduser().is_dir():
                raise SourceError(
                    f"{name}: expected a folder with rows, got none in its {len(found)} files; name another"
                )
        if to_loop and not any(have_rows.values()):
            named = ", ".join(map(str, have_rows)) or "no file"
            raise SourceError(f"expected rows to loop over, got none in {named}; name another")
        return cls(tuple(have_rows))

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
        return not any(_is_packed(path) for path in self.paths)

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

    def close(self) -> None:
        """Do nothing: nothing is read ahead."""


def _matches(name: str) -> list[Path]:
    try:
        path = Path(name).expanduser().resolve()
        if path.is_dir():
            found = sorted(entry for entry in path.iterdir() if entry.suffix in SUFFIXES and entry.is_file())
            if not found:
                raise SourceError(
                    f"{name}: expected a folder with {', '.join(SUFFIXES)} files, it has none; name another"
                )
            return found
        found = (
            [path] if path.exists() else sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
        )
        others = [path for path in found if not path.is_file()]
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links; '**' inside a name
        raise SourceError(f"{name}: expected a readable file or folder, got: {error}; correct it") from error
    if not found:
        raise SourceError(f"{name}: expected a file, a folder or a glob, nothing is there; correct the name")
    if others:  # a pipe or a device: it has no place to go on from
        raise SourceError(f"{others[0]}: expected a file, got something else; name a file")
    return found


def _has_rows(path: Path) -> bool:
    """Return whether a file has rows; refuse what is not ours, and a packed file with nothing to unpack."""
    damages: list[str] = []
    found = has_rows(str(path), _file_blocks(path, 0, lambda _name, damage: damages.append(damage)))
    if damages and not found:
        raise SourceError(f"{path}: expected a gzip file, got: {damages[0]}; is it whole?")
    return found


def _is_packed(path: Path) -> bool:
    """Tell by the content: a packed file may have been renamed."""
    with _raw(path) as raw:
        return raw.peek(2)[:2] == GZIP_MAGIC


def _raw(path: Path) -> BufferedReader:
    with ExitStack() as opened:
        try:
            raw = opened.enter_context(path.open("rb"))
            raw.peek(1)
        except OSError as error:
            raise SourceError(
                f"{path}: expected a readable file, got: {error.strerror}; correct it"
            ) from error
        opened.pop_all()
        return raw


def _opened(path: Path) -> BufferedReader | gzip.GzipFile:
    if _is_packed(path):
        return gzip.GzipFile(path, mode="rb")
    raw = _raw(path)
    if path.suffix == ".gz" and raw.peek(1):
        raw.close()
        raise SourceError(f"{path}: expected a gzip file by its name, it is not one; rename it")
    return raw


def _file_blocks(path: Path, offset: int, on_damage: OnDamage = tell_of_damage) -> Iterator[Block]:
    with _opened(path) as stream:
        try:
            start = 0 if isinstance(stream, gzip.GzipFile) else stream.seek(max(0, offset - 1))
            yield from recording_blocks(str(path), stream, start, offset, on_damage)
        except OSError as error:
            raise SourceError(f"{path}: expected to read on, got: {error.strerror}; mend the disk") from error
