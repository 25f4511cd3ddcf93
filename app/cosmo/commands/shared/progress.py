"""Progress of long commands, on stderr of a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from cosmo.commands.shared.person import console


@contextmanager
def byte_bar(what: str, total_bytes: int | None) -> Iterator[Callable[[int], None]]:
    """Give a progress callback that takes the bytes done since the last call."""
    with _bar(what, DownloadColumn(), TransferSpeedColumn()) as bar:
        task = bar.add_task(what, total=total_bytes)
        yield lambda n_bytes: bar.advance(task, n_bytes)


@contextmanager
def count_bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Give a progress callback that takes how many were done since the last call."""
    with _bar(what, MofNCompleteColumn()) as bar:
        task = bar.add_task(what, total=total)
        yield lambda n: bar.advance(task, n)


@contextmanager
def fetch_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """Give a progress callback (bytes done, bytes in total); the bar shows while there is something to do."""
    with _bar(what, DownloadColumn()) as bar:
        task = bar.add_task(what, visible=False)

        def progress(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, visible=done < total)

        yield progress


def _bar(what: str, *columns: ProgressColumn) -> Progress:
    return Progress(
        TextColumn(what),
        BarColumn(),
        *columns,
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=sys.stderr is None or not sys.stderr.isatty(),  # None: closed by `2>&-`
    )
