"""Parts of the benchmark that need no broker, on few rows and for a moment."""

import pytest

from benchmark import data, pure, released


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    path = tmp_path_factory.mktemp("benchmark") / "beam.csv"
    data.write_rows(data.BEAM, path, 20_000)
    return path


def test_the_release_of_rows(rows, monkeypatch):
    for name, seconds in (("SECONDS", 1.0), ("FIRST_S", 0.1), ("WINDOW_S", 0.5)):
        monkeypatch.setattr(released, name, seconds)
    seen = released._measure(rows, 10_000.0)
    assert seen.windows > 10
    least, most = seen.off
    assert -0.5 < least <= most < 0.5


def test_the_pure_limit(rows, monkeypatch):
    monkeypatch.setattr(pure, "SECONDS", 0.1)

    class Once(list):
        def wait(self):
            pass

        put = list.append

    rates = Once()
    pure.measure_core(rows, Once(), rates)
    assert rates[0] > 10_000
