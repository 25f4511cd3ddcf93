"""`make bench`: measure, print a table, write build/bench.json."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import tempfile
import time
from pathlib import Path

from embedded_broker import LOCALHOST, LOCK, EmbeddedBroker
from rich.console import Console
from rich.table import Table
from stream_parts import Parts

from cosmo import artifacts
from cosmo.settings import Settings

from . import data, plain, product, pure

PRODUCT_RATES = (1_100, 100_000)
PLAIN_RATES = (1_100, 5_000, 20_000, 50_000)
SECONDS = 25.0
LINGER_MS = 100
OUTPUT = Path("build/bench.json")


def main() -> None:
    console = Console(highlight=False)
    began = time.time()
    with tempfile.TemporaryDirectory(prefix="cosmo-bench-") as folder:
        rows = Path(folder) / "cosmics.csv"
        console.print(f"{data.write_rows(rows):,} generated cosmic rows, seed {data.SEED}")
        limit = {"one_core": pure.pure_rate(rows, 1), "all_cores": pure.pure_rate(rows)}
        console.print(
            f"pure limit: {limit['one_core']:,.0f} rows/s on one core, {limit['all_cores']:,.0f} on all"
        )
        jars = artifacts.fetch(LOCK, Settings.load(LOCALHOST).paths.cache)
        broker = EmbeddedBroker(Path(folder) / "broker", jars)
        broker.start()
        try:
            products = [_product(broker, Path(folder), rows, rate) for rate in PRODUCT_RATES]
            plains: list[plain.PlainAtRate] = []
            for rate in PLAIN_RATES:
                plains.append(_plain(broker, Path(folder), rows, rate, jars))
                if not plains[-1].keeps_up:
                    break
        finally:
            broker.stop()
    console.print(_table(products, plains))
    console.print(_ratios(products, plains))
    console.print(f"took {time.time() - began:.0f} s")
    OUTPUT.parent.mkdir(exist_ok=True)
    figures = {
        "machine": {
            "cores": os.cpu_count(),
            "kernel": platform.release(),
            "python": platform.python_version(),
        },
        "pure_rows_per_s": limit,
        "product": [dataclasses.asdict(at) for at in products],
        "plain": [{**dataclasses.asdict(at), "keeps_up": at.keeps_up} for at in plains],
    }
    OUTPUT.write_text(json.dumps(figures, indent=1) + "\n")
    console.print(f"all figures: {OUTPUT}")


def _product(broker: EmbeddedBroker, folder: Path, rows: Path, rate: float) -> product.AtRate:
    parts = Parts(
        broker.settings,
        folder / f"product-{rate}",
        f"product-{rate}",
        source__kind="files",
        source__files=[str(rows)],
        producer__rows_per_s=float(rate),
        producer__linger_ms=LINGER_MS,
    )
    try:
        return product.measure(parts, broker.process_ids, rate, SECONDS)
    finally:
        parts.close()


def _plain(
    broker: EmbeddedBroker, folder: Path, rows: Path, rate: float, jars: artifacts.Jars
) -> plain.PlainAtRate:
    parts = Parts(broker.settings, folder / f"plain-{rate}", f"plain-{rate}")
    try:
        return plain.measure(parts, rows, ",".join(map(str, jars.spark_kafka)), rate, SECONDS)
    finally:
        parts.close()


def _table(products: list[product.AtRate], plains: list[plain.PlainAtRate]) -> Table:
    table = Table(
        "design",
        "offered rows/s",
        "measured rows/s",
        "batch p50 ms",
        "p95",
        "row to result p50 ms",
        "p95",
        "CPU s/Mrow",
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for name, measured in (("product", products), ("plain", plains)):
        for at in measured:
            cpu = getattr(at, "cpu_s_per_mrow", {})
            table.add_row(
                name,
                f"{at.offered_rows_per_s:,.0f}",
                f"{at.rows_per_s:,.0f}",
                *(f"{value:,.0f}" for value in (*at.batch_ms, *at.latency_ms)),
                ", ".join(f"{part} {seconds:.1f}" for part, seconds in cpu.items()),
            )
    return table


def _ratios(products: list[product.AtRate], plains: list[plain.PlainAtRate]) -> str:
    lines = []
    by_rate = {at.offered_rows_per_s: at for at in plains}
    for at in products:
        other = by_rate.get(at.offered_rows_per_s)
        if other:
            lines.append(
                f"at {at.offered_rows_per_s:,.0f} rows/s the plain design's batches take "
                f"{other.batch_ms[0] / at.batch_ms[0]:.1f} times as long, "
                f"its row-to-result latency is {other.latency_ms[0] / at.latency_ms[0]:.1f} times as long"
            )
    fastest = max((at.rows_per_s for at in plains), default=0.0)
    if fastest:
        lines.append(f"the plain design's highest rate seen is {fastest:,.0f} rows/s")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
