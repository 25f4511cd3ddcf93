"""Starts the parts of the stack, keeps them running, and ends them all."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FrameType, TracebackType
from typing import Final, final

from cosmo.embedded.child import Child, Running
from cosmo.embedded.folder import DataFolder
from cosmo.embedded.part import Part, Say, State

STOP_WITHIN_S: Final = 20.0
"""From the first SIGTERM until nothing runs any more."""
POLITE_S: Final = 1.0
"""Kept for each part that is still to be asked, however long those before it took."""
LOOK_S: Final = 5.0
"""Between two looks at the size of the logs."""
STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@final
class Supervisor:
    """The parts of one stack, in one thread.

    It must be used from one thread, which lives as long as the parts: the kernel kills them with it. Only
    `request_stop` may be called from signal handlers and other threads. It is used once.

    Parameters
    ----------
    folder : held by the caller, so that no two supervisors work in it.
    children : in the order of their start; a part needs only parts before it.
    say : hears what happens to which part.
    clock : monotonic seconds.
    """

    def __init__(
        self,
        folder: DataFolder,
        children: Sequence[Child],
        *,
        say: Say = lambda _name, _sentence: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not folder.is_held:
            raise ValueError(f"expected {folder.path} to be held before a supervisor works in it; use `with`")
        _check_order(children)
        self._clock = clock
        self._parts = [Part(child, clock, say) for child in children]
        self._stop_requested = False
        self._wake_fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._ended = False

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def process_ids(self) -> Mapping[str, int]:
        """Process id of each part that runs, by name."""
        return {part.child.name: part.running.pid for part in self._parts if part.running is not None}

    @property
    def states(self) -> Mapping[str, State]:
        """State of each part, by name."""
        return {part.child.name: part.state for part in self._parts}

    def start(self) -> bool:
        """Start every part as soon as what it needs is ready, and wait until all are.

        Returns False if a stop was requested before. Raises PartFailed, after stopping everything, if a
        part ends or is not ready in time; the message has its last log lines.
        """
        return self._go_on_until(lambda: all(p.state in (State.READY, State.FINISHED) for p in self._parts))

    def watch(self, until: Callable[[], bool] = lambda: False) -> bool:
        """Restart parts that end, until a stop is requested (returns False) or `until` holds (True).

        `until` is asked whenever something happened, and every few seconds. Raises PartFailed, after
        stopping everything, when a part has ended too often.
        """
        return self._go_on_until(until)

    def request_stop(self) -> None:
        """Make `start` or `watch` return soon. May be called from a signal handler or another thread."""
        self._stop_requested = True
        if not self._ended:
            os.eventfd_write(self._wake_fd, 1)

    @contextlib.contextmanager
    def stopped_by_signals(self) -> Iterator[None]:
        """Let SIGINT (Ctrl-C), SIGTERM and SIGHUP request a stop. Main thread only."""

        def handler(_number: int, _frame: FrameType | None) -> None:
            self.request_stop()

        earlier = {number: signal.signal(number, handler) for number in STOP_SIGNALS}
        try:
            yield
        finally:
            for number, action in earlier.items():
                signal.signal(number, action)

    def stop(self) -> None:
        """End all parts in reverse order, within `STOP_WITHIN_S`; a second call does nothing."""
        if self._ended:
            return
        deadline = (
            self._clock() + STOP_WITHIN_S - POLITE_S
        )  # the last second is for those that must be killed
        try:
            for still_to_ask, part in zip(
                reversed(range(len(self._parts))), reversed(self._parts), strict=True
            ):
                part.stop(deadline - POLITE_S * still_to_ask - self._clock(), _ended_within)
        finally:
            for part in self._parts:
                part.kill()
            self._ended = True
            os.close(self._wake_fd)

    def _go_on_until(self, enough: Callable[[], bool]) -> bool:
        try:
            while not self._stop_requested:
                for part in self._parts:
                    part.step(self._ready())
                if enough():
                    return True
                self._wait()
        except BaseException:
            self.stop()
            raise
        return False

    def _ready(self) -> frozenset[str]:
        return frozenset(p.child.name for p in self._parts if p.state in (State.READY, State.FINISHED))

    def _wait(self) -> None:
        """Wait until a process ends, a stop is requested, or it is time to look."""
        poll = select.poll()
        poll.register(self._wake_fd, select.POLLIN)
        for part in self._parts:
            if part.running is not None:
                poll.register(part.running.pidfd, select.POLLIN)
        looks_s = [part.next_look_s for part in self._parts]
        wait_s = min((look_s for look_s in looks_s if look_s is not None), default=LOOK_S)
        poll.poll(1000 * wait_s)


def _ended_within(running: Running, limit_s: float) -> bool:
    poll = select.poll()
    poll.register(running.pidfd, select.POLLIN)
    return bool(poll.poll(1000 * limit_s))


def _check_order(children: Sequence[Child]) -> None:
    known: set[str] = set()
    for child in children:
        unknown = set(child.needs) - known
        if unknown:
            raise ValueError(f"{child.name}: expected to need only parts before it, got {sorted(unknown)}")
        if child.name in known:
            raise ValueError(f"expected every part to have a name of its own, got {child.name!r} twice")
        known.add(child.name)
