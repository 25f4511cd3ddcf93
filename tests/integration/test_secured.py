"""TLS, passwords and rights: the whole path with them, and who is refused."""

from __future__ import annotations

import contextlib
import re
import runpy
import sys
import time
import types
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from embedded_broker import LOCALHOST
from growing_file import GrowingFile
from secured_broker import ROLES, SecuredBroker, secrets_of_role
from stream_parts import Parts, wait_until

from cosmo import runs
from cosmo.artifacts import Jars
from cosmo.broker import Broker
from cosmo.broker.access import PARTS
from cosmo.errors import AccessRefused, BrokerError
from cosmo.settings import Settings

WRITES = {"stream": {"producer"}, "results": {"analysis"}, "runs": {"analysis", "operator"}}
READS = {
    "stream": {"producer", "analysis", "operator"},
    "results": {"analysis", "dashboard", "operator"},
    "runs": set(PARTS),
}


@pytest.fixture(scope="module")
def secured(jars: Jars, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredBroker]:
    broker = SecuredBroker(tmp_path_factory.mktemp("secured"), jars)
    broker.start()
    Broker(broker.settings).set_access()
    runs.begin(Broker(broker.settings_of("operator")), "a test")
    yield broker
    broker.stop()


def topic(broker: SecuredBroker, name: str) -> str:
    return str(getattr(broker.settings.topics, name).name)


def elsewhere(settings: Settings) -> Broker:
    """Return a broker as of a deployment whose runs have another topic, and so other rights."""
    topics = settings.topics.model_copy(
        update={"runs": settings.topics.runs.model_copy(update={"name": "elsewhere"})}
    )
    return Broker(settings.model_copy(update={"topics": topics}))


def send(broker: Broker, name: str) -> None:
    with broker._connection.producer() as producer:
        producer.send(name, key=b"test", value=b"unframed").get(30)


@pytest.mark.parametrize("name", ["stream", "results", "runs"])
@pytest.mark.parametrize("user", PARTS)
def test_a_part_does_what_it_is_for_and_is_refused_all_else(
    secured: SecuredBroker, user: str, name: str
) -> None:
    broker = Broker(secured.settings_of(user))
    allowed: list[tuple[bool, Callable[[], object]]] = [
        (user in READS[name], lambda: broker.end_offsets(topic(secured, name))),
        (user in READS[name], lambda: broker.read(topic(secured, name), {}, {0: 0})),
        (user in WRITES[name], lambda: send(broker, topic(secured, name))),
    ]
    for is_allowed, act in allowed:
        if is_allowed:
            act()
    refused = [act for is_allowed, act in allowed if not is_allowed]
    if user not in READS[name]:
        refused.append(lambda: broker.read(topic(secured, name), {}, {0: 1}))
        refused.pop(1)  # up to nothing, nothing is asked
    for act in refused:
        with pytest.raises(AccessRefused, match=f"refuses the user '{user}'"):
            act()


def test_nobody_but_admin_makes_topics_or_rights(secured: SecuredBroker) -> None:
    for user in PARTS:
        with pytest.raises(BrokerError):
            elsewhere(secured.settings_of(user)).set_access()


def test_a_second_init_changes_no_right_and_takes_foreign_ones(secured: SecuredBroker) -> None:
    broker = Broker(secured.settings)
    assert broker.set_access() == []
    other = elsewhere(secured.settings)
    assert "now dashboard may read topic elsewhere" in other.set_access()
    assert "no more dashboard may read topic elsewhere" in broker.set_access()
    assert broker.set_access() == []


def test_a_wrong_password_is_refused_at_once(secured: SecuredBroker, tmp_path: Path) -> None:
    path = tmp_path / "kafka.json"
    path.touch(0o600)
    path.write_text('{"user": "producer", "password": "wuzzle"}')
    security = secured.settings.security.model_copy(update={"credentials": tmp_path})
    broker = Broker(secured.settings.model_copy(update={"security": security}))
    began = time.monotonic()
    for act in (broker.answers_in_ms, broker.current_run, lambda: send(broker, topic(secured, "stream"))):
        with pytest.raises(AccessRefused, match="does not take the user 'producer'") as caught:
            act()
        assert "wuzzle" not in str(caught.value)
    assert time.monotonic() - began < 10


def test_a_client_without_credentials_is_refused(secured: SecuredBroker) -> None:
    broker = Broker(Settings.load(LOCALHOST, {"ports.kafka": secured.settings.ports.kafka}))
    for act in (broker.answers_in_ms, broker.current_run, lambda: send(broker, topic(secured, "stream"))):
        with pytest.raises(AccessRefused, match=r"security\.mode"):
            act()


def test_a_broker_of_another_authority_is_refused(secured: SecuredBroker, tmp_path: Path) -> None:
    other, _ = secrets_of_role().completed({}, "other", [], ["127.0.0.1"])
    (tmp_path / "ca.pem").write_text(other["ca"]["certificate"])
    security = secured.settings.security.model_copy(update={"ca": tmp_path / "ca.pem"})
    with pytest.raises(AccessRefused, match="a certificate of our own CA"):
        Broker(secured.settings.model_copy(update={"security": security})).answers_in_ms()


def test_init_knows_a_password_by_what_the_broker_keeps_of_it(
    secured: SecuredBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    basic = types.ModuleType("ansible.module_utils.basic")
    basic.AnsibleModule = object  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, basic.__name__, basic)
    program = runpy.run_path(str(ROLES / "kafka" / "library" / "scram_users.py"))
    users = program["known"](secured.described_users())
    assert set(users) == {"admin", *PARTS}
    for user, stored in users.items():
        assert program["matches"](secured.secrets["passwords"][user], stored)
        assert not program["matches"]("wuzzle", stored)


def as_user(broker: SecuredBroker, user: str, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("CREDENTIALS_DIRECTORY", str(broker.credentials(user)))


def test_the_whole_path_each_part_as_its_own_user(
    secured: SecuredBroker, tmp_path: Path, endless_cosmics: GrowingFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = Parts(
        secured.settings_of("operator"),
        tmp_path / "parts",
        "whole-path",
        source__kind="files",
        source__files=[str(endless_cosmics.path)],
        source__loop=False,
        producer__rows_per_s=20_000,
        producer__linger_ms=200,
    )
    admin = Broker(parts.settings.model_copy(update={"security": secured.settings.security}))
    admin.create_topics()
    admin.set_access()
    try:
        runs.begin(parts.broker, "a test")
        as_user(secured, "analysis", monkeypatch)
        analysis = parts.start("analyse")
        as_user(secured, "producer", monkeypatch)
        producer = parts.start("produce")
        monkeypatch.delenv("CREDENTIALS_DIRECTORY")
        parts.wait_until_accounted(50_000)
        secret = secured.secrets["passwords"]["analysis"]
        assert_hidden(secret, analysis.pid, parts.settings.ports.spark_application_ui)

        # Another password: who has the old one ends with a clear reason, and goes on with the new one.
        secured.secrets["passwords"]["producer"] = "another-word"
        secured.set_password("producer", "another-word")
        secured.stop()
        secured.start()
        assert producer.wait(120) == 1
        assert re.search("does not take the user 'producer'", parts.log("produce"))
        (secured.credentials("producer") / "kafka.json").write_text(
            '{"user": "producer", "password": "another-word"}'
        )
        sent = parts.rows_sent()
        as_user(secured, "producer", monkeypatch)
        producer = parts.start("produce")
        wait_until(lambda: parts.rows_sent() > sent, "the producer goes on", by=producer)
        parts.finish(producer, endless_cosmics)
        total = parts.wait_until_through()
        assert total.rows == parts.rows_sent()
        assert parts.stop(analysis) == 0
    finally:
        monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
        parts.close()
        Broker(secured.settings).set_access()


def assert_hidden(secret: str, process: int, ui_port: int) -> None:
    """See that a secret is in no command line of the analysis, and on no page of its Spark."""
    lines = []
    for member in (psutil.Process(process), *psutil.Process(process).children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):  # a short-lived one has ended
            lines.append(" ".join(member.cmdline()))
    assert any("org.apache.spark" in line for line in lines)
    assert not any(secret in line for line in lines)
    for page in ("environment/", "SQL/", "StreamingQuery/"):
        with urllib.request.urlopen(f"http://127.0.0.1:{ui_port}/{page}", timeout=30) as answer:
            assert secret not in answer.read().decode()
