"""One part of the stack over its life: when it is started, ready, started again, and given up."""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Callable
from typing import Final

from cosmo.embedded.child import Child, Running
from cosmo.errors import PartFailed
from cosmo.probes import POLL_S, Finding

MAX_RESTARTS: Final = 5
WITHIN_S: Final = 60.0
FIRST_BACKOFF_S: Final = 0.5
"""Doubled with each further restart within `WITHIN_S`: 0.5, 1, 2, 4, 8 s."""

Say = Callable[[str, str], None]
"""Called with the name of a part and a sentence about it."""


class State(enum.Enum):
    """Where a part is in its life."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    FINISHED = "finished"
    STOPPED = "stopped"


class Part:
    """A child with its history. Every method returns at once, except `stop` and the probes it asks.

    Its first start must succeed: what fails there is a matter of set-up, which no repetition mends. After
    that an unexpected end is followed by a restart, at most `MAX_RESTARTS` times within `WITHIN_S` seconds.
    """

    def __init__(self, child: Child, clock: Callable[[], float], say: Say) -> None:
        self.child = child
        self.state = State.WAITING
        self.running: Running | None = None
        self._clock = clock
        self._say = say
        self._was_ready = False
        self._started_at = 0.0
        self._not_before = clock()
        self._needs_met_at: float | None = None
        self._restarts: deque[float] = deque()

    def step(self, ready: frozenset[str]) -> None:
        """Go on as far as possible without waiting.

        Parameters
        ----------
        ready : names of the parts that are ready.

        Raises
        ------
        PartFailed : there is no hope for it.
        """
        if self.running is not None and self.running.has_ended():
            self._after_its_end(self.running)
        if self.state is State.WAITING:
            self._start_if_due(ready)
        elif self.state is State.STARTING:
            self._see_if_ready()
        if self.running is not None:
            self.running.cap_log()

    @property
    def next_look_s(self) -> float | None:
        """Seconds until `step` is worth calling again; None if only the process's end can change anything."""
        return POLL_S if self.state in (State.WAITING, State.STARTING) else None

    def stop(self, within_s: float, ended_within: Callable[[Running, float], bool]) -> None:
        """End the process: ask, wait, then insist.

        Parameters
        ----------
        within_s : seconds that it may take; the child's own `stop_within_s` if that is shorter.
        ended_within : waits so long for a process's end, and says whether it has ended.
        """
        running, self.state = self.running, State.STOPPED
        if running is None:
            return
        limit_s = max(0.0, min(within_s, self.child.stop_within_s))
        running.terminate()
        in_time = ended_within(running, limit_s)
        code = self._collect(running)
        self._say(
            self.child.name, "stopped" if in_time else f"killed: it did not stop within {limit_s:.0f} s"
        )
        if self.child.after is not None and in_time and code == 0:
            self.child.after()

    def kill(self) -> None:
        """End the process at once."""
        self.state = State.STOPPED
        if self.running is not None:
            self._collect(self.running)

    def _collect(self, running: Running) -> int:
        self.running = None
        return running.collect()

    def _start_if_due(self, ready: frozenset[str]) -> None:
        now = self._clock()
        if now < self._not_before or not ready.issuperset(self.child.needs):
            return
        if self.child.before is not None:
            finding = self.child.before()
            if not finding.ok:
                self._bear_with(finding, now)
                return
        self._needs_met_at = None
        self._started_at = self._clock()
        self.running = Running(self.child)
        self.state = State.STARTING

    def _bear_with(self, finding: Finding, now: float) -> None:
        """Wait on for what must hold before a start, up to its deadline."""
        if self._needs_met_at is None:
            self._needs_met_at = now
            self._say(self.child.name, f"waits: {finding.evidence}")
        limit_s = self.child.before_within_s
        if now - self._needs_met_at >= limit_s:
            raise PartFailed(
                f"{self.child.name}: expected to start it within {limit_s:g} s, got: {finding.evidence}; "
                f"see the log of {finding.part}"
            )

    def _see_if_ready(self) -> None:
        assert self.running is not None
        finding = self.child.ready(self.running.started)
        took_s = self._clock() - self._started_at
        if finding.ok:
            self.state = State.READY
            self._was_ready = True
            self._say(self.child.name, f"ready after {took_s:.1f} s: {finding.evidence}")
        elif took_s >= self.child.ready_within_s:
            self._after_a_failure(
                self.running, f"to be ready within {self.child.ready_within_s:g} s", finding.evidence
            )

    def _after_its_end(self, running: Running) -> None:
        tail = running.tail()
        if self.child.may_finish:
            code = self._collect(running)
            if code == 0:
                self.state = State.FINISHED
                self._say(self.child.name, "finished")
                return
            self._restart_or_fail("to run on, or to end with exit code 0", _ending(code), tail)
            return
        self._after_a_failure(running, "to run on", None)

    def _after_a_failure(self, running: Running, expected: str, evidence: str | None) -> None:
        tail = running.tail()
        code = self._collect(running)
        self._restart_or_fail(expected, evidence or _ending(code), tail)

    def _restart_or_fail(self, expected: str, got: str, tail: str) -> None:
        now = self._clock()
        while self._restarts and now - self._restarts[0] > WITHIN_S:
            self._restarts.popleft()
        if not self._was_ready or len(self._restarts) >= MAX_RESTARTS:
            often = f", after {len(self._restarts)} restarts within {WITHIN_S:g} s" if self._restarts else ""
            raise PartFailed(
                f"{self.child.name}: expected it {expected}, got: {got}{often}; "
                f"see {self.child.log}, whose last lines are:\n{tail}"
            )
        backoff_s = FIRST_BACKOFF_S * 2 ** len(self._restarts)
        self._restarts.append(now)
        self._not_before = now + backoff_s
        self.state = State.WAITING
        self._say(self.child.name, f"{got}; starts again in {backoff_s:g} s, see {self.child.log}")


def _ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
