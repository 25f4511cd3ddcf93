"""A run whose results are past their retention goes on from its total."""

from __future__ import annotations

import threading

from recordings import NewParts

from cosmo import runs
from cosmo.analysis import Analysis
from cosmo.dashboard.collector import Collector
from cosmo.results import RunTotal, SummaryMessage
from cosmo.statistics import Summary


def test_an_analysis_goes_on_from_the_total(new_parts: NewParts) -> None:
    parts = new_parts()
    run = parts.begin_run()
    total = RunTotal(
        run=run.number,
        number=1000,
        offsets={str(p): 500 for p in range(parts.settings.topics.stream.partitions)},
        highest={"0": 998},
        summary=SummaryMessage.of(Summary.counting(unmapped=7)),
    )
    parts.broker.put_total(total)
    for _ in range(2):  # the second goes on from the total that the first has written
        analysis = Analysis(parts.settings, parts.broker, run, threading.Event())
        analysis.heartbeat(now=True)
        analysis.close()
    results = parts.broker.results(run.number, -1)
    assert [result.number for result in results] == [1001, 1002]
    assert all((each.offsets, each.highest) == (total.offsets, total.highest) for each in results)
    assert runs.account(parts.broker, run).rows_accounted == 7

    shown = Collector(parts.settings.dashboard)
    shown.begin(run, total)
    assert all(shown.add(result, 1.0e9) for result in results)
    assert (shown.snapshot.results, shown.snapshot.missed) == (1003, 0)
