"""The jars' lock and cache, against a small Maven repository on loopback."""

from __future__ import annotations

import hashlib
import shutil
import socket
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest

from cosmo import artifacts, maven
from cosmo.errors import ArtifactError

LOCK = Path(__file__).parents[2] / "config" / "artifacts.lock.yml"
CONTENT = {"broker-1.0.jar": b"broker" * 1000, "client-2.0.jar": b"client" * 500}
PATHS = {
    "broker-1.0.jar": "org/example/broker/1.0/broker-1.0.jar",
    "client-2.0.jar": "org/example/client/2.0/client-2.0.jar",
}


class Repository(NamedTuple):
    """What the server does and has done."""

    address: str
    asked: Counter[str]  #: requests by file name
    bodies: dict[str, bytes]  #: by file name
    failures: dict[str, list[str]]  #: by file name: what to do wrong, one entry a request


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch):
    asked: Counter[str] = Counter()
    bodies = dict(CONTENT)
    failures: dict[str, list[str]] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.rpartition("/")[2]
            asked[name] += 1
            failure = failures[name].pop(0) if failures.get(name) else None
            body = bodies[name]
            if self.path.strip("/") != PATHS[name]:
                self.send_error(404)
            elif failure == "truncated":
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: len(body) // 2])
            elif failure is not None:
                self.send_error(int(failure))
            else:
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv(maven.REPOSITORY_VARIABLE, address + "/")
        monkeypatch.setattr(maven, "FIRST_RETRY_AFTER_S", 0.001)
        yield Repository(address, asked, bodies, failures)
        server.shutdown()
        thread.join()


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "lock.yml"
    path.write_text(f"kafka:\n{entry('broker:1.0')}\nspark_kafka:\n{entry('client:2.0')}\n")
    return path


def entry(artifact: str, group: str = "org.example") -> str:
    content = CONTENT[f"{artifact.replace(':', '-')}.jar"]
    sha256 = hashlib.sha256(content).hexdigest()
    return f"  - {{jar: '{group}:{artifact}', bytes: {len(content)}, sha256: {sha256}}}"


def test_jars_are_fetched_by_group_with_their_content(
    repository: Repository, lock: Path, tmp_path: Path
) -> None:
    jars = artifacts.fetch(lock, tmp_path / "cache")
    assert [path.name for path in jars.kafka] == ["broker-1.0.jar"]
    assert [path.name for path in jars.spark_kafka] == ["client-2.0.jar"]
    for path in (*jars.kafka, *jars.spark_kafka):
        assert path.read_bytes() == CONTENT[path.name]
    assert repository.asked == {"broker-1.0.jar": 1, "client-2.0.jar": 1}


@pytest.mark.usefixtures("repository")
def test_progress_counts_bytes_up_to_the_whole_lock(lock: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    artifacts.fetch(lock, tmp_path / "cache", lambda done, total: seen.append((done, total)))
    assert seen[0] == (0, 9000)
    assert seen[1] in [(6000, 9000), (3000, 9000)]  # 6 * 1000 or 6 * 500 bytes, whichever came first
    assert seen[2:] == [(9000, 9000)]


def test_a_complete_cache_needs_no_server(
    repository: Repository, lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = artifacts.fetch(lock, tmp_path / "cache")
    monkeypatch.setenv(maven.REPOSITORY_VARIABLE, "http://127.0.0.1:1")
    assert artifacts.fetch(lock, tmp_path / "cache") == first
    assert repository.asked.total() == 2


def test_a_damaged_jar_of_the_cache_is_fetched_again(
    repository: Repository, lock: Path, tmp_path: Path
) -> None:
    (broker,) = artifacts.fetch(lock, tmp_path / "cache").kafka
    broker.write_bytes(b"BROKER" * 1000)  # as long as the right one
    artifacts.fetch(lock, tmp_path / "cache")
    assert broker.read_bytes() == CONTENT["broker-1.0.jar"]
    assert repository.asked == {"broker-1.0.jar": 2, "client-2.0.jar": 1}


@pytest.mark.parametrize(
    "failures",
    [
        pytest.param(["truncated"], id="body ends early"),
        pytest.param(["503", "429", "truncated"], id="server is overloaded"),
    ],
)
def test_what_can_pass_is_tried_again(
    failures: list[str], repository: Repository, lock: Path, tmp_path: Path
) -> None:
    repository.failures["broker-1.0.jar"] = list(failures)
    (broker,) = artifacts.fetch(lock, tmp_path / "cache").kafka
    assert broker.read_bytes() == CONTENT["broker-1.0.jar"]
    assert repository.asked["broker-1.0.jar"] == len(failures) + 1


@pytest.mark.parametrize(
    ("failures", "tries", "reason"),
    [
        pytest.param(["truncated"] * 9, 4, "ended after 3000 of 6000 bytes", id="body always ends early"),
        pytest.param(["503"] * 9, 4, "HTTP status 503", id="server stays overloaded"),
        pytest.param(["404"] * 9, 1, "HTTP status 404", id="no such jar"),
    ],
)
def test_what_does_not_pass_ends_with_one_sentence(
    failures: list[str], tries: int, reason: str, repository: Repository, lock: Path, tmp_path: Path
) -> None:
    repository.failures["broker-1.0.jar"] = failures
    with pytest.raises(ArtifactError, match=f"broker-1.0.jar.*{reason}.*{maven.REPOSITORY_VARIABLE}"):
        artifacts.fetch(lock, tmp_path / "cache")
    assert repository.asked["broker-1.0.jar"] == tries
    assert files_of("broker", tmp_path) == []


@pytest.mark.parametrize(
    ("body", "n_bytes"),
    [
        pytest.param(b"BROKER" * 1000, 6000, id="another content"),
        pytest.param(b"<html>log in</html>", 19, id="a login page"),
        pytest.param(CONTENT["broker-1.0.jar"] + b"x", 6001, id="one byte more"),
    ],
)
def test_another_content_is_refused_at_once(
    body: bytes, n_bytes: int, repository: Repository, lock: Path, tmp_path: Path
) -> None:
    repository.bodies["broker-1.0.jar"] = body
    with pytest.raises(ArtifactError) as raised:
        artifacts.fetch(lock, tmp_path / "cache")
    message = str(raised.value)
    assert f"{repository.address}/{PATHS['broker-1.0.jar']}: expected SHA-256" in message
    assert hashlib.sha256(CONTENT["broker-1.0.jar"]).hexdigest() in message
    assert f"got {hashlib.sha256(body).hexdigest()} ({n_bytes} bytes)" in message
    assert repository.asked["broker-1.0.jar"] == 1
    assert files_of("broker", tmp_path) == []


def test_a_server_that_is_away_is_named(
    repository: Repository, lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
        monkeypatch.setenv(maven.REPOSITORY_VARIABLE, address)
        with pytest.raises(ArtifactError, match=f"{address}.*after 4 tries: .*refused.*connect this machine"):
            artifacts.fetch(lock, tmp_path / "cache")
    assert repository.asked.total() == 0


def test_a_repository_that_is_no_web_address_is_refused(
    lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(maven.REPOSITORY_VARIABLE, "file:///etc")
    with pytest.raises(ArtifactError, match="expected an https or http address, got 'file:///etc'"):
        artifacts.fetch(lock, tmp_path / "cache")


def test_a_full_disk_is_named_before_anything_is_fetched(
    repository: Repository, lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifacts, "SPARE_DISK_BYTES", shutil.disk_usage(tmp_path).total)
    with pytest.raises(ArtifactError, match="MiB of free disk for 2 jars"):
        artifacts.fetch(lock, tmp_path / "cache")
    assert repository.asked.total() == 0


def test_a_cache_that_cannot_be_made_is_named(repository: Repository, lock: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(ArtifactError, match=r"cache/.*Not a directory"):
        artifacts.fetch(lock, tmp_path / "cache")
    assert repository.asked.total() == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("kafka: []\n", "spark_kafka: Field required", id="group is missing"),
        pytest.param("kafka: [\n", "expected the lock of the jars, got", id="not YAML"),
        pytest.param(
            f"kafka:\n{entry('broker:1.0', '../../etc')}\nspark_kafka: []\n",
            r"kafka\.0\.jar: String should match",
            id="a path in the coordinates",
        ),
    ],
)
def test_a_lock_that_cannot_be_used_is_named(text: str, message: str, tmp_path: Path) -> None:
    lock = tmp_path / "lock.yml"
    lock.write_text(text)
    with pytest.raises(ArtifactError, match=f"lock.yml: {message}"):
        artifacts.fetch(lock, tmp_path / "cache")


def test_the_lock_of_this_repository_names_what_the_contract_says() -> None:
    lock = artifacts.Lock.load(LOCK)
    assert len(lock.kafka) == 42
    assert "org.apache.kafka:kafka_2.13:3.2.0" in [artifact.jar for artifact in lock.kafka]
    assert [artifact.jar for artifact in lock.spark_kafka] == [
        "org.apache.commons:commons-pool2:2.6.2",
        "org.apache.kafka:kafka-clients:2.8.0",
        "org.apache.spark:spark-sql-kafka-0-10_2.12:3.2.1",
        "org.apache.spark:spark-token-provider-kafka-0-10_2.12:3.2.1",
    ]


def files_of(artifact: str, tmp_path: Path) -> list[Path]:
    return [path for path in tmp_path.rglob(f"*{artifact}*") if path.is_file()]
