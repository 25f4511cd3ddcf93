"""The supervisor with real children: nothing of them is left when it ends, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from small_children import DEAF, LASTING, POLITE, all_gone, child, wait_for

from cosmo.embedded import supervisor
from cosmo.embedded.child import Running
from cosmo.embedded.folder import DataFolder
from cosmo.embedded.supervisor import Supervisor
from cosmo.errors import AlreadyRunning, PreflightError


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[DataFolder]:
    with DataFolder(tmp_path / "data") as held:
        yield held


def test_the_end_of_a_part_is_told_before_the_next_one_stops(folder: DataFolder) -> None:
    seen: list[set[str]] = []
    first = child(folder, "first", LASTING)
    last = child(folder, "last", POLITE, after=lambda: seen.append(set(stack.process_ids)))
    with Supervisor(folder, [first, last]) as stack:
        assert stack.start()
    assert seen == [{"first"}]


@pytest.mark.parametrize(
    "program", [pytest.param(LASTING, id="by a signal"), pytest.param(DEAF, id="killed")]
)
def test_an_end_that_is_not_in_good_order_is_not_told(folder: DataFolder, program: str) -> None:
    told: list[str] = []
    part = child(folder, "part", program, stop_within_s=0.3, after=lambda: told.append("ended"))
    with Supervisor(folder, [part]) as stack:
        assert stack.start()
    assert told == []


def test_a_deaf_part_is_killed_after_its_time(folder: DataFolder) -> None:
    heard: list[str] = []
    deaf = child(folder, "deaf", DEAF, stop_within_s=0.3)
    with Supervisor(folder, [deaf], say=lambda _name, what: heard.append(what)) as stack:
        assert stack.start()
        pid = stack.process_ids["deaf"]
        began = time.monotonic()
    assert 0.3 <= time.monotonic() - began < 3
    assert heard[-1] == "killed: it did not stop within 0 s"
    assert all_gone([pid], 0)


def test_all_deaf_parts_end_within_the_whole_budget(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "STOP_WITHIN_S", 1.0)
    monkeypatch.setattr(supervisor, "POLITE_S", 0.1)
    stack = Supervisor(folder, [child(folder, f"deaf{n}", DEAF, stop_within_s=60) for n in range(3)])
    assert stack.start()
    pids = list(stack.process_ids.values())
    began = time.monotonic()
    stack.stop()
    assert time.monotonic() - began < 3
    assert all_gone(pids, 0)


def test_what_a_part_has_started_ends_with_it(folder: DataFolder) -> None:
    """As Spark's Python workers, which have a process group of their own."""
    orphan = (
        "import os, signal; os.setpgid(0, 0); signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.pause()"
    )
    program = (
        f"import subprocess, signal; print(subprocess.Popen([sys.executable, '-S', '-c', {orphan!r}]).pid, "
        f"flush=True); up(); signal.pause()"
    )
    with Supervisor(folder, [child(folder, "part", program)]) as stack:
        assert stack.start()
        grandchild = int(folder.log("part").read_text())
        assert psutil.pid_exists(grandchild)
    assert all_gone([grandchild])


def test_a_stop_is_asked_for_by_another_thread(folder: DataFolder) -> None:
    with Supervisor(folder, [child(folder, "part", LASTING)]) as stack:
        assert stack.start()
        timer = threading.Timer(0.2, stack.request_stop)
        timer.start()
        assert not stack.watch()
        timer.join()
    stack.request_stop()  # harmless when it is over


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_signals_ask_for_a_stop_even_while_it_starts(number: signal.Signals, folder: DataFolder) -> None:
    earlier = signal.getsignal(number)
    never = child(folder, "never", LASTING + "; up()")
    with Supervisor(folder, [never]) as stack, stack.stopped_by_signals():
        timer = threading.Timer(0.3, os.kill, (os.getpid(), number))
        timer.start()
        assert not stack.start()
        timer.join()
    assert stack.process_ids == {}
    assert signal.getsignal(number) is earlier


def test_a_long_log_is_cut_and_its_last_part_kept(folder: DataFolder) -> None:
    program = (
        "import signal\nprint('x' * 5000, flush=True); up()\n"
        "signal.sigwait([signal.SIGUSR1]); print('later', flush=True); signal.pause()"
    )
    mask = {signal.SIGUSR1}
    signal.pthread_sigmask(signal.SIG_BLOCK, mask)  # inherited, so that an early signal waits
    try:
        running = Running(child(folder, "part", program))
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, mask)
    log = folder.log("part")
    wait_for(lambda: (folder.path / "part.up").exists())
    running.cap_log(max_bytes=5001)  # as long as it is: left alone
    assert log.stat().st_size == 5001
    running.cap_log(max_bytes=5000)
    assert log.with_name("part.log.1").read_text() == "x" * 5000 + "\n"
    os.kill(running.pid, signal.SIGUSR1)
    wait_for(lambda: log.stat().st_size > 0)
    assert running.tail() == "later"
    assert log.read_bytes() == b"later\n"  # no hole before it
    assert running.collect() == -signal.SIGKILL


SUPERVISING = """
import sys
from pathlib import Path
from cosmo.embedded.child import Child
from cosmo.embedded.folder import DataFolder
from cosmo.embedded.supervisor import Supervisor
from cosmo.probes import Finding
with DataFolder(Path(sys.argv[1])) as folder:
    argv = (sys.executable, "-S", "-c", "import signal; signal.pause()")
    children = [
        Child(name, argv, {}, folder.path, folder.log(name), lambda _: Finding("part", True, "runs"))
        for name in ("one", "two")
    ]
    with Supervisor(folder, children) as stack, stack.stopped_by_signals():
        stack.start()
        print(*stack.process_ids.values(), flush=True)
        stack.watch()
print("ended", flush=True)
"""


@pytest.fixture
def supervising(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """Run a supervisor with two children in a process of its own; yields it and the children's ids."""
    argv = [sys.executable, "-c", textwrap.dedent(SUPERVISING), str(tmp_path / "data")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, [int(pid) for pid in process.stdout.readline().split()]
        process.kill()


def test_children_end_when_the_supervisor_is_killed(
    supervising: tuple[subprocess.Popen[str], list[int]], tmp_path: Path
) -> None:
    process, pids = supervising
    assert len(pids) == 2
    assert not all_gone(pids, 0)
    with (
        pytest.raises(AlreadyRunning, match=f"process {process.pid} is one already"),
        DataFolder(tmp_path / "data"),
    ):
        pytest.fail("the folder was held twice")
    process.kill()
    process.wait()
    assert all_gone(pids)
    with DataFolder(tmp_path / "data") as folder:  # the lock ended with its holder
        assert folder.is_held


def test_a_supervisor_ends_well_on_sigterm(supervising: tuple[subprocess.Popen[str], list[int]]) -> None:
    process, pids = supervising
    process.terminate()
    assert process.stdout is not None
    assert process.stdout.read() == "ended\n"
    assert process.wait() == 0
    assert all_gone(pids, 0)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(PreflightError, match="data: expected a folder to keep data in, got: File exists"):
        DataFolder(tmp_path / "data").__enter__()
