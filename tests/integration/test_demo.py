"""`cosmo demo`, as a person has it: one command up, a page with data, one signal down, and on again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import yaml
from embedded_broker import LOCALHOST, free_ports
from stream_parts import wait_until

from cosmo.broker import Broker
from cosmo.settings import Settings

STOPPED_WITHIN_S = 20.0
UP_WITHIN_S = 240.0


def runs(process: psutil.Process) -> bool:
    """Whether it runs; one that has ended and waits for init to take note of it does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class Demo:
    """The demo with ports and a folder of its own."""

    def __init__(self, folder: Path) -> None:
        document = yaml.safe_load(LOCALHOST.read_text())
        document["ports"] = free_ports()
        document["paths"]["data"] = str(folder / "data")
        self.ports = document["ports"]
        self.document = folder / "cosmo.yml"
        self.document.write_text(yaml.safe_dump(document))
        self.said = folder / "demo.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *arguments: str) -> None:
        """Start it and wait until it says where the page is."""
        before = self.text().count("first result is in")
        with self.said.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cosmo", "--config", str(self.document), "demo", *arguments],
                stdout=output,
                stderr=output,
                env={**os.environ},
                start_new_session=True,
            )
        wait_until(
            lambda: self.text().count("first result is in") > before or self.process.poll() is not None,
            f"the demo, which says:\n{self.text()}",
            UP_WITHIN_S,
        )
        assert self.process.poll() is None, self.text()

    def text(self) -> str:
        return self.said.read_text() if self.said.exists() else ""

    def health(self) -> dict:
        with urllib.request.urlopen(
            f"http://127.0.0.1:{self.ports['dashboard']}/healthz", timeout=5
        ) as answer:
            return json.load(answer)

    def backlog_slices(self, run: int) -> int | None:
        newest, _ = Broker(Settings.load(self.document)).newest_result(run)
        return newest.timings.backlog_slices if newest else None

    def family(self) -> list[psutil.Process]:
        assert self.process is not None
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]

    def stop(self, number: signal.Signals) -> None:
        """Send a signal, and see that everything is gone in time."""
        family = self.family()
        began = time.monotonic()
        self.process.send_signal(number)
        assert self.process.wait(STOPPED_WITHIN_S + 10) == 0, self.text()
        assert time.monotonic() - began < STOPPED_WITHIN_S, self.text()
        assert [process for process in family if runs(process)] == []

    def kill_everything(self) -> None:
        family = self.family()
        for process in family:
            process.kill()
        self.process.wait()
        psutil.wait_procs(family, timeout=10)


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    demo = Demo(tmp_path)
    yield demo
    if demo.process is not None and demo.process.poll() is None:
        demo.kill_everything()


def test_up_down_and_on_again(demo: Demo) -> None:
    demo.start()
    assert "run 1 begins: generated cosmics" in demo.text()
    assert demo.health()["rows"] > 0
    demo.stop(signal.SIGINT)
    assert "run 1 ended" in demo.text()
    assert "rows accounted" in demo.text()

    demo.start()  # the history is kept: a further run
    assert "run 2 begins" in demo.text()
    demo.kill_everything()

    demo.start()  # as if the power had failed: the run goes on
    assert "run 2 goes on" in demo.text()
    wait_until(
        lambda: demo.backlog_slices(run=2) == 0, "the backlog of the outage to be worked off", UP_WITHIN_S
    )
    demo.stop(signal.SIGTERM)
    ending = next(line for line in demo.text().splitlines() if line.startswith("run 2 ended"))
    sent, accounted = (
        int("".join(filter(str.isdigit, part.split(" rows")[0])))
        for part in ending.split(": ")[1].split(" = ")
    )
    assert sent == accounted > 0


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(["/no/such/recording.csv"], "nothing is there", id="missing file"),
        pytest.param(["--rate", "-5"], "producer.rows_per_s", id="impossible rate"),
    ],
)
def test_a_bad_wish_is_one_sentence_before_anything_starts(
    demo: Demo, arguments: list[str], expected: str
) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "cosmo", "--config", str(demo.document), "demo", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert expected in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (demo.document.parent / "data" / "kafka").exists()
