"""What systemd says of our units on this host."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from typing import Final

from cosmo.errors import PartFailed

JOURNAL_LINES: Final = 10
_PROPERTIES: Final = (
    "ActiveState",
    "SubState",
    "UnitFileState",
    "StateChangeTimestampMonotonic",
    "NRestarts",
    "Result",
)


@dataclass(frozen=True)
class Unit:
    """One unit, at one moment."""

    name: str
    active_state: str  #: active, activating, deactivating, inactive or failed
    is_enabled: bool  #: it is meant to run, and starts at boot
    since_s: float  #: how long it has been in this state
    restarts: int  #: by systemd, since it was last started by somebody
    result: str  #: how it ended last: success, exit-code, signal, watchdog, timeout, oom-kill

    @property
    def is_active(self) -> bool:
        """Whether it runs and has said READY, if it says that."""
        return self.active_state == "active"

    @property
    def sentence(self) -> str:
        """What is to be said of it where it does not run."""
        ended = "" if self.result == "success" else f", it ended with {self.result}"
        return f"{self.name} is {self.active_state}{ended}"


def look_at(name: str) -> Unit:
    """Ask systemd for a unit.

    Raises
    ------
    PartFailed : systemd does not answer.
    """
    shown = _output("systemctl", "show", f"--property={','.join(_PROPERTIES)}", f"{name}.service")
    return parsed(name, shown, time.monotonic())


def parsed(name: str, shown: str, now_s: float) -> Unit:
    """Read what `systemctl show` printed; `now_s` in monotonic seconds."""
    values = dict(line.split("=", 1) for line in shown.splitlines())
    changed_s = int(values["StateChangeTimestampMonotonic"]) / 1e6
    return Unit(
        name=name,
        active_state=values["ActiveState"],
        is_enabled=values["UnitFileState"] == "enabled",
        since_s=now_s - changed_s if changed_s else 0.0,
        restarts=int(values["NRestarts"]),
        result=values["Result"],
    )


def journal(name: str, lines: int = JOURNAL_LINES) -> list[str]:
    """Return the last lines of a unit's journal."""
    options = (f"--unit={name}", f"--lines={lines}", "--no-pager", "--output=short-iso", "--quiet")
    return _output("journalctl", *options).splitlines()


def _output(*argv: str) -> str:
    try:
        return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=10).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise PartFailed(
            f"expected {argv[0]} to answer, got: {error}; run this on a host with systemd"
        ) from error
