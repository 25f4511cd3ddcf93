"""What the records of cosmo-runs say."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from cosmo.broker.records import Record
from cosmo.errors import MalformedMessage
from cosmo.results import Run, RunTotal

log = logging.getLogger(__name__)


def newest_run_messages(records: Iterable[Record]) -> tuple[dict[int, Run], dict[int, RunTotal]]:
    """Return the newest record and the newest total of each run, by its number.

    The last of a key counts, as in the topic's compaction, so only that one is read; what cannot be read is
    told and left out, and the one before it counts. So is what stands under the key of another run.
    """
    runs: dict[int, Run] = {}
    totals: dict[int, RunTotal] = {}
    known: set[bytes] = set()
    for record in sorted(records, key=lambda record: record.offset, reverse=True):
        key = record.key or b""
        if key in known:
            continue
        try:
            if key.startswith(b"run:"):
                run = Run.from_json(record.value)
                _require_key(key, f"run:{run.number}")
                runs.setdefault(run.number, run)
            elif key.startswith(b"total:"):
                total = RunTotal.from_json(record.value)
                _require_key(key, f"total:{total.run}")
                totals.setdefault(total.run, total)
        except MalformedMessage as error:
            log.warning("%s, record %d of the runs", error, record.offset)
        else:
            known.add(key)
    return runs, totals


def _require_key(key: bytes, expected: str) -> None:
    if key != expected.encode():
        got = key[:40].decode(errors="backslashreplace")
        raise MalformedMessage(f"expected the key {expected}, got {got}; it is left out")
