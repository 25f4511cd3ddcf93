"""Results of several runs among each other on the topic, as where an analysis was forgotten."""

from __future__ import annotations

from dataclasses import replace

import pytest
from recordings import NewParts
from stream_parts import Parts

from cosmo import runs
from cosmo.fake import FakeRun
from cosmo.results import Result

N = 59


@pytest.fixture
def parts(new_parts: NewParts) -> Parts:
    parts = new_parts()
    parts.begin_run()
    parts.begin_run()
    return parts


def publish(parts: Parts, wanted: list[tuple[int, int]]) -> dict[int, list[Result]]:
    """Publish results, given by run and number, in this order; return them by run."""
    fake = FakeRun(began_s=1.7e9, rows_per_s=200.0, with_faults=False)
    made = {run: replace(fake, number=run).results() for run, _ in wanted}
    topic = parts.settings.topics.results.name
    logs = {run: parts.broker.numbered_log(topic, run, parts.broker.newest(topic, run, {})) for run in made}
    published: dict[int, list[Result]] = {run: [] for run in made}
    for run, number in wanted:
        result = next(made[run])
        assert result.number == number
        headers = [("run", str(run).encode()), ("number", str(number).encode())]
        assert logs[run].publish(0, number, result.to_json(), headers, lambda: False)
        published[run].append(result)
    for log in logs.values():
        log.close()
    return published


def test_results_of_a_forgotten_analysis_among_ours_hide_none(parts: Parts) -> None:
    published = publish(parts, [(run, number) for number in range(N) for run in (1, 2)])
    assert [result.number for result in parts.broker.results(2, -1)] == list(range(N))
    assert [result.number for result in parts.broker.results(2, 40)] == list(range(41, N))
    rows = sum(result.summary.summary().rows for result in published[2])
    assert runs.account(parts.broker, parts.run).rows_accounted == rows


def test_a_run_that_has_none_yet_is_found_out_without_reading_all(parts: Parts) -> None:
    publish(parts, [(1, number) for number in range(200)])
    assert parts.broker.results(2, -1) == []
