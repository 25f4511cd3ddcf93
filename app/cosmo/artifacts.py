"""The locked jars: fetched once into a cache, checked against their SHA-256 at every use.

The cache has the layout of a Maven repository, so that one machine's cache can serve another's.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cosmo import maven
from cosmo.errors import ArtifactError

PARALLEL_DOWNLOADS: Final = 6
SPARE_DISK_BYTES: Final = 64 << 20
"""Left free beside the jars: a completely full disk breaks more than the download."""

Progress = Callable[[int, int], None]
"""Called in the caller's thread with the bytes checked so far and the bytes of the whole lock."""


class Artifact(BaseModel):
    """One jar of the lock."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    jar: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]*(:[A-Za-z0-9_-][A-Za-z0-9._-]*){2}$")]
    """Maven coordinates, group:artifact:version."""
    bytes: Annotated[int, Field(gt=0)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

    @property
    def path(self) -> str:
        """Place in a Maven repository, relative to its root."""
        group, artifact, version = self.jar.split(":")
        return f"{group.replace('.', '/')}/{artifact}/{version}/{artifact}-{version}.jar"


class Lock(BaseModel):
    """The lock document: jars by what needs them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kafka: tuple[Artifact, ...]
    spark_kafka: tuple[Artifact, ...]

    @classmethod
    def load(cls, path: Path) -> Lock:
        """Read and validate a lock; ArtifactError if it cannot be read or an entry is impossible."""
        try:
            return cls.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
            raise ArtifactError(
                f"{path}: expected the lock of the jars, got: {' '.join(str(error).split())}; "
                f"take it from COSMO's sources again"
            ) from error
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"]) or "document"
            raise ArtifactError(
                f"{path}: {key}: {first['msg']}, got {first['input']!r}; "
                f"the comment at the top of that file says how it is made"
            ) from error


@dataclass(frozen=True)
class Jars:
    """Where the checked jars lie."""

    kafka: tuple[Path, ...]
    spark_kafka: tuple[Path, ...]


def fetch(lock_path: Path, cache: Path, progress: Progress = lambda _done, _total: None) -> Jars:
    """Return the locked jars, fetching those that the cache does not hold or holds damaged.

    With a complete cache nothing is asked of the network.

    Parameters
    ----------
    lock_path : the lock document.
    cache : folder of all that COSMO fetches; the jars lie in its `maven`.
    progress : see `Progress`.

    Raises
    ------
    ArtifactError : a jar cannot be fetched, is not the locked one, or does not fit the disk.
    """
    lock = Lock.load(lock_path)
    root = cache / "maven"
    artifacts = tuple(dict.fromkeys((*lock.kafka, *lock.spark_kafka)))
    total = sum(artifact.bytes for artifact in artifacts)
    missing = [artifact for artifact in artifacts if not _is_intact(root / artifact.path, artifact)]
    done = total - sum(artifact.bytes for artifact in missing)
    progress(done, total)
    if missing:
        _require_disk(root, missing)
        for artifact in _fetched(missing, maven.repository(), root):
            done += artifact.bytes
            progress(done, total)
    return Jars(
        kafka=tuple(root / artifact.path for artifact in lock.kafka),
        spark_kafka=tuple(root / artifact.path for artifact in lock.spark_kafka),
    )


def _is_intact(path: Path, artifact: Artifact) -> bool:
    try:
        if path.stat().st_size != artifact.bytes:
            return False
        return hashlib.sha256(path.read_bytes()).hexdigest() == artifact.sha256
    except FileNotFoundError:
        return False
    except OSError as error:
        raise ArtifactError(
            f"{path}: expected to read this cached jar, got: {error.strerror}; make it readable or delete it"
        ) from error


def _require_disk(root: Path, missing: list[Artifact]) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _not_writable(root, error) from error
    needed = sum(artifact.bytes for artifact in missing) + SPARE_DISK_BYTES
    free = shutil.disk_usage(root).free
    if free < needed:
        raise ArtifactError(
            f"{root}: expected {needed >> 20} MiB of free disk for {len(missing)} jars, "
            f"got {free >> 20} MiB; free some, or set paths.cache to a folder on another disk"
        )


def _fetched(missing: list[Artifact], repository: str, root: Path) -> Iterator[Artifact]:
    """Fetch in parallel; yield each as it is complete. The first failure ends the others."""
    enough = threading.Event()
    with ThreadPoolExecutor(PARALLEL_DOWNLOADS, thread_name_prefix="fetch") as pool:
        futures = [pool.submit(_fetch_one, artifact, repository, root, enough) for artifact in missing]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            enough.set()
            pool.shutdown(cancel_futures=True)


def _fetch_one(artifact: Artifact, repository: str, root: Path, enough: threading.Event) -> Artifact:
    url = f"{repository}/{artifact.path}"
    content = maven.read(url, artifact.bytes, enough)
    got = hashlib.sha256(content).hexdigest()
    if got != artifact.sha256:
        raise ArtifactError(
            f"{url}: expected SHA-256 {artifact.sha256} ({artifact.bytes} bytes), got {got} ({len(content)} "
            f"bytes); it was thrown away: see whether a proxy or a login page answered, then try again"
        )
    target = root / artifact.path
    try:
        _write_whole(target, content)
    except OSError as error:
        raise _not_writable(target, error) from error
    return artifact


def _write_whole(target: Path, content: bytes) -> None:
    """Write a file that others see complete or not at all; another process may write the same one."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        part.chmod(0o644)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _not_writable(path: Path, error: OSError) -> ArtifactError:
    return ArtifactError(
        f"{path}: expected to write here, got: {error.strerror}; "
        f"make it writable, or set paths.cache to another folder"
    )
