"""Three hosts in containers, for as long as a `with` block; commands as root on them, by SSH."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml
from typing_extensions import Self

ROOT = Path(__file__).parents[2]
SET = "bench"
MASTER, WORKERS = "cmaster", ("cworker1", "cworker2")


class Hosts:
    """Bare hosts of a set of their own."""

    inventory = str(ROOT / "tests" / "hosts" / "made" / SET / "hosts.yml")
    folder = ROOT / "tests" / "hosts" / "made" / SET

    def __enter__(self) -> Self:
        self._hosts("down")
        self._hosts("up")
        self._inventory: dict[str, Any] = yaml.safe_load(Path(self.inventory).read_text())["all"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hosts("down")

    def root(self, host: str, command: str) -> str:
        """Run a shell command as root; return what it prints."""
        variables = self._inventory["vars"]
        done = subprocess.run(
            [
                *("ssh", "-i", variables["ansible_ssh_private_key_file"]),
                *variables["ansible_ssh_common_args"].split(),
                *(
                    "-o",
                    "ControlMaster=auto",
                    "-o",
                    f"ControlPath={self.folder}/%C",
                    "-o",
                    "ControlPersist=60",
                ),
                f"{variables['ansible_user']}@{self._inventory['hosts'][host]['ansible_host']}",
                f"sudo sh -c {shlex.quote(command)}",
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{host}: expected {command} to succeed, it says: {done.stderr.strip()}")
        return done.stdout

    def _hosts(self, word: str) -> None:
        subprocess.run([ROOT / "tests" / "hosts" / "hosts", word, SET], check=True)
