"""Probes that need no stack, and waiting for them."""

from __future__ import annotations

import socket
import threading
from datetime import datetime
from types import SimpleNamespace

import pytest

from cosmo import probes, runs
from cosmo.broker import Record
from cosmo.errors import PartFailed
from cosmo.probes import Finding
from cosmo.results import BEHIND_S
from dashboard_results import BEGAN_S, result, run_record

SRVR = "Zookeeper version: 3.6.3--6401e4ad20870, built on 04/08/2021 16:35 GMT\nMode: standalone\n"
DUMP = "SessionTracker dump:\nephemeral nodes dump:\nSessions with Ephemerals ({n}):\n{znodes}"


class Answering:
    """A server on loopback that answers a word with a text and hangs up, as ZooKeeper does."""

    def __init__(self, answers: dict[str, str]) -> None:
        self._answers = answers

    def __enter__(self) -> int:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self._server.getsockname()[1]

    def __exit__(self, *_: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)  # wakes the thread in accept
        self._thread.join()
        self._server.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            with connection:
                connection.sendall(self._answers[connection.recv(4).decode()].encode())


@pytest.mark.parametrize(
    ("ruok", "srvr", "ok", "evidence"),
    [
        pytest.param("imok", SRVR, True, "version 3.6.3, standalone", id="serves"),
        pytest.param(
            "imok",
            "This ZooKeeper instance is not currently serving requests\n",
            False,
            "not currently serving requests",
            id="runs without serving",
        ),
        pytest.param("", "", False, "says: nothing", id="says nothing"),
        pytest.param("HTTP/1.1 400", "HTTP/1.1 400", False, "HTTP/1.1 400", id="somebody else"),
    ],
)
def test_zookeeper(ruok: str, srvr: str, ok: bool, evidence: str) -> None:
    with Answering({"ruok": ruok, "srvr": srvr}) as port:
        finding = probes.zookeeper("127.0.0.1", port)
    assert finding.ok is ok
    assert evidence in finding.evidence


def test_zookeeper_that_is_away() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        port = unused.getsockname()[1]
        for finding in (
            probes.zookeeper("127.0.0.1", port),
            probes.zookeeper_forgot("127.0.0.1", port, "/brokers/ids/0"),
        ):
            assert not finding.ok
            assert f"does not answer on 127.0.0.1:{port}" in finding.evidence


@pytest.mark.parametrize(
    ("dump", "ok"),
    [
        pytest.param(DUMP.format(n=0, znodes=""), True, id="no session"),
        pytest.param(DUMP.format(n=1, znodes="0x1:\n\t/controller\n\t/brokers/ids/0\n"), False, id="held"),
        pytest.param(DUMP.format(n=1, znodes="0x1:\n\t/brokers/ids/01\n"), True, id="a longer name"),
        pytest.param("dump is not executed because it is not in the whitelist.\n", False, id="not allowed"),
    ],
)
def test_zookeeper_forgot(dump: str, ok: bool) -> None:
    with Answering({"dump": dump}) as port:
        assert probes.zookeeper_forgot("127.0.0.1", port, "/brokers/ids/0").ok is ok


class Waiting:
    """A clock that goes on only by pausing, and a probe that is content from a moment on."""

    def __init__(self, ok_from_s: float) -> None:
        self.now_s = 0.0
        self._ok_from_s = ok_from_s

    def clock(self) -> float:
        return self.now_s

    def pause(self, seconds: float) -> None:
        self.now_s += seconds

    def probe(self) -> Finding:
        return Finding("part", self.now_s >= self._ok_from_s, f"at {self.now_s:g} s")


@pytest.mark.parametrize(
    ("ok_from_s", "evidence"),
    [
        pytest.param(0.0, "at 0 s", id="at once"),
        pytest.param(0.7, "at 1 s", id="at the second question"),
        pytest.param(3.0, "at 3 s", id="at the deadline"),
    ],
)
def test_waiting_returns_the_first_good_finding(ok_from_s: float, evidence: str) -> None:
    waiting = Waiting(ok_from_s)
    finding = probes.wait_until(waiting.probe, 3, poll_s=1, clock=waiting.clock, pause=waiting.pause)
    assert finding == Finding("part", True, evidence)


def test_waiting_ends_at_the_deadline_with_the_evidence() -> None:
    waiting = Waiting(ok_from_s=4)
    with pytest.raises(PartFailed, match="part: expected it to work within 3 s, got: at 3 s"):
        probes.wait_until(waiting.probe, 3, poll_s=1, clock=waiting.clock, pause=waiting.pause)


def test_waiting_ends_when_there_is_no_hope() -> None:
    waiting = Waiting(ok_from_s=4)
    reasons = iter([None, "exit code 3"])
    with pytest.raises(
        PartFailed, match="part: expected it to work, got: exit code 3; its last evidence: at 1 s"
    ):
        probes.wait_until(
            waiting.probe, 3, lambda: next(reasons), poll_s=1, clock=waiting.clock, pause=waiting.pause
        )


def test_waiting_with_the_real_clock() -> None:
    asked = iter([False, False, True])
    finding = probes.wait_until(lambda: Finding("part", next(asked), "asked"), 10, poll_s=0.01)
    assert finding.ok


NOW_S = BEGAN_S + 86_400


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the clock."""
    for module in (probes, runs):
        monkeypatch.setattr(module, "time", SimpleNamespace(time=lambda: NOW_S))


class Broker:
    """A broker with one result, published so long ago, and a record of the stream after it."""

    topics = SimpleNamespace(stream=SimpleNamespace(name="s"))

    def __init__(
        self, published_ago_s: float, unread_ago_s: float | None = None, *, end: bool = False
    ) -> None:
        self._end = end
        self._result = result(7, published_s=NOW_S - published_ago_s)
        self._unread_ago_s = unread_ago_s

    def newest_slice(self, _run: object):
        record = Record(0, 7, datetime.fromisoformat(self._result.published).timestamp(), None, b"", [])
        return SimpleNamespace(number=7, end=self._end, rows_so_far=1100), SimpleNamespace(record=record)

    def current_run(self):
        return run_record()

    def run_messages(self):
        return {1: run_record()}, {}

    def newest_result(self, _run: int):
        return self._result, None

    def first_from(self, _topic: str, start: dict[int, int]) -> list[Record]:
        assert start == {0: 7}
        if self._unread_ago_s is None:
            return []
        return [Record(0, 7, NOW_S - age_s, None, b"", []) for age_s in (0, self._unread_ago_s)]


@pytest.mark.usefixtures("still")
@pytest.mark.parametrize(
    ("published_ago_s", "unread_ago_s", "ok", "evidence"),
    [
        pytest.param(1, None, True, "result 7 of run 1 published 1.0 s ago, backlog 2 slices", id="works"),
        pytest.param(1, BEHIND_S - 5, True, "published 1.0 s ago", id="catches up"),
        pytest.param(1, BEHIND_S + 5, False, "has waited 65 s; send fewer rows/s", id="is behind"),
        pytest.param(40, None, False, "published 40.0 s ago", id="is silent"),
        pytest.param(-0.5, None, True, "published 0.0 s ago", id="clocks as apart as hosts may be"),
        pytest.param(
            -3000,
            None,
            False,
            "result 7 of run 1 bears a time 3000.0 s ahead of ours: the clock of host was set back",
            id="a clock was set back",
        ),
    ],
)
def test_the_analysis_keeps_up(
    published_ago_s: float, unread_ago_s: float | None, ok: bool, evidence: str
) -> None:
    finding = probes.analysis(Broker(published_ago_s, unread_ago_s))
    assert finding.ok is ok
    assert evidence in finding.evidence


@pytest.mark.usefixtures("still")
def test_an_analysis_that_works_off_a_backlog_is_ready() -> None:
    assert probes.result(Broker(1, 10 * BEHIND_S)).ok


@pytest.mark.usefixtures("still")
@pytest.mark.parametrize(
    ("sent_ago_s", "end", "ok", "evidence"),
    [
        pytest.param(1, False, True, "slice 7 sent 1.0 s ago, 1,100 rows so far", id="works"),
        pytest.param(40, False, False, "slice 7 sent 40.0 s ago", id="is silent"),
        pytest.param(40, True, True, "then its source ended", id="has ended"),
        pytest.param(-3000, False, False, "slice 7 bears a time 3000.0 s ahead of ours", id="set back"),
        pytest.param(-3000, True, True, "then its source ended", id="has ended, then set back"),
    ],
)
def test_the_producer_sends(sent_ago_s: float, end: bool, ok: bool, evidence: str) -> None:
    finding = probes.stream(Broker(sent_ago_s, end=end))
    assert finding.ok is ok
    assert evidence in finding.evidence
