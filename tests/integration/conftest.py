"""A real ZooKeeper and broker on free ports of loopback, for tests that need one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from embedded_broker import LOCALHOST, LOCK, EmbeddedBroker

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
