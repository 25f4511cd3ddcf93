"""What of the stream is not measured, as a real broker tells it."""

from __future__ import annotations

import time

from recordings import NewParts

from cosmo import runs
from dashboard_results import result


def test_the_oldest_record_that_no_result_covers(new_parts: NewParts) -> None:
    parts = new_parts()
    topic = parts.settings.topics.stream.name
    parts.begin_run()
    parts.broker.send(topic, [b"before the run"])
    run = runs.begin(parts.broker, "nothing")
    assert runs.oldest_unread_s(parts.broker, run) is None

    parts.broker.send(topic, [b"one", b"two"])
    came_s = time.time()
    ends = {str(partition): end for partition, end in parts.broker.end_offsets(topic).items()}
    waits_s = runs.oldest_unread_s(parts.broker, run)
    assert waits_s is not None
    assert 0 <= waits_s < time.time() - came_s + 5

    results = parts.settings.topics.results.name
    log = parts.broker.numbered_log(results, run.number, parts.broker.newest(results, run.number, {}))
    through = result(0, 0, run=run.number).model_copy(update={"offsets": ends})
    headers = [("run", str(run.number).encode()), ("number", b"0")]
    assert log.publish(0, 0, through.to_json(), headers, lambda: False)
    log.close()
    assert runs.oldest_unread_s(parts.broker, run) is None
