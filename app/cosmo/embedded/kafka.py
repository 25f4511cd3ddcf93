"""The broker as a child."""

from __future__ import annotations

from functools import partial
from typing import Final

from cosmo import probes
from cosmo.artifacts import Jars
from cosmo.embedded import java, zookeeper
from cosmo.embedded.child import Child
from cosmo.embedded.folder import DataFolder
from cosmo.probes import Probe
from cosmo.settings import Settings

NAME: Final = "kafka"
HOST: Final = "127.0.0.1"
BROKER_ID: Final = 0
BROKER_ZNODE: Final = f"/brokers/ids/{BROKER_ID}"
SESSION_MS: Final = 6000
"""How long ZooKeeper believes in a broker that is silent: longer than the pauses of a busy laptop."""
INFO_LOGGERS: Final = ("kafka.server.KafkaServer", "kafka.log.LogManager")


def child(settings: Settings, folder: DataFolder, jars: Jars, ready: Probe) -> Child:
    """Describe the broker: one, its topics in the data folder's `kafka`.

    Parameters
    ----------
    ready : says whether the broker answers with itself as the controller. Only `cosmo.broker` speaks Kafka.
    """
    configuration = folder.configuration / "server.properties"
    log4j = folder.configuration / "kafka-log4j.properties"
    return Child(
        name=NAME,
        argv=java.command("kafka.Kafka", [str(configuration)], heap=settings.memory.kafka, log4j=log4j),
        environment=java.environment(jars.kafka),
        folder=folder.path,
        log=folder.log(NAME),
        files={configuration: _configuration(settings), log4j: java.log4j(info=INFO_LOGGERS)},
        needs=(zookeeper.NAME,),
        # A broker that was killed leaves its session behind. A new one that finds it there ends at once.
        before=partial(probes.zookeeper_forgot, zookeeper.HOST, settings.ports.zookeeper, BROKER_ZNODE),
        ready=lambda _: ready(),
        ready_within_s=60,
        stop_within_s=10,
    )


def _configuration(settings: Settings) -> str:
    record_max_bytes = settings.producer.record_max_bytes
    # Relative paths: commas, blanks and umlauts in the data folder's name mean something in these files.
    return java.properties(
        {
            "broker.id": BROKER_ID,
            "listeners": f"PLAINTEXT://{HOST}:{settings.ports.kafka}",
            "zookeeper.connect": f"{zookeeper.HOST}:{settings.ports.zookeeper}",
            "zookeeper.session.timeout.ms": SESSION_MS,
            "log.dirs": "./kafka",
            "auto.create.topics.enable": False,
            "delete.topic.enable": True,
            "message.max.bytes": record_max_bytes,
            "replica.fetch.max.bytes": record_max_bytes,
            # One broker, so one replica, and few partitions of what only the broker itself needs.
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 1,
            "group.initial.rebalance.delay.ms": 0,
            # Retention by bytes overshoots by what comes in between two checks.
            "log.retention.check.interval.ms": 60_000,
            # The default takes 128 MiB of the heap; this is room for half a million keys.
            "log.cleaner.dedupe.buffer.size": 16 << 20,
            "num.network.threads": 2,
            "num.io.threads": 4,
            "background.threads": 4,
            # There is no other broker to hand over to.
            "controlled.shutdown.max.retries": 1,
            "controlled.shutdown.retry.backoff.ms": 500,
        }
    )
