"""The wheels of a lock for the hosts' Python, whatever Python the controller has."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import bundle
from packaging.requirements import Requirement

OLDEST_GLIBC_MINOR: Final = 35
"""glibc 2.35 is Ubuntu 22.04's, the oldest of the hosts: wheels up to it are taken."""
PLATFORMS: Final = (
    *(f"manylinux_2_{minor}_x86_64" for minor in range(5, OLDEST_GLIBC_MINOR + 1)),
    "manylinux2014_x86_64",
    "linux_x86_64",
)
BUILT: Final = {"pyspark", "sdnotify"}
"""Packages without a wheel in the registry: built here, once, from the locked sources."""
WHEN_BUILT: Final = {"SOURCE_DATE_EPOCH": "1577836800"}
"""The same source gives the same wheel, byte for byte, on every controller."""


def fetch(lock: Path, python: str, cache: Path) -> tuple[list[Path], bool]:
    """Return the wheels that a host with this Python needs, and whether the cache did not hold them, intact.

    Parameters
    ----------
    lock : a requirements file with hashes, as uv writes it.
    python : major.minor of the hosts' Python.
    """
    folder = cache / "wheels" / f"{lock.stem}-{python}-{bundle.digest(lock.read_bytes())}"
    if is_intact(folder):
        return sorted(folder.glob("*.whl")), False
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".") as filled:
        _fill(Path(filled) / "wheels", lock, python)
        shutil.rmtree(folder, ignore_errors=True)
        (Path(filled) / "wheels").rename(folder)
    return sorted(folder.glob("*.whl")), True


def _fill(folder: Path, lock: Path, python: str) -> None:
    folder.mkdir()
    wanted = pinned_for(lock.read_text(encoding="utf-8"), python)
    there = [
        f"--python-version={python}",
        "--implementation=cp",
        *(f"--platform={name}" for name in PLATFORMS),
    ]
    fetched = [line for name, line in wanted.items() if name not in BUILT]
    _pip_with(fetched, "download", "--only-binary=:all:", *there, "--dest", str(folder))
    if built := [line for name, line in wanted.items() if name in BUILT]:
        _pip_with(built, "wheel", "--no-build-isolation", "--wheel-dir", str(folder))
    (folder / bundle.COMPLETE).write_text(sums(folder), encoding="utf-8")


def is_intact(folder: Path) -> bool:
    """Say whether a folder has all its wheels as they were when pip had checked them, and no others."""
    complete = folder / bundle.COMPLETE
    return complete.exists() and complete.read_text(encoding="utf-8") == sums(folder)


def sums(folder: Path) -> str:
    """Return names and SHA-256 of the wheels in a folder, as sha256sum prints them."""
    wheels = sorted(folder.glob("*.whl"))
    return "".join(f"{hashlib.sha256(wheel.read_bytes()).hexdigest()}  {wheel.name}\n" for wheel in wheels)


def build(project: Path, folder: Path) -> list[Path]:
    """Return the wheel of a project, built into a folder."""
    _pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(project))
    return list(folder.glob("*.whl"))


def pinned_for(lock: str, python: str) -> dict[str, str]:
    """Return the requirements of a lock that a host with this Python needs, with their hashes, by name.

    Parameters
    ----------
    lock : the text of a requirements file as uv writes it: one requirement, its hashes on lines of their own.
    python : major.minor of the hosts' Python; their platform is Linux on x86_64.
    """
    host = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "os_name": "posix",
        "platform_machine": "x86_64",
    }
    wanted = {}
    lines = (line for line in lock.splitlines() if not line.strip().startswith("#"))
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        requirement, *hashes = line.split(" --hash=")
        if not requirement.strip():
            continue
        parsed = Requirement(requirement.strip())
        if parsed.marker is None or parsed.marker.evaluate(host):
            pin = f"{parsed.name}{parsed.specifier}"
            wanted[parsed.name] = " ".join([pin, *(f"--hash={value.strip()}" for value in hashes)])
    return wanted


def _pip_with(requirements: Iterable[str], verb: str, *options: str) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(requirements))
        file.flush()
        _pip(verb, "--require-hashes", "--no-deps", *options, "-r", file.name)


def _pip(*arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", *arguments, "--disable-pip-version-check", "--quiet"],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **WHEN_BUILT},
    )
