"""A real ZooKeeper and broker, and a real S3 server, on free ports of loopback, for tests that need one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from bucket_store import Store
from embedded_broker import LOCALHOST, LOCK, EmbeddedBroker
from s3_server import FaultyProxy, S3Server

from cosmo import artifacts
from cosmo.artifacts import Jars
from cosmo.settings import Settings


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
