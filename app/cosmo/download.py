"""The objects of a bucket as files: in parallel, resumed where they stand, checked, then renamed."""

from __future__ import annotations

import fcntl
import os
import queue
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from cosmo.errors import NO_ROOM, AlreadyRunning, PreflightError, SourceError
from cosmo.sources.bucket import Bucket, StoredObject
from cosmo.sources.etags import Likeness, likeness
from cosmo.sources.steady import Outage, steadily, steady_chunks

PARALLEL: Final = 4
PATIENCE_S: Final = 300.0
"""A store that is away for longer ends the download; the partial files stay."""
STOPPED_WITHIN_S: Final = 1.0
"""So long an end waits for what is under way; a silent store would hold it up."""
ETAG_CHARACTERS: Final = 12
"""Of an ETag in the name of a partial file: enough to tell an object from those it replaces."""
_PART: Final = re.compile(rf"(.+)\.[0-9A-Za-z_-]{{{ETAG_CHARACTERS}}}\.part")
SPARE_DISK_BYTES: Final = 64 << 20
"""Left free beside the files: a completely full disk breaks more than the download."""

Progress = Callable[[int], None]
"""Called, from any thread, with the bytes got since the last call; negative if some were thrown away."""


@dataclass(frozen=True)
class Downloaded:
    """What a download did."""

    fetched: int  #: objects
    already_there: int
    size_only: tuple[str, ...]  #: keys whose ETag could not be checked
    folders: tuple[Path, ...]  #: that the files are in


def download(
    bucket: Bucket,
    objects: Sequence[StoredObject],
    folder: Path,
    progress: Progress = lambda _bytes: None,
    patience_s: float = PATIENCE_S,
) -> Downloaded:
    """Fetch objects into a folder; those that are there and the same are left as they are.

    A file has its name only when it is complete and checked. Until then it is beside it, as
    NAME.ETAG.part, and a later download of the same object goes on from there; one of an object that has
    replaced it deletes it.

    Raises
    ------
    SourceError : a file is there and differs, an object arrives damaged twice, or the bucket fails.
    PreflightError : the disk is too small, or the folder cannot be written.
    AlreadyRunning : another download fills this folder.
    """
    targets = [_Target(stored, folder / _relative(stored.key)) for stored in objects]
    for target in targets:
        target.require_possible()
    with _only_one_in(folder):
        _drop_older_parts(targets)
        _require_disk(folder, sum(target.missing_bytes for target in targets))
        results = _fetch_all(bucket, targets, patience_s, progress)
    return Downloaded(
        fetched=sum(is_new for _, is_new, _ in results),
        already_there=sum(not is_new for _, is_new, _ in results),
        size_only=tuple(sorted(key for key, _, how in results if how is Likeness.SAME_SIZE)),
        folders=tuple(sorted({target.path.parent for target in targets})),
    )


def _fetch_all(
    bucket: Bucket, targets: Sequence[_Target], patience_s: float, progress: Progress
) -> list[tuple[str, bool, Likeness]]:
    """Fetch in parallel; the first failure, or Ctrl-C, ends all."""
    stop = threading.Event()
    outage = Outage(stop.wait, patience_s)
    waiting: queue.SimpleQueue[_Target] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[str, bool, Likeness] | BaseException] = queue.SimpleQueue()
    for target in targets:
        waiting.put(target)

    def work() -> None:
        try:
            while not stop.is_set():
                target = waiting.get_nowait()
                done.put((target.stored.key, *target.fetch(bucket, outage, progress)))
        except queue.Empty:
            return
        except BaseException as error:  # noqa: BLE001 - raised again below, in the caller's thread
            done.put(error)

    # Not a pool: Python waits for the threads of one at its end, and these may wait for a silent store.
    workers = [threading.Thread(target=work, name="download", daemon=True) for _ in range(PARALLEL)]
    for worker in workers:
        worker.start()
    try:
        results = []
        for _ in targets:
            outcome = done.get()
            if isinstance(outcome, BaseException):
                raise outcome
            results.append(outcome)
    finally:
        stop.set()
        deadline = time.monotonic() + STOPPED_WITHIN_S
        for worker in workers:
            worker.join(max(0.0, deadline - time.monotonic()))
    return results


@dataclass(frozen=True)
class _Target:
    stored: StoredObject
    path: Path

    @property
    def part(self) -> Path:
        etag = re.sub(r"[^0-9A-Za-z-]", "_", self.stored.etag)
        return self.path.with_name(f"{self.path.name}.{etag[:ETAG_CHARACTERS]}.part")

    @property
    def missing_bytes(self) -> int:
        if self.path.exists():
            return 0
        return max(0, self.stored.size_bytes - _size_bytes(self.part))

    def require_possible(self) -> None:
        """Refuse an object whose file cannot be made, or is another one."""
        try:
            is_another = self.path.exists() and (
                not self.path.is_file() or _size_bytes(self.path) != self.stored.size_bytes
            )
            _size_bytes(self.part)
        except PermissionError as error:
            raise PreflightError(
                f"{self.path}: expected the right to write here, got: {error.strerror}; choose another folder"
            ) from error
        except OSError as error:
            raise PreflightError(
                f"{self.part}: expected a name that a file can have, got: {error.strerror}; "
                f"leave the object {self.stored.key} out by names, or choose a shorter folder"
            ) from error
        if is_another:
            raise self._is_another()

    def fetch(self, bucket: Bucket, outage: Outage, progress: Progress) -> tuple[bool, Likeness]:
        """Return whether the object was fetched, and how sure it is that file and object are the same."""
        try:
            if self.path.exists():
                found = self._compared(self.path, bucket, outage)
                if found is Likeness.DIFFERENT:
                    raise self._is_another()
                progress(self.stored.size_bytes)
                return False, found
            self.path.parent.mkdir(parents=True, exist_ok=True)
            for _ in range(2):  # what an earlier attempt left may be damaged, so once more from the start
                self._fill_part(bucket, outage, progress)
                found = self._compared(self.part, bucket, outage)
                if found is not Likeness.DIFFERENT:
                    self.part.replace(self.path)
                    return True, found
                self.part.unlink()
                progress(-self.stored.size_bytes)
        except OSError as error:
            choice = "free some disk or choose" if error.errno in NO_ROOM else "choose"
            raise PreflightError(
                f"{self.path}: expected to write a file here, got: {error.strerror}; "
                f"{choice} another folder, the same command goes on"
            ) from error
        raise SourceError(
            f"{self.stored.key}: expected bytes with ETag {self.stored.etag}, got others twice; "
            f"tell who runs the store"
        )

    def _fill_part(self, bucket: Bucket, outage: Outage, progress: Progress) -> None:
        with self.part.open("ab") as file:
            if file.tell() > self.stored.size_bytes:
                file.truncate(0)
            at = file.seek(0, os.SEEK_END)
            progress(at)
            for chunk in steady_chunks(bucket, self.stored, at, self.stored.size_bytes, outage):
                file.write(chunk)
                progress(len(chunk))
            file.flush()
            os.fsync(file.fileno())  # or a power cut could leave a file of the right name and no content

    def _compared(self, path: Path, bucket: Bucket, outage: Outage) -> Likeness:
        found = likeness(path, self.stored.size_bytes, self.stored.etag)
        if found is Likeness.SAME:
            return found
        parts = steadily(lambda: bucket.parts(self.stored), outage, self.stored.key)
        return found if parts is None else likeness(path, self.stored.size_bytes, self.stored.etag, parts)

    def _is_another(self) -> SourceError:
        return SourceError(
            f"{self.path}: expected this file to be the object {self.stored.key} or not to be there, "
            f"it is another; move it away or choose another folder"
        )


def _relative(key: str) -> PurePosixPath:
    """Return the place of an object in the folder; a key that would lead out of it is refused."""
    path = PurePosixPath(key)
    if path.is_absolute() or ".." in path.parts or str(path) != key or "\0" in key:
        raise SourceError(f"expected object names that can be file names, got {key!r}; leave it out by names")
    return path


def _drop_older_parts(targets: Sequence[_Target]) -> None:
    """Delete partial files of objects that have been replaced since: no download goes on with them."""
    parts = {target.path: target.part for target in targets}
    for folder in {path.parent for path in parts if path.parent.is_dir()}:
        with suppress(OSError):  # it cannot be listed or written to, which is said where that matters
            for path in folder.iterdir():
                made = _PART.fullmatch(path.name)
                if made and path != parts.get(folder / made[1], path) and path.is_file():
                    path.unlink()


def _size_bytes(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _require_disk(folder: Path, needed_bytes: int) -> None:
    free_bytes = shutil.disk_usage(folder).free
    if needed_bytes and free_bytes < needed_bytes + SPARE_DISK_BYTES:
        needed_mib = (needed_bytes + SPARE_DISK_BYTES) >> 20
        raise PreflightError(
            f"{folder}: expected {needed_mib} MiB of free disk for the objects, got {free_bytes >> 20} MiB; "
            f"free some, choose another folder, or fetch fewer with --range"
        )


@contextmanager
def _only_one_in(folder: Path) -> Iterator[None]:
    """Make the folder and hold it: two downloads would write into the same partial files."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder_fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise PreflightError(
            f"{folder}: expected a folder to write to, got: {error.strerror}; choose another"
        ) from error
    try:
        try:
            fcntl.flock(folder_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning(
                f"{folder}: expected no other download into this folder, one is at work; wait for its end"
            ) from error
        except OSError as error:
            raise PreflightError(
                f"{folder}: expected a folder that can be locked, got: {error.strerror}; choose another"
            ) from error
        yield
    finally:
        os.close(folder_fd)
