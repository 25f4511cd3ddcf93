"""The broker is killed and stays away for three minutes: nothing is lost, and it is said once."""

from __future__ import annotations

import re
import time

from embedded_broker import EmbeddedBroker
from exact_sum import assert_exact, summary_of
from growing_file import GrowingFile
from recordings import NewParts
from stream_parts import wait_until

OUTAGE_S = 180
AGAIN = "the broker answers again"
MOST_SENTENCES = 12
"""Of a part that starts, sees the broker go and come back, and ends: a few, not one a second."""
STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
"""How a sentence begins; the lines of a trace that Spark may add to one do not."""


def test_three_minutes_without_a_broker(
    broker: EmbeddedBroker, endless_cosmics: GrowingFile, new_parts: NewParts
) -> None:
    parts = new_parts(
        source__kind="files",
        source__files=[str(endless_cosmics.path)],
        source__loop=False,
        producer__rows_per_s=50_000,
        producer__linger_ms=200,
    )
    parts.begin_run()
    analysis = parts.start("analyse")
    wait_until(parts.results, "the analysis's first result", by=analysis)
    producer = parts.start("produce")
    wait_until(lambda: parts.total().rows > 0, "rows in flight", by=producer)
    known = parts.results()

    broker.kill()
    came_back = time.monotonic() + OUTAGE_S
    while time.monotonic() < came_back:
        assert (producer.poll(), analysis.poll()) == (None, None), parts.log("produce") + parts.log("analyse")
        time.sleep(1)  # the outage itself
    for part in ("produce", "analyse"):  # also where it took the broker away from under a batch
        assert parts.settings.kafka_address in parts.log(part), f"{part} says who is away, while it is away"
    broker.start()

    wait_until(lambda: AGAIN in parts.log("produce"), "the producer's word", by=producer)
    wait_until(lambda: len(parts.results()) > len(known) + 2, "new results", by=analysis)
    parts.finish(producer, endless_cosmics)
    parts.wait_until_through()
    assert parts.stop(analysis) == 0
    assert_exact(parts, summary_of(endless_cosmics.path))
    assert parts.results()[: len(known)] == known, "the history is kept"

    for part in ("produce", "analyse"):
        log = parts.log(part)
        assert sum(1 for line in log.splitlines() if STAMP.match(line)) <= MOST_SENTENCES, log
        assert "Traceback" not in log
    assert parts.log("produce").count(AGAIN) == 1
