"""Stands in for the analysis on a cluster: the same session, and a few batches that need no broker.

measuring_job.py SETTINGS BATCHES: prints how many rows each batch gave.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

TASKS = 8
TASK_S = 0.3
"""So long that the quick failures of another worker have the whole batch to themselves."""


def slow(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """Give what comes, after a while."""
    time.sleep(TASK_S)
    yield from batches


def main(settings: str, batches: str) -> None:
    """Measure so many batches, one job each."""
    from measuring_job import slow as by_reference  # as the main program it would be pickled by value

    from cosmo.analysis import start_session
    from cosmo.settings import Settings

    session = start_session(Settings.load(Path(settings)), ())
    for _ in range(int(batches)):
        rows = session.range(TASKS, numPartitions=TASKS).mapInPandas(by_reference, "id bigint")
        sys.stdout.write(f"{len(rows.collect())}\n")
    session.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
