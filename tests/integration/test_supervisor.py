"""The supervisor with real children: their start, their end before its time, their restarts."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_children import LASTING, all_gone, child, ends_after, watch_until

from cosmo.embedded import part
from cosmo.embedded.folder import DataFolder
from cosmo.embedded.part import State
from cosmo.embedded.supervisor import Supervisor
from cosmo.errors import PartFailed
from cosmo.probes import Finding


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[DataFolder]:
    with DataFolder(tmp_path / "data") as held:
        yield held


def test_parts_start_in_order_of_need_and_stop_in_reverse(folder: DataFolder) -> None:
    heard: list[tuple[str, str]] = []
    children = [
        child(folder, "first", "import time; time.sleep(0.3); up(); " + LASTING),
        child(folder, "second", LASTING, needs=("first",)),
        child(folder, "beside", LASTING),
    ]
    with Supervisor(folder, children, say=lambda name, what: heard.append((name, what.split()[0]))) as stack:
        assert stack.start()
        assert set(stack.states.values()) == {State.READY}
        pids = list(stack.process_ids.values())
    assert [name for name, what in heard if what == "ready"] == ["beside", "first", "second"]
    assert [name for name, what in heard if what == "stopped"] == ["beside", "second", "first"]
    assert all_gone(pids, 0)


def test_configuration_is_written_before_the_start(folder: DataFolder) -> None:
    path = folder.configuration / "part.cfg"
    program = f"print(open({str(path)!r}).read(), flush=True); up(); {LASTING}"
    with Supervisor(folder, [child(folder, "part", program, files={path: "key=value"})]) as stack:
        assert stack.start()
    assert folder.log("part").read_text() == "key=value\n"


def test_nothing_is_inherited_but_what_the_child_names(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSMO_SECRET", "x")
    program = f"print(sorted(os.environ), os.getcwd(), sys.stdin.read(), flush=True); up(); {LASTING}"
    environment = {"PATH": os.defpath, "PYTHONCOERCECLOCALE": "0"}
    with Supervisor(folder, [child(folder, "part", program, environment=environment)]) as stack:
        assert stack.start()
    assert "COSMO_SECRET" not in folder.log("part").read_text()
    assert str(folder.path) in folder.log("part").read_text()


def test_a_part_that_ends_before_it_is_ready_fails_with_its_last_lines(folder: DataFolder) -> None:
    lasting = child(folder, "lasting", LASTING)
    failing = child(folder, "failing", "print('no such port'); sys.exit(3); up()", needs=("lasting",))
    stack = Supervisor(folder, [lasting, failing])
    with pytest.raises(
        PartFailed, match=r"failing: expected it to run on, got: exit code 3; see .*\nno such port"
    ):
        stack.start()
    assert stack.process_ids == {}


def test_a_log_that_somebody_removed_ends_nothing(folder: DataFolder) -> None:
    go = folder.path / "go"
    with Supervisor(folder, [child(folder, "part", ends_after(go, "sys.exit(1)"))]) as stack:
        assert stack.start()
        folder.log("part").unlink()
        first = stack.process_ids["part"]
        go.touch()
        watch_until(stack, lambda: stack.process_ids.get("part", first) != first)


def test_old_lines_of_a_log_are_not_blamed(folder: DataFolder) -> None:
    folder.log("part").write_text("an error of yesterday\n")
    with pytest.raises(PartFailed) as raised:
        Supervisor(folder, [child(folder, "part", "sys.exit(1); up()")]).start()
    assert str(raised.value).endswith("(it wrote nothing)")


def test_a_part_that_is_not_ready_in_time_fails_with_the_evidence(folder: DataFolder) -> None:
    slow = child(folder, "slow", f"print('busy', flush=True); {LASTING}; up()", ready_within_s=0.5)
    stack = Supervisor(folder, [slow])
    with pytest.raises(PartFailed, match=r"slow: expected it to be ready within 0.5 s, got: not up;.*\nbusy"):
        stack.start()
    assert stack.process_ids == {}


def test_a_program_that_does_not_exist_is_named(folder: DataFolder) -> None:
    with pytest.raises(PartFailed, match=r"part: expected to start /nowhere/java, got: .*No such file"):
        Supervisor(folder, [child(folder, "part", "", argv=("/nowhere/java",))]).start()


def test_a_condition_that_does_not_come_true_fails_with_its_evidence(folder: DataFolder) -> None:
    def before() -> Finding:
        return Finding("other", False, "an earlier session lives")

    stack = Supervisor(folder, [child(folder, "part", LASTING, before=before, before_within_s=0.3)])
    with pytest.raises(
        PartFailed, match=r"part: .* within 0.3 s, got: an earlier session lives; .* log of other"
    ):
        stack.start()


def test_a_killed_part_is_started_again(folder: DataFolder) -> None:
    with Supervisor(folder, [child(folder, "part", LASTING)]) as stack:
        assert stack.start()
        first = stack.process_ids["part"]
        os.kill(first, signal.SIGKILL)
        watch_until(stack, lambda: stack.process_ids.get("part", first) != first)
        watch_until(stack, lambda: stack.states["part"] is State.READY)


def test_a_part_started_again_is_ready_by_what_came_since_its_own_start(folder: DataFolder) -> None:
    asked: list[float] = []

    def ready(started: float) -> Finding:
        asked.append(started)
        return Finding("part", True, "up")

    with Supervisor(folder, [child(folder, "part", LASTING, ready=ready)]) as stack:
        assert stack.start()
        killed = time.time()
        assert asked[-1] <= killed
        os.kill(stack.process_ids["part"], signal.SIGKILL)
        watch_until(stack, lambda: asked[-1] > killed)


def test_a_part_that_ends_too_often_stops_everything(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part, "FIRST_BACKOFF_S", 0.001)
    go = folder.path / "go"
    restless = child(folder, "restless", ends_after(go, "print('again'); sys.exit(7)"))
    stack = Supervisor(folder, [child(folder, "lasting", LASTING), restless])
    assert stack.start()
    go.touch()
    with pytest.raises(
        PartFailed, match=r"restless: .* exit code 7, after 5 restarts within 60 s; .*\nagain"
    ):
        stack.watch()
    assert folder.log("restless").read_text() == "again\n" * 6
    assert stack.process_ids == {}


def test_restarts_long_ago_are_forgiven(folder: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(part, "FIRST_BACKOFF_S", 0.0)
    with Supervisor(folder, [child(folder, "part", LASTING)], clock=lambda: now[0]) as stack:
        assert stack.start()
        for _ in range(8):  # more than five, but never six within 60 s
            killed = stack.process_ids["part"]
            os.kill(killed, signal.SIGKILL)
            watch_until(stack, lambda killed=killed: stack.process_ids.get("part", killed) != killed)
            watch_until(stack, lambda: stack.states["part"] is State.READY)
            now[0] += 13.0


def test_backoff_doubles(folder: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []
    monkeypatch.setattr(part, "FIRST_BACKOFF_S", 1 / 64)
    go = folder.path / "go"
    restless = child(folder, "part", ends_after(go, "sys.exit(1)"))
    stack = Supervisor(folder, [restless], say=lambda _name, what: heard.append(what))
    assert stack.start()
    go.touch()
    with pytest.raises(PartFailed):
        stack.watch()
    waits_s = [float(what.split(" in ")[1].split(" s")[0]) for what in heard if "starts again" in what]
    assert waits_s == [1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4]


@pytest.mark.parametrize(
    ("code", "state"),
    [
        pytest.param(0, State.FINISHED, id="done"),
        pytest.param(1, State.WAITING, id="failed, so started again"),
    ],
)
def test_a_part_that_may_finish(code: int, state: State, folder: DataFolder) -> None:
    go = folder.path / "go"
    with Supervisor(
        folder, [child(folder, "part", ends_after(go, f"sys.exit({code})"), may_finish=True)]
    ) as stack:
        assert stack.start()
        go.touch()
        watch_until(stack, lambda: stack.states["part"] is state)


@pytest.mark.parametrize(
    ("names", "needs", "message"),
    [
        pytest.param(("a", "b"), ("c",), "b: expected to need only parts before it, got ['c']", id="unknown"),
        pytest.param(("a", "b"), ("b",), "b: expected to need only parts before it, got ['b']", id="itself"),
        pytest.param(("a", "a"), (), "name of its own, got 'a' twice", id="same name"),
    ],
)
def test_an_impossible_order_is_refused(
    names: tuple[str, str], needs: tuple[str, ...], message: str, folder: DataFolder
) -> None:
    first, second = child(folder, names[0], LASTING), child(folder, names[1], LASTING, needs=needs)
    with pytest.raises(ValueError, match="expected") as raised:
        Supervisor(folder, [first, second])
    assert message in str(raised.value)


def test_a_folder_must_be_held(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="to be held"):
        Supervisor(DataFolder(tmp_path), [])
