"""Invented results onto the broker, as a run of their own: to work on a dashboard that runs already."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import datetime

from cosmo import runs
from cosmo.broker import Broker
from cosmo.errors import AlreadyRunning
from cosmo.fake import FakeRun


def publish(broker: Broker, fake: FakeRun, stop: threading.Event) -> int:
    """Publish each result when its time has come, until stopped; return how many were published.

    Raises
    ------
    AlreadyRunning : a run is on; invented results are not mixed with those of a detector.
    """
    known, _ = broker.run_messages()
    if known and not known[max(known)].ended:
        raise AlreadyRunning(
            f"expected no run, number {max(known)} is on; end it with `cosmo halt`, or leave out --publish"
        )
    run = runs.begin(broker, fake.record.source, fake.record.note)
    results_log = broker.numbered_log(
        broker.topics.results.name, run.number, broker.newest(broker.topics.results.name, run.number, {})
    )
    published = 0
    try:
        for result in replace(fake, number=run.number).results():
            due_s = datetime.fromisoformat(result.published).timestamp()
            if stop.wait(max(0.0, due_s - time.time())):
                break
            headers = [("run", str(run.number).encode()), ("number", str(result.number).encode())]
            if results_log.publish(0, result.number, result.to_json(), headers, stop.is_set):
                published += 1
    finally:
        results_log.close()
        runs.end(broker, run)
    return published
