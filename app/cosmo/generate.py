"""A generated recording as a file, and its truth beside."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import BinaryIO, Final

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from cosmo.errors import SettingsError, SourceError
from cosmo.generator import Chunk, Origin, Recording, Truth

BYTES_PER_ROW: Final = 26
"""Of CSV, at most on average."""
TRUTH_BYTES_PER_ROW: Final = 50
"""Of the truth as CSV, if every row has one."""
SPARE_BYTES: Final = 64 << 20
"""Left free: a completely full disk breaks more than this file."""
TRUTH_SUFFIXES: Final = (".csv", ".parquet")
_ORIGINS: Final = pa.array([origin.name.lower() for origin in Origin])
MAX_EMPTY_CHUNKS: Final = 1000
"""One after the other without a row: then nothing will come, and this is said."""


def generate(
    recording: Recording,
    n_rows: int,
    out: Path,
    truth: Path | None = None,
    progress: Callable[[int], None] = lambda _rows: None,
) -> None:
    """Write the first rows of a recording, without a header.

    The files appear under their names when they are whole; until then they end in `.part`. A link is
    followed: what it names is replaced, not the link.

    Parameters
    ----------
    out : the file, which may be there; gzip if its name ends in .gz.
    truth : where to write what is true of these rows (see `generator.truth.Truth`): .csv or .parquet.
    progress : called with the rows written since the last call.

    Raises
    ------
    SettingsError : the truth's name has another ending, or is that of the rows, or one of them is a device.
    SourceError : the disk has too little space or cannot be written, or the recording gives no rows.
    """
    if truth is not None and truth.suffix not in TRUTH_SUFFIXES:
        raise SettingsError(f"{truth}: expected a name that ends in {' or '.join(TRUTH_SUFFIXES)}; rename it")
    out, truth = out.resolve(), truth.resolve() if truth else None
    if truth == out:
        raise SettingsError(f"{truth}: expected another name for the truth than for the rows; rename one")
    paths = [out, truth] if truth else [out]
    for path in paths:
        if path.exists() and not path.is_file():
            raise SettingsError(f"{path}: expected a file or a free name, got something else; rename it")
    require_disk(out, n_rows * BYTES_PER_ROW + (n_rows * TRUTH_BYTES_PER_ROW if truth else 0))
    if truth:
        require_disk(truth, n_rows * TRUTH_BYTES_PER_ROW)
    try:
        with ExitStack() as files:
            write = files.enter_context(_rows_file(out))
            write_truth = files.enter_context(_truth_file(truth)) if truth else None
            for chunk in chunks(recording, n_rows):
                write(chunk.rows)
                if write_truth:
                    write_truth(truth_table(chunk.truth))
                progress(chunk.n_rows)
    except OSError as error:
        names = " and ".join(map(str, paths))
        raise SourceError(f"{names}: expected to write here, got: {error.strerror}; mend the disk") from error


def chunks(recording: Recording, n_rows: int) -> Iterator[Chunk]:
    """Yield chunks, or parts of them, with so many rows altogether."""
    missing, empty = n_rows, 0
    for index in count():
        before = missing
        for part in recording.parts(index):
            yield part.first(missing)
            missing -= min(missing, part.n_rows)
            if not missing:
                return
        empty = 0 if missing < before else empty + 1
        if empty == MAX_EMPTY_CHUNKS:
            raise SourceError(
                f"expected {missing} more rows, got none in {empty} chunks one after the other; "
                "end the faults that lose them"
            )


def require_disk(out: Path, needed_bytes: int) -> None:
    """Refuse to begin where the folder is not there or its disk is too small."""
    try:
        free_bytes = shutil.disk_usage(out.absolute().parent).free
    except OSError as error:
        raise SourceError(
            f"{out.absolute().parent}: expected a folder to write to, got: {error.strerror}; make it"
        ) from error
    if free_bytes < needed_bytes + SPARE_BYTES:
        raise SourceError(
            f"{out}: expected {(needed_bytes + SPARE_BYTES) >> 20} MiB of free disk, "
            f"got {free_bytes >> 20} MiB; free some, or ask for fewer rows"
        )


def truth_table(truth: Truth) -> pa.Table:
    """Return the columns of a truth, origins by name."""
    return pa.table(
        {
            "orbit": truth.orbit,
            "chamber": truth.chamber,
            "channel": truth.channel,
            "drift_time_ns": pa.array(truth.drift_time_ns, from_pandas=True),
            "drift_time_30th_ns": truth.drift_time_30th_ns,
            "origin": _ORIGINS.take(pa.array(truth.origin)),
        }
    )


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """Give a name to write to; it becomes `path` if nothing is raised, else it is removed."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")  # another may write the same file
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _rows_file(path: Path) -> Iterator[Callable[[bytes], object]]:
    with _whole(path) as part, part.open("xb") as raw:
        if path.suffix == ".gz":
            # Without name and time in its header: equal recordings are equal files.
            with gzip.GzipFile("", "wb", compresslevel=3, fileobj=raw, mtime=0) as packed:
                yield packed.write
        else:
            yield raw.write
        _flush(raw)


@contextmanager
def _truth_file(path: Path) -> Iterator[Callable[[pa.Table], object]]:
    layout = truth_table(Truth.empty()).schema
    with _whole(path) as part, part.open("xb") as raw:
        if path.suffix == ".parquet":
            with pyarrow.parquet.ParquetWriter(raw, layout) as writer:
                yield writer.write_table
        else:
            with pyarrow.csv.CSVWriter(raw, layout) as writer:
                yield writer.write_table
        _flush(raw)


def _flush(raw: BinaryIO) -> None:
    raw.flush()
    os.fsync(raw.fileno())
