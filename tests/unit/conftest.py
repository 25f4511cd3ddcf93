"""Random examples are the same at every run, so that a failure is one for everybody; and beam to compare."""

import gc

import pytest
from hypothesis import HealthCheck, settings

from cosmo.generator import Beam
from sample_rows import recording

settings.register_profile(
    "cosmo", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("cosmo")


def pytest_sessionstart():
    gc.disable()


def pytest_collection_finish():
    """Keep what was imported out of what the garbage collector looks through again and again."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def recorded_beam():
    return recording("minidt_beam_67000rows.csv.gz")


@pytest.fixture(scope="session")
def generated_beam():
    beam = Beam(seed=7)
    return b"".join(beam.chunk(index).rows for index in range(6))
