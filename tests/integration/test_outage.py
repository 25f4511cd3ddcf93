"""The broker is killed and stays away for three minutes: nothing is lost, and it is said once."""

from __future__ import annotations

import time

from conftest import NewParts, Recording
from embedded_broker import EmbeddedBroker
from exact_sum import assert_exact, summary_of
from stream_parts import wait_until

OUTAGE_S = 180
AWAY, AGAIN = "trying again until it answers", "the broker answers again"
MOST_LINES = 12
"""Of a part that starts, sees the broker go and come back, and ends: a few sentences, no trace."""


def test_three_minutes_without_a_broker(
    broker: EmbeddedBroker, more_cosmics: Recording, new_parts: NewParts
) -> None:
    parts = new_parts(
        source__kind="files",
        source__files=[str(more_cosmics.path)],
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
    broker.start()

    wait_until(lambda: AGAIN in parts.log("produce"), "the producer's word", by=producer)
    wait_until(lambda: AGAIN in parts.log("analyse"), "the analysis's word", by=analysis)
    parts.finish(producer)
    parts.wait_until_through()
    assert parts.stop(analysis) == 0
    assert_exact(parts, summary_of(more_cosmics.path))
    assert parts.results()[: len(known)] == known, "the history is kept"

    for part in ("produce", "analyse"):
        lines = parts.log(part).splitlines()
        assert sum(AWAY in line for line in lines) == 1, part
        assert sum(AGAIN in line for line in lines) == 1, part
        assert len(lines) <= MOST_LINES, "\n".join(lines)
