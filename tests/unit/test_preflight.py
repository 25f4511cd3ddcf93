"""What preflight says about a machine."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest

from cosmo.embedded import java, preflight
from cosmo.errors import PreflightError
from cosmo.settings import Settings

PRESET = Path(__file__).parents[2] / "config" / "localhost" / "cosmo.yml"


@pytest.fixture
def listening_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def free_ports(n: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    changes = {f"ports.{key}": port for key, port in zip(preflight.PORTS, free_ports(4), strict=True)}
    # 2 MiB of topics in all, so that the test passes on a nearly full disk.
    small = {"topics.stream.retention_mib": 1, "topics.results.retention_mib": 1}
    return Settings.load(PRESET, {**changes, **small, "paths.data": str(tmp_path / "data")})


def test_a_fit_machine_has_no_problems_and_is_left_as_it_was(settings: Settings) -> None:
    assert preflight.problems(settings) == []
    preflight.require(settings)
    assert not settings.paths.data.exists()


def test_all_problems_are_told_at_once(
    settings: Settings, listening_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(java, "JAVA", Path("/nowhere/java"))
    ports = settings.ports.model_copy(update={"kafka": listening_port})
    with pytest.raises(PreflightError, match=r"/nowhere/java.*; ports\.kafka: "):
        preflight.require(settings.model_copy(update={"ports": ports}))


def test_a_taken_port_is_named_with_its_key_and_holder(listening_port: int) -> None:
    problem = preflight.taken_port("dashboard", listening_port)
    assert problem is not None
    assert f"ports.dashboard: expected port {listening_port} to be free" in problem
    assert f"(process {os.getpid()})" in problem


def test_a_port_taken_on_all_addresses_is_taken_on_loopback() -> None:
    with socket.create_server(("0.0.0.0", 0)) as server:
        assert preflight.taken_port("kafka", server.getsockname()[1]) is not None


def test_a_port_closed_a_moment_ago_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            accepted, _ = server.accept()
            accepted.close()  # this side closes first, so its port stays in TIME_WAIT
    assert preflight.taken_port("kafka", port) is None


@pytest.mark.parametrize(
    ("platform", "python", "problem"),
    [
        pytest.param("linux", (3, 10), None, id="oldest"),
        pytest.param("linux", (3, 11), None, id="newest"),
        pytest.param("linux", (3, 9), "expected Python 3.10 or 3.11, got 3.9", id="too old"),
        pytest.param("linux", (3, 12), "expected Python 3.10 or 3.11, got 3.12", id="too new"),
        pytest.param("darwin", (3, 11), "expected Linux, got darwin", id="another system"),
    ],
)
def test_platform(platform: str, python: tuple[int, int], problem: str | None) -> None:
    found = preflight.unfit_platform(platform, python)
    assert found is None if problem is None else problem in (found or "")


@pytest.mark.parametrize(
    ("retention_mib", "enough_mib", "held_mib", "free_mib", "needed_mib"),
    [
        pytest.param(12288, 5120, 0, 5120, None, id="enough for a day, not for all"),
        pytest.param(12288, 5120, 0, 5119, 5120, id="one MiB short of a day"),
        pytest.param(100, 5120, 0, 100, None, id="small topics fit"),
        pytest.param(100, 5120, 0, 99, 100, id="small topics do not fit"),
        pytest.param(100, 5120, 3, 97, None, id="what is there counts"),
        pytest.param(100, 5120, 3, 96, 97, id="what is there does not make up for the rest"),
        pytest.param(2, 5120, 3, 0, None, id="topics at their limit need nothing"),
    ],
)
def test_disk(
    retention_mib: int,
    enough_mib: int,
    held_mib: int,
    free_mib: int,
    needed_mib: int | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = tmp_path / "not" / "yet"
    if held_mib:
        data.mkdir(parents=True)
        (data / "segment").write_bytes(bytes(held_mib << 20))
    asked = []

    def disk_usage(path: Path) -> SimpleNamespace:
        asked.append(path)
        return SimpleNamespace(free=free_mib << 20)

    monkeypatch.setattr(shutil, "disk_usage", disk_usage)
    problem = preflight.too_little_disk(data, retention_mib, enough_mib)
    if needed_mib is None:
        assert problem is None
    else:
        assert f"expected {needed_mib} MiB of free disk for the topics, got {free_mib} MiB" in (problem or "")
    assert asked == [data if held_mib else tmp_path]


def test_holes_of_index_files_do_not_count_as_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "index").open("wb") as index:
        index.truncate(50 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=99 << 20))
    assert "expected 100 MiB" in (preflight.too_little_disk(tmp_path, 100) or "")


def test_a_working_java_is_no_problem() -> None:
    assert preflight.unusable_java(java.JAVA) is None


def test_a_failing_java_is_quoted(tmp_path: Path) -> None:
    program = tmp_path / "java"
    program.write_text("#!/bin/sh\necho no such library >&2\nexit 3\n")
    program.chmod(0o755)
    assert "got exit code 3, it says: no such library" in (preflight.unusable_java(program) or "")


def test_java_of_another_machine_is_named(tmp_path: Path) -> None:
    program = tmp_path / "java"
    program.write_bytes(b"\x7fELF of another machine")
    program.chmod(0o755)
    assert "Exec format error" in (preflight.unusable_java(program) or "")
