"""The tables of docs/performance.md as Markdown, from a run's JSON: `python -m benchmark.pages FIGURES`."""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any


def limits(figures: dict[str, Any]) -> str:
    """Return (a), (b) and the maximum of (c) by kind of rows."""
    heads = ["rows/s", "(a) one core", "(a) all cores"]
    for measured, letter in (("(b) CSV lines", "b"), ("(b) LZ4", "b"), ("(c) sustained", "c")):
        heads += [measured, f"({letter})/(a)"]
    lines = [f"| {' | '.join(heads)} |", "|---" + 8 * "|---:" + "|"]
    for kind, sustained in figures["sustained_rows_per_s"].items():
        one, every = (statistics.mean(figures["pure"][kind][cores]) for cores in ("one_core", "all_cores"))
        plain, packed = (figures["backlog"][kind][each]["rows_per_s"] for each in ("none", "lz4"))
        shares = [f"{rate:,.0f} | {rate / every:.2f}" for rate in (plain, packed, sustained)]
        lines.append(f"| {kind} | {one:,.0f} | {every:,.0f} | {' | '.join(shares)} |")
    return "\n".join(lines)


def rates(figures: dict[str, Any]) -> str:
    """Return (c) and (d) by rate."""
    heads = (
        "design, rows",
        "offered rows/s",
        "measured",
        "keeps up",
        "batch p50 / p95 ms",
        "row to result p50 / p95 / p99 ms",
        "CPU s/Mrow: producer, broker, analysis",
    )
    lines = [f"| {' | '.join(heads)} |", "|---|---:|---:|---|---:|---:|---:|"]
    for design in ("product", "plain"):
        for at in figures[design]:
            offered = at["offered_rows_per_s"]
            used = at["cpu_s_per_mrow"]
            cpu = (used["producer"], used["kafka"] + used["zookeeper"], used.get("analysis"))
            lines.append(
                f"| {design}, {at['kind']} | {offered if isinstance(offered, str) else f'{offered:,.0f}'} "
                f"| {at['measured_rows_per_s']:,.0f} | {'yes' if at['keeps_up'] else 'no'} "
                f"| {_in_a_row(at['batch_ms'])} | {_in_a_row(at['latency_ms'])} "
                f"| {', '.join('-' if seconds is None else f'{seconds:,.2f}' for seconds in cpu)} |"
            )
    return "\n".join(lines)


def _in_a_row(values: list[float]) -> str:
    return " / ".join(f"{value:,.0f}" for value in values)


if __name__ == "__main__":
    figures = json.loads(Path(sys.argv[1]).read_text())
    sys.stdout.write(f"{limits(figures)}\n\n{rates(figures)}\n")
