"""One record a row, at a rate, for the plain design: plain_producer.py DOCUMENT ROWS RATE SECONDS."""

from __future__ import annotations

import itertools
import sys
import time
from pathlib import Path

from kafka import KafkaProducer

from cosmo.pace import SteadyPace
from cosmo.settings import Settings


def main(document: Path, rows: Path, rate: float, seconds: float) -> None:
    settings = Settings.load(document)
    topic, partitions = settings.topics.stream.name, settings.topics.stream.partitions
    producer = KafkaProducer(
        bootstrap_servers=settings.kafka_address,
        acks=1,
        linger_ms=20,
        batch_size=262144,
        enable_idempotence=False,
    )
    lines = itertools.cycle(rows.read_bytes().splitlines())
    began = time.monotonic()
    pace = SteadyPace(rate, began)
    number = 0
    while (now := time.monotonic()) - began < seconds:
        due = int(pace.due(now))
        for line in itertools.islice(lines, due):
            producer.send(topic, line, partition=number % partitions)
            number += 1
        pace.release(due)
        time.sleep(max(0.005, pace.wait_s(time.monotonic())))
    producer.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]))
