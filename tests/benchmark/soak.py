"""`make soak`: ten minutes at 200,000 rows/s. Rows in = rows accounted, and flat memory."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import psutil
from embedded_broker import LOCALHOST, LOCK, EmbeddedBroker
from rich.console import Console
from rich.table import Table
from stream_parts import Process, wait_until

from cosmo import artifacts
from cosmo.settings import Settings

from . import data
from .data import BEAM
from .measured import LINGER_MS
from .memory import Memory
from .processes import end_in_good_order_on_sigterm
from .streams import Account, Stream, with_rows

RATE = 200_000.0
SECONDS = 600.0
LAST_S = 300.0
LOOK_S = 5.0
FLAT = 0.05
OUTPUT = Path("build/soak.json")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seconds", type=float, default=SECONDS)
    seconds = asked.parse_args().seconds
    end_in_good_order_on_sigterm()
    console = Console(highlight=False, width=110, soft_wrap=True)
    with tempfile.TemporaryDirectory(prefix="cosmo-soak-") as folder:
        account, memory = soak(Path(folder), seconds, console.print)
    table = Table(
        "process", "start MiB", "end MiB", f"last {min(LAST_S, seconds / 2):.0f} s: range", "verdict"
    )
    for column in table.columns[1:4]:
        column.justify = "right"
    for name, seen in memory.items():
        spread = seen.spread(min(LAST_S, seconds / 2))
        verdict = "flat" if spread <= FLAT else "NOT flat"
        table.add_row(name, f"{seen.mib[0]:,.0f}", f"{seen.mib[-1]:,.0f}", f"{100 * spread:.1f} %", verdict)
    console.print(table, str(account))
    OUTPUT.parent.mkdir(exist_ok=True)
    figures = {
        "rows_per_s": RATE,
        "seconds": seconds,
        "rows_in": account.rows_in,
        "rows_accounted": account.rows_accounted,
        "equals_oracle": account.equals_oracle,
        "resident_mib": {name: {"at_s": seen.at_s, "mib": seen.mib} for name, seen in memory.items()},
    }
    OUTPUT.write_text(json.dumps(figures) + "\n")
    console.print(f"all figures: {OUTPUT}")


def soak(folder: Path, seconds: float, tell) -> tuple[Account, dict[str, Memory]]:
    """Run producer, analysis and dashboard for a time, and look at the memory of every process."""
    rows = data.make(folder)[BEAM]
    broker = EmbeddedBroker(folder / "broker", artifacts.fetch(LOCK, Settings.load(LOCALHOST).paths.cache))
    broker.start()
    stream = Stream(broker.settings, folder, "soak", rows, producer__linger_ms=LINGER_MS)
    parts = stream.parts
    try:
        analysis, dashboard = parts.start("analyse"), parts.start("dashboard")
        producer = stream.start_producer(RATE)
        wait_until(lambda: with_rows(parts.results()), "a first result", by=analysis)
        tell(f"{seconds:.0f} s at {RATE:,.0f} rows/s of {rows.kind}")
        roots = {
            "producer": producer.pid,
            "analysis": analysis.pid,
            "dashboard": dashboard.pid,
            **broker.process_ids,
        }
        memory = _watch(roots, seconds)
        assert [process.poll() for process in (producer, analysis, dashboard)] == [None] * 3, "a part ended"
        _stop(stream, producer)
        parts.wait_until_through()
        account = stream.account("soak", parts.results())
    finally:
        stream.close()
        broker.stop()
    return account, memory


def _stop(stream: Stream, producer: Process) -> None:
    assert stream.parts.stop(producer) == 0
    stream.end_pass()


def _watch(roots: dict[str, int], seconds: float) -> dict[str, Memory]:
    """Look at every process of every part until the time is over; one that has ended is left out."""
    began = time.monotonic()
    seen: dict[psutil.Process, tuple[str, Memory]] = {}
    while (elapsed := time.monotonic() - began) < seconds:
        for part, pid in roots.items():
            root = psutil.Process(pid)
            for process in (root, *root.children(recursive=True)):
                try:
                    if process not in seen:
                        name = part if process == root else f"{part}: {process.name()} {process.pid}"
                        seen[process] = (name, Memory())
                    seen[process][1].note(elapsed, process.memory_info().rss / 2**20)
                except psutil.NoSuchProcess:
                    continue
        time.sleep(LOOK_S)
    return {name: memory for process, (name, memory) in seen.items() if process.is_running()}


if __name__ == "__main__":
    main()
