"""ZooKeeper and the broker as children: start, stop, kill, and what they keep."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from embedded_broker import EmbeddedBroker, broker_answers

from cosmo import probes
from cosmo.artifacts import Jars
from cosmo.embedded import java


@pytest.fixture(autouse=True)
def running(broker: EmbeddedBroker):
    """Leave it running for the next test."""
    yield
    broker.start()


def timed_s(action: Callable[[], None]) -> float:
    began = time.monotonic()
    action()
    return time.monotonic() - began


def kafka_tool(jars: Jars, main: str, *arguments: str, given: str = "") -> str:
    """Run one of Kafka's own command-line tools and return what it prints."""
    argv = [java.JAVA, "-XX:TieredStopAtLevel=1", main, *arguments]
    ended = subprocess.run(
        argv,
        env=dict(java.environment(jars.kafka)),
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_a_fresh_start_takes_seconds(jars: Jars, tmp_path: Path) -> None:
    fresh = EmbeddedBroker(tmp_path / "data with, blank and ümlaut", jars)
    try:
        start_s = timed_s(fresh.start)
    finally:
        stop_s = timed_s(fresh.stop)
    print(f"\nstart {start_s:.1f} s, stop {stop_s:.1f} s")  # noqa: T201 - for who runs this with -s
    assert start_s < 60
    assert stop_s < 20


def test_both_answer_on_loopback_only(broker: EmbeddedBroker) -> None:
    assert probes.zookeeper("127.0.0.1", broker.settings.ports.zookeeper).ok
    assert broker_answers(broker.settings.ports.kafka).ok
    for name, pid in broker.process_ids.items():
        listening = [c.laddr for c in psutil.Process(pid).net_connections() if c.status == psutil.CONN_LISTEN]
        assert {address.ip.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}, name
        assert [address.port for address in listening] == [getattr(broker.settings.ports, name)]


def test_what_was_sent_survives_a_stop_and_a_kill(broker: EmbeddedBroker, jars: Jars) -> None:
    at = ("--bootstrap-server", broker.address, "--topic", "kept")
    kafka_tool(jars, "kafka.admin.TopicCommand", "--create", *at)
    kafka_tool(jars, "kafka.tools.ConsoleProducer", *at, "--request-required-acks", "all", given="one\ntwo\n")

    def read() -> str:
        return kafka_tool(jars, "kafka.tools.ConsoleConsumer", *at, "--from-beginning", "--max-messages", "2")

    assert read() == "one\ntwo\n"
    pids = list(broker.process_ids.values())
    broker.stop()
    assert not any(psutil.pid_exists(pid) for pid in pids)
    print(f"\nstart after a stop: {timed_s(broker.start):.1f} s")  # noqa: T201 - for who runs this with -s
    assert read() == "one\ntwo\n"
    broker.kill()
    print(f"start after a kill: {timed_s(broker.start):.1f} s")  # noqa: T201 - for who runs this with -s
    assert read() == "one\ntwo\n"


def test_topics_are_not_made_by_a_typing_error(broker: EmbeddedBroker, jars: Jars) -> None:
    at = ("--bootstrap-server", broker.address)
    kafka_tool(
        jars,
        "kafka.tools.ConsoleProducer",
        *at,
        "--topic",
        "mistyped",
        "--max-block-ms",
        "1500",
        given="one\n",
    )
    assert "mistyped" not in kafka_tool(jars, "kafka.admin.TopicCommand", "--list", *at).splitlines()


def test_the_broker_takes_the_largest_record(broker: EmbeddedBroker) -> None:
    configuration = broker.settings.paths.data / "configuration" / "server.properties"
    largest = broker.settings.producer.record_max_bytes
    assert f"\nmessage.max.bytes={largest}\nreplica.fetch.max.bytes={largest}\n" in configuration.read_text()
