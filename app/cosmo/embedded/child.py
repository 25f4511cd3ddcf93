"""One child: what it is, and the process while it runs."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil

from cosmo.errors import PartFailed
from cosmo.probes import Finding, Probe

LOG_MAX_BYTES: Final = 8 << 20
"""A larger log becomes NAME.log.1, whose predecessor goes: 16 MiB a child in all."""
TAIL_LINES: Final = 15
TAIL_BYTES: Final = 8192

_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h
_PRCTL: Final = ctypes.CDLL(None, use_errno=True).prctl
_KILL_ROUNDS: Final = 5
_GONE_WITHIN_S: Final = 1.0

Ready = Callable[[float], Finding]
"""Asked with the Unix time of the process's start: what one before it left behind does not count."""


@dataclass(frozen=True)
class Child:
    """What a part of the stack runs, and how one knows that it works."""

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    """The whole of it: nothing is inherited."""
    folder: Path
    """Working folder."""
    log: Path
    """Where its output goes, appended."""
    ready: Ready
    """Says that it works, not merely runs. It is asked ten times a second."""
    ready_within_s: float = 60.0
    needs: tuple[str, ...] = ()
    """Names of parts before it in the list that must be ready before it is started."""
    before: Probe | None = None
    """One more condition that must hold before each start."""
    before_within_s: float = 30.0
    files: Mapping[Path, str] = field(default_factory=dict)
    """Configuration written before each start."""
    stop_within_s: float = 8.0
    """From SIGTERM to SIGKILL."""
    after: Callable[[], None] | None = None
    """Called when it has been stopped in good order, before those that it needs are."""
    may_finish: bool = False
    """Whether an end with exit code 0 is an end, and no failure."""

    def __post_init__(self) -> None:
        if not self.argv:
            raise ValueError(f"{self.name}: expected a program in argv, got nothing")
        if min(self.ready_within_s, self.before_within_s, self.stop_within_s) <= 0:
            raise ValueError(f"{self.name}: expected deadlines above 0 s")


class Running:
    """A started child: the leader of a session of its own.

    A session, because a part may start processes and process groups of its own (Spark does both), and the
    session is what all of them share. It has no terminal, so Ctrl-C reaches the supervisor alone.
    """

    def __init__(self, child: Child) -> None:
        """Start it; PartFailed if the program or its files cannot be used."""
        self.child = child
        self.started = time.time()  #: Unix time
        try:
            for path, content in child.files.items():
                path.write_text(content, encoding="utf-8")
            # O_APPEND: after the log was cut to nothing, the next line is its first.
            log_fd = os.open(child.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                self._began_at_byte = os.fstat(log_fd).st_size
                self._process = subprocess.Popen(
                    child.argv,
                    env=dict(child.environment),
                    cwd=child.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log_fd,
                    stderr=log_fd,
                    start_new_session=True,
                    preexec_fn=_EndWith(os.getpid()),
                )
            finally:
                os.close(log_fd)
        except (OSError, subprocess.SubprocessError) as error:
            raise PartFailed(
                f"{child.name}: expected to start {child.argv[0]}, got: {error}; see that it is installed"
            ) from error
        self.pidfd = os.pidfd_open(self._process.pid)
        """Becomes readable when the process ends."""

    @property
    def pid(self) -> int:
        """Process id of the leader."""
        return self._process.pid

    def has_ended(self) -> bool:
        """Say whether the leader has ended, without collecting it: its id stays taken."""
        ended = os.waitid(os.P_PIDFD, self.pidfd, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        return ended is not None

    def terminate(self) -> None:
        """Ask it to stop. Only the leader is asked: it knows in which order its own processes stop."""
        signal.pidfd_send_signal(self.pidfd, signal.SIGTERM)

    def collect(self) -> int:
        """Kill whatever is left of its session, free what it held here, and return the leader's exit code.

        Minus the number of the signal if one ended it. Works on a process that runs and on one that ended.
        """
        signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
        os.waitid(os.P_PIDFD, self.pidfd, os.WEXITED | os.WNOWAIT)
        # The leader is a zombie now, so that nobody else can have its id, and with it this session's.
        for _ in range(_KILL_ROUNDS):
            others = _living_members(self.pid)
            if not others:
                break
            for process in others:
                _kill(process)
            psutil.wait_procs(others, timeout=_GONE_WITHIN_S)
        os.close(self.pidfd)
        return self._process.wait()

    def cap_log(self, max_bytes: int = LOG_MAX_BYTES) -> None:
        """Cut the log if it has grown too long. A line written in that moment may be lost."""
        log = self.child.log
        if log.exists() and log.stat().st_size > max_bytes:  # somebody may have removed it
            shutil.copyfile(log, log.with_name(f"{log.name}.1"))
            os.truncate(log, 0)
            self._began_at_byte = 0

    def tail(self) -> str:
        """Return the last lines it wrote since its start, or a sentence if there are none."""
        if not self.child.log.exists():
            return "(its log was removed)"
        with self.child.log.open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            log.seek(max(self._began_at_byte, end - TAIL_BYTES))
            lines = log.read(TAIL_BYTES).decode("utf-8", "replace").splitlines()
        return "\n".join(lines[-TAIL_LINES:]) or "(it wrote nothing)"


class _EndWith:
    """Runs in the new process: it is to be killed when the process that started it ends in any way."""

    def __init__(self, parent: int) -> None:
        self._parent = parent

    def __call__(self) -> None:
        if _PRCTL(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0 or os.getppid() != self._parent:
            os._exit(127)


def _living_members(session: int) -> list[psutil.Process]:
    return [p for p in psutil.process_iter() if p.pid != session and _is_living_member(p, session)]


def _is_living_member(process: psutil.Process, session: int) -> bool:
    try:
        return os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False  # it ended while we looked


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return  # which is what was wanted
