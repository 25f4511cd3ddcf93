"""`make bench-cluster`: the verbs on three hosts against their targets; batches by workers and partitions.

The hosts are containers of this machine, so their figures are those of one machine that three hosts share.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from rich.console import Console
from rich.table import Table
from stream_parts import wait_until

from cosmo.results import Result

from .cluster_hosts import MASTER, ROOT, WORKERS, Hosts
from .processes import end_in_good_order_on_sigterm
from .verdicts import Verdict

TARGETS_S = {"init": 300, "init again": 60, "run": 30, "beat": 10, "halt": 20}
BACKLOG_ROWS = 700_000
BACKLOG_RATE = 60_000
PARTITIONS = (1, 2, 4, 8)
RATES = (1_100, 50_000)
BATCHES_MEASURED = 20
NEAR = 0.3
OUTPUT = Path("build/bench-cluster.json")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--only", choices=("verbs", "batches"), help="measure a part only")
    only = asked.parse_args().only
    end_in_good_order_on_sigterm()
    console = Console(highlight=False, width=110, soft_wrap=True)
    began = time.monotonic()
    with Hosts() as hosts:
        console.print("the controller fetches what hosts install (not counted)")
        verb(hosts, "prefetch")
        took, account = ({}, "") if only == "batches" else time_verbs(hosts, console)
        batches = [] if only == "verbs" else batches_by_workers_and_partitions(hosts, console)
    for name, seconds in took.items():
        console.print(f"  {Verdict(f'cosmo {name}', seconds, TARGETS_S[name], ' s', at_least=False)}")
    if account:
        console.print(f"  {account}")
    if batches:
        console.print(table(batches))
    OUTPUT.parent.mkdir(exist_ok=True)
    figures = {"cores": os.cpu_count(), "seconds": took, "account": account, "batches": batches}
    OUTPUT.write_text(json.dumps(figures, indent=1) + "\n")
    console.print(f"took {time.monotonic() - began:.0f} s; all figures: {OUTPUT}")


def verb(hosts: Hosts, *words: str) -> tuple[float, str]:
    """Return how many seconds a verb took, and what it printed."""
    began = time.monotonic()
    done = subprocess.run(
        [ROOT / ".venv" / "bin" / "cosmo", *words, "-i", hosts.inventory],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COSMO_CONFIG_PATH": "config/cloud", "ANSIBLE_NOCOLOR": "1"},
    )
    if done.returncode:
        raise RuntimeError(f"expected cosmo {' '.join(words)} to succeed, it says: {done.stdout[-2000:]}")
    return time.monotonic() - began, done.stdout


def time_verbs(hosts: Hosts, console: Console) -> tuple[dict[str, float], str]:
    """From bare hosts to an ended run; return the seconds of each verb, and the account of the run."""
    took = {}
    for name, words in {
        "init": ["init"],
        "init again": ["init"],
        "run": ["run", "--note", "a benchmark"],
        "beat": ["beat"],
    }.items():
        took[name], _ = verb(hosts, *words)
        console.print(f"cosmo {name}: {took[name]:.1f} s")
    with stopped(hosts, "cosmo-analysis"):
        set_rate(hosts, BACKLOG_RATE)
        wait_until(lambda: backlog_rows(hosts) >= BACKLOG_ROWS, "a backlog", within_s=120)
        set_rate(hosts, RATES[0])
    console.print(f"halt with a backlog of {backlog_rows(hosts):,} rows")
    took["halt"], said = verb(hosts, "halt")
    console.print(f"cosmo halt: {took['halt']:.1f} s")
    account = next(line.strip() for line in said.splitlines() if "rows sent" in line and "accounted" in line)
    return took, account


def batches_by_workers_and_partitions(hosts: Hosts, console: Console) -> list[dict[str, Any]]:
    """Measure the durations of batches at several rates, a run each."""
    measured = []
    for partitions in PARTITIONS:
        folder = hosts.folder / f"{partitions}_partitions"
        write_settings(folder, partitions)
        verb(hosts, "init", "-e", f"deployment_folder={folder}")
        for workers in (2, 1):
            if workers == 1:
                hosts.root(WORKERS[-1], "systemctl stop spark-worker")
            verb(hosts, "run", "-e", f"deployment_folder={folder}")
            for rate in RATES:
                set_rate(hosts, rate)
                durations_ms = batches_at(hosts, rate)
                p50, p95 = np.percentile(durations_ms, (50, 95))
                found = {"partitions": partitions, "workers": workers, "rows_per_s": rate}
                measured.append({**found, "batch_ms_p50": float(p50), "batch_ms_p95": float(p95)})
                console.print(f"{found}: batch p50 {p50:.0f} ms, p95 {p95:.0f} ms")
            verb(hosts, "halt", "-e", f"deployment_folder={folder}")
        hosts.root(WORKERS[-1], "systemctl start spark-worker")
    return measured


def batches_at(hosts: Hosts, rate: int) -> list[float]:
    """Wait until batches have the size of this rate; return the durations of some of them, in ms."""

    def settled() -> bool:
        recent = newest_results(hosts, BATCHES_MEASURED)
        span_s = sum(result.timings.interval_ms for result in recent) / 1000
        rows = sum(result.summary.summary().rows for result in recent)
        return len(recent) == BATCHES_MEASURED and abs(rows / span_s / rate - 1) < NEAR

    wait_until(settled, f"batches at {rate:,} rows/s", within_s=180)
    first = newest_results(hosts, 1)[0].number
    measured: list[float] = []

    def enough() -> bool:
        measured[:] = [
            result.timings.batch_ms
            for result in newest_results(hosts, 2 * BATCHES_MEASURED)
            if result.number > first and result.summary.summary().rows
        ]
        return len(measured) >= BATCHES_MEASURED

    wait_until(enough, "enough batches", within_s=180)
    return measured


def newest_results(hosts: Hosts, count: int) -> list[Result]:
    """Return the newest results."""
    lines = hosts.root(MASTER, f"/opt/cosmo/current/bin/cosmo tail results --json -n {count}").splitlines()
    return [Result.model_validate(json.loads(line)["result"]) for line in lines]


def backlog_rows(hosts: Hosts) -> int:
    """Return how many rows are sent and not measured."""
    run = json.loads(hosts.root(MASTER, "/opt/cosmo/current/bin/cosmo runs show --json"))
    return int(run["rows_sent"] - run["rows_accounted"])


def set_rate(hosts: Hosts, rows_per_s: int) -> None:
    """Change the rate of the running producer."""
    edit = f"sed -i 's/rows_per_s:.*/rows_per_s: {rows_per_s}/' /etc/cosmo/cosmo.yml"
    hosts.root(MASTER, f"{edit} && systemctl reload cosmo-producer")


@contextmanager
def stopped(hosts: Hosts, unit: str) -> Iterator[None]:
    """Keep a unit from going on, for less time than its watchdog has."""
    hosts.root(MASTER, f"systemctl kill --signal=STOP {unit}")
    try:
        yield
    finally:
        hosts.root(MASTER, f"systemctl kill --signal=CONT {unit}")


def write_settings(folder: Path, partitions: int) -> None:
    """Write the settings of the cloud deployment with a stream of so many partitions, of its own."""
    document = yaml.safe_load((ROOT / "config" / "cloud" / "cosmo.yml").read_text())
    document["topics"]["stream"] |= {"name": f"stream-of-{partitions}", "partitions": partitions}
    folder.mkdir(parents=True)
    (folder / "cosmo.yml").write_text(yaml.safe_dump(document))


def table(batches: list[dict[str, Any]]) -> Table:
    """Return the durations as a table: partitions down, workers and rates across."""
    columns = [(workers, rate) for rate in RATES for workers in (1, 2)]
    drawn = Table("partitions", *(f"{workers} workers, {rate:,} rows/s" for workers, rate in columns))
    by_case = {(b["partitions"], b["workers"], b["rows_per_s"]): b for b in batches}
    for partitions in PARTITIONS:
        cells = [by_case[partitions, workers, rate] for workers, rate in columns]
        drawn.add_row(str(partitions), *(f"{c['batch_ms_p50']:.0f} / {c['batch_ms_p95']:.0f}" for c in cells))
    drawn.caption = "batch duration p50 / p95, ms"
    return drawn


if __name__ == "__main__":
    main()
