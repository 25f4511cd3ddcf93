"""A broker that answers but takes nothing: the producer waits, reads no further than it must, loses none."""

from __future__ import annotations

from pathlib import Path

from embedded_broker import EmbeddedBroker
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from recordings import SEED, NewParts
from stream_parts import GIVE_UP_S, Process, wait_until

from cosmo.generator import KINDS

FILE_BYTES = 48 << 20
MOST_READ = 16 << 20
"""Slices waiting to be sent, the one being filled, and blocks of the file read ahead."""
REPLICAS = "min.insync.replicas"


def test_a_producer_that_is_refused_stops_reading(
    broker: EmbeddedBroker, new_parts: NewParts, tmp_path: Path
) -> None:
    path = tmp_path / "beam.csv"
    n_rows = _write(path)
    parts = new_parts(
        source__kind="files",
        source__files=[str(path)],
        source__loop=False,
        producer__rows_per_s="maximum",
        producer__linger_ms=100,
    )
    parts.begin_run()
    topic = parts.settings.topics.stream.name
    _configure(broker, topic, "2")  # more than there are brokers: NotEnoughReplicas
    producer = parts.start("produce")
    # Said when a first slice has been refused for as long as it is tried: the whole file is read in 3 s.
    wait_until(lambda: "trying again" in parts.log("produce"), "the producer's word", by=producer)
    read = _position(producer, path)
    assert 0 < read <= MOST_READ
    assert parts.rows_sent() == 0

    _configure(broker, topic, "1")
    assert producer.wait(GIVE_UP_S) == 0
    assert parts.rows_sent() == n_rows


def _write(path: Path) -> int:
    n_rows, index, recording = 0, 0, KINDS["beam"](seed=SEED)
    with path.open("wb") as file:
        while file.tell() < FILE_BYTES:
            chunk = recording.chunk(index)
            file.write(chunk.rows)
            n_rows += chunk.n_rows
            index += 1
    return n_rows


def _configure(broker: EmbeddedBroker, topic: str, replicas: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=broker.address)
    try:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {REPLICAS: replicas})])
    finally:
        admin.close()


def _position(process: Process[bytes], path: Path) -> int:
    """Return how far a process has read a file that it has open."""
    folder = Path("/proc") / str(process.pid)
    (number,) = (each.name for each in (folder / "fd").iterdir() if each.resolve() == path)
    return int((folder / "fdinfo" / number).read_text().split()[1])
