"""Stream topic -> Spark -> results topic. With measuring.py and task_daemon.py the only importer of pyspark.

A micro-batch is one Spark job without a shuffle: one task for each Kafka partition measures its slices and
gives one row, the driver adds the rows and publishes the sum. Publishing is the commit: the analysis starts
from the newest result of its run, whatever a checkpoint says, so it may die at any moment and start again on
any host.
"""

from __future__ import annotations

import json
import logging
import math
import os
import pickle
import shutil
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming import StreamingQuery

from cosmo import runs, spark_security
from cosmo.broker import Broker, NumberedLog, Offsets, wait_for
from cosmo.errors import AccessRefused, BrokerAway, CosmoError, PartFailed
from cosmo.measuring import HIGHEST, ROW_SCHEMA, Measure
from cosmo.results import Result, Run, RunTotal, SummaryMessage, Timings
from cosmo.settings import Settings
from cosmo.slice_records import utc
from cosmo.statistics import Summary

log = logging.getLogger(__name__)

HEARTBEAT_S = 5.0
DRAIN_S = 10.0
"""Most time spent, on a stop, on working off what is in the stream."""
STUCK_S = 60.0
"""A batch of which nothing has moved for this long is stuck, and the watchdog is not fed any more."""
TOTAL_EVERY = 60
"""Results between totals on cosmo-runs."""
JAVA_OPTIONS = (
    # To G1 a slice of 1 MiB is a humongous object: three quarters of the JVM's time went into collecting it.
    # What is fetched lives as long as a task and must not grow old: half of the heap is for the young.
    # Every batch is planned anew, in new classes: the second compiler never earns back what it takes, and
    # a metaspace that begins small is collected, with all of the heap, each time it grows.
    "-XX:+UseSerialGC -XX:NewRatio=1 -XX:SurvivorRatio=4 -XX:MetaspaceSize=256m -XX:TieredStopAtLevel=1 "
    "-Dio.netty.tryReflectionSetAccessible=true "
) + " ".join(
    f"--add-opens=java.base/{package}=ALL-UNNAMED"
    for package in (
        "java.lang",
        "java.lang.invoke",
        "java.lang.reflect",
        "java.io",
        "java.net",
        "java.nio",
        "java.util",
        "java.util.concurrent",
        "java.util.concurrent.atomic",
        "sun.nio.ch",
        "sun.nio.cs",
        "sun.security.action",
        "sun.util.calendar",
    )
)
"""Of driver and executors. Spark 3.2.1 reaches into these: with a warning on Java 11, not at all on 17."""
PORTS_TRIED = 8
"""Ports after the named one that are tried too: an executor may still be ending where the next one starts."""
FETCH_WITHIN_S = 15.0
"""A fetch that takes longer has lost its broker. A task asks twice: well before its batch counts as stuck."""
_OTHER_VERSIONS = {
    "spark.excludeOnFailure.enabled": "true",
    "spark.excludeOnFailure.task.maxTaskAttemptsPerExecutor": "2",
    "spark.excludeOnFailure.application.maxFailedTasksPerExecutor": "20",
    "spark.excludeOnFailure.timeout": "10min",
    "spark.task.maxFailures": "8",
    # Where there is but one, it waits by default two minutes for another.
    "spark.scheduler.excludeOnFailure.unschedulableTaskSetTimeout": "1s",
}
"""For a cluster. A worker that an init went on without has the version before when it comes back, and lacks
this one's Python: what it is given fails in milliseconds. The others do that, and who fails on and on is left
out for a while."""
_CHECK_S = 0.2
_BROKER_SIGNS = ("org.apache.kafka", "TimeoutException", "KafkaException")
_REFUSED_SIGNS = ("AuthorizationException", "AuthenticationException")
_LOG4J = """
log4j.rootLogger=WARN, console
log4j.appender.console=org.apache.log4j.ConsoleAppender
log4j.appender.console.target=System.err
log4j.appender.console.layout=org.apache.log4j.PatternLayout
log4j.appender.console.layout.ConversionPattern=%d{ISO8601} %p %c{1}: %m%n
# Says for every record that it does not run in an UninterruptibleThread, which is harmless.
log4j.logger.org.apache.spark.sql.kafka010.consumer.KafkaDataConsumer=ERROR
# Say every second that the broker is away; we say it once.
log4j.logger.org.apache.kafka.clients=ERROR
log4j.logger.org.apache.spark.sql.kafka010=ERROR
# Tell the failure of a task one after the other, each with its traces; we say what ended the query.
log4j.logger.org.apache.spark.executor.Executor=OFF
log4j.logger.org.apache.spark.scheduler.TaskSetManager=ERROR
log4j.logger.org.apache.spark.TaskContextImpl=OFF
log4j.logger.org.apache.spark.sql.execution.python.ArrowPythonRunner=OFF
log4j.logger.org.apache.spark.sql.execution.streaming.MicroBatchExecution=OFF
log4j.logger.org.apache.hadoop.util.NativeCodeLoader=ERROR
"""


class Analysis:
    """The state between batches, and the publishing of results.

    Results come from Spark's thread (batches) and from the main one (heartbeats): one at a time.
    """

    def __init__(self, settings: Settings, broker: Broker, run: Run, stop: threading.Event) -> None:
        self._broker = broker
        self.run = run
        self._stop = stop
        self._partitions = settings.topics.stream.partitions
        self._lock = threading.Lock()  # held while a result is made
        newest, found = broker.newest_result(run.number)
        total = runs.total_of(broker, run)
        reached = runs.furthest(newest, total)
        start = reached.offsets if reached else run.start_offsets
        self.offsets: Offsets = {int(partition): offset for partition, offset in start.items()}
        self._highest: Offsets = {int(p): n for p, n in reached.highest.items()} if reached else {}
        self._number = reached.number + 1 if reached else 0
        found = replace(found, highest={0: self._number - 1})
        self._log: NumberedLog = broker.numbered_log(broker.topics.results.name, run.number, found)
        self._ends = broker.watch_ends(broker.topics.stream.name)
        self._total = self._sum_so_far(total)
        self._published_at = time.monotonic()  # the newest result, or this start
        self._moved_at = time.monotonic()
        self._tasks_done = 0
        self._closed = False
        self.failure: BaseException | None = None  #: of a batch; Spark tells only its text

    def _sum_so_far(self, known: RunTotal | None) -> Summary:
        """Return the sum of the run's results below the next one."""
        total, through = (known.summary.summary(), known.number) if known else (Summary.empty(), -1)
        if through < self._number - 1:
            # What another analysis has published since is not ours to go on from.
            results = self._broker.results(self.run.number, through)
            total, _ = runs.added(total, (each for each in results if each.number < self._number))
        return total

    def measure_batch(self, batch: DataFrame, _batch_id: int) -> None:
        """Measure one micro-batch and publish its result (called by Spark)."""
        with self._lock:
            if self._closed:
                return  # what has not been begun is left for the next start
            try:
                self._measure(batch)
            except BaseException as error:
                self.failure = error
                raise

    def moves(self, tasks_done: int) -> bool:
        """Whether something has moved lately: a batch or a task of it, a result, a try to publish one.

        Parameters
        ----------
        tasks_done : of the batch that is being measured.
        """
        if tasks_done != self._tasks_done:
            self._tasks_done = tasks_done
            self._moved()
        return time.monotonic() - self._moved_at < STUCK_S

    def _moved(self) -> None:
        self._moved_at = time.monotonic()

    def _gave_up(self) -> bool:
        self._moved()  # asked between two tries, while the broker is away
        return self._stop.is_set()

    def _measure(self, batch: DataFrame) -> None:
        began_at = time.monotonic()
        self._moved()
        highest = [self._highest.get(partition, -1) for partition in range(self._partitions)]
        batch.sql_ctx.sparkSession.sparkContext.setLocalProperty(HIGHEST, json.dumps(highest))
        rows = batch.collect()
        summary = Summary.empty()
        offsets = dict(self.offsets)
        for row in rows:
            summary += pickle.loads(row.summary)  # noqa: S301 - our own tasks wrote it
            offsets[row.partition] = row.next_offset
        first = min((row.first_release for row in rows), default=math.inf)
        last = max((row.last_release for row in rows), default=-math.inf)
        self._publish(summary, offsets, began_at, first, last)

    def heartbeat(self, *, now: bool = False) -> None:
        """Publish an empty result if there has been none for a while and no batch is being measured."""
        is_due = now or time.monotonic() - self._published_at >= HEARTBEAT_S
        if is_due and self._lock.acquire(blocking=False):
            try:
                self._publish(Summary.empty(), self.offsets, time.monotonic(), math.inf, -math.inf)
            finally:
                self._lock.release()

    def close(self) -> None:
        """Wait for the batch that is being measured, then write the run's total."""
        with self._lock:
            self._closed = True
            self._write_total()
            self._log.close()
            self._ends.close()

    def is_through(self, ends: Offsets) -> bool:
        """Whether everything before these offsets has been measured and published."""
        return all(self.offsets.get(partition, 0) >= end for partition, end in ends.items())

    def _publish(
        self, summary: Summary, offsets: Offsets, began_at: float, first_release: float, last_release: float
    ) -> None:
        """Publish a result; `began_at` is by the clock that only grows, the releases are Unix time."""
        total = self._total + summary  # before: a result that does not add up would stay in the topic
        highest = {**self._highest, **summary.numbers.highest}
        now, now_at = time.time(), time.monotonic()
        measured = first_release <= last_release
        result = Result(
            run=self.run.number,
            number=self._number,
            analysis=str(self._broker.writer),
            started=utc(now - (now_at - began_at)),
            published=utc(now),
            offsets={str(p): offset for p, offset in offsets.items()},
            highest={str(p): number for p, number in highest.items()},
            summary=SummaryMessage.of(summary),
            timings=Timings(
                batch_ms=1000 * (now_at - began_at),
                interval_ms=1000 * (now_at - self._published_at),
                latency_first_ms=1000 * (now - first_release) if measured else None,
                latency_last_ms=1000 * (now - last_release) if measured else None,
                backlog_slices=self._backlog(offsets),
            ),
        )
        headers = [
            ("run", str(result.run).encode()),
            ("number", str(result.number).encode()),
            ("analysis", result.analysis.encode()),
        ]
        if not self._log.publish(0, result.number, result.to_json(), headers, self._gave_up):
            return  # stopped while the broker was away: this batch is done again at the next start
        self.offsets, self._highest = offsets, highest
        self._total = total
        self._number += 1
        self._published_at = now_at
        self._moved()
        if result.number % TOTAL_EVERY == TOTAL_EVERY - 1:
            self._write_total()

    def _backlog(self, offsets: Offsets) -> int | None:
        try:
            ends = self._ends()
        except BrokerAway:  # said by the publishing that follows
            return None
        return sum(max(0, end - offsets.get(partition, 0)) for partition, end in ends.items())

    def _write_total(self) -> None:
        if self._number == 0:
            return
        number = self._number - 1
        try:
            summary = SummaryMessage.of(self._total)
        except ValueError:
            log.warning("the total up to result %d is not written: it counts more than rows can be", number)
            return
        total = RunTotal(
            run=self.run.number,
            number=number,
            offsets={str(p): offset for p, offset in self.offsets.items()},
            highest={str(p): highest for p, highest in self._highest.items()},
            summary=summary,
        )
        try:
            self._broker.put_total(total)
        except BrokerAway as error:  # readers add the results up; the next total spares them that again
            log.warning("the total up to result %d is not written: %s", number, error)


def start_session(settings: Settings, jars: Iterable[Path]) -> SparkSession:
    """Start Spark: inside this process's JVM, or on the cluster that the settings name.

    Parameters
    ----------
    jars : Spark's Kafka connector.
    """
    folder = settings.paths.data / "spark"
    folder.mkdir(parents=True, exist_ok=True)
    log4j = folder / "log4j.properties"
    log4j.write_text(_LOG4J, encoding="utf-8")
    logging.getLogger("py4j.clientserver").setLevel(logging.CRITICAL)  # it tells it too
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    os.environ.setdefault("SPARK_LOCAL_DIRS", str(folder / "local"))
    # Of the workers: by its own name, not by the link to the version that runs. Versions pickle differently.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ["PYSPARK_SUBMIT_ARGS"] = spark_security.submit_arguments(settings)
    options = {
        "spark.jars": ",".join(str(jar) for jar in jars),
        "spark.driver.memory": settings.memory.spark_driver,
        # The heap has its whole size from the start: what it takes is seen at once, not after an hour.
        "spark.driver.extraJavaOptions": (
            f"-Xms{settings.memory.spark_driver} -Dlog4j.configuration=file:{log4j} {JAVA_OPTIONS}"
        ),
        "spark.executor.extraJavaOptions": f"-Xms{settings.analysis.executor_memory} {JAVA_OPTIONS}",
        "spark.executor.memory": settings.analysis.executor_memory,
        # Spark forgets what it sent out for a batch when a collection of the old objects tells it to: seldom.
        "spark.cleaner.periodicGC.interval": "1min",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.ui.port": str(settings.ports.spark_application_ui),
        "spark.ui.showConsoleProgress": "false",
        "spark.python.daemon.module": "cosmo.task_daemon",
        "spark.sql.execution.arrow.maxRecordsPerBatch": str(settings.analysis.slices_per_arrow_batch),
        # The default manager forks about twenty processes a batch.
        "spark.sql.streaming.checkpointFileManagerClass": (
            "org.apache.spark.sql.execution.streaming.FileSystemBasedCheckpointFileManager"
        ),
        "spark.sql.streaming.minBatchesToRetain": "2",
        "spark.sql.adaptive.enabled": "false",  # is off in streams, with a warning
        "spark.redaction.regex": spark_security.HIDDEN,
        **_addresses(settings),
        **(_OTHER_VERSIONS if settings.on_cluster else {}),
    }
    builder = SparkSession.builder.appName(settings.application).master(settings.spark_master)
    for name, value in options.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def _addresses(settings: Settings) -> dict[str, str]:
    """Return where executors reach this driver, and where all listen; nothing of it inside one process."""
    if not settings.endpoints.spark_master:
        return {}
    ports = settings.ports
    here = _address_towards(settings.endpoints.spark_master)
    return {
        "spark.driver.host": here,
        "spark.driver.bindAddress": here,
        "spark.driver.port": str(ports.spark_driver),
        "spark.blockManager.port": str(ports.spark_block_manager),  # of the driver, and on each worker
        "spark.port.maxRetries": str(PORTS_TRIED),
    }


def _address_towards(spark_master: str) -> str:
    """Return the address of this host that the master, and so its workers, can reach."""
    host, _, port = spark_master.removeprefix("spark://").rpartition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as towards:
        towards.connect((host, int(port)))  # sends nothing, only chooses the way
        address: str = towards.getsockname()[0]
    return address


def start_query(spark: SparkSession, settings: Settings, analysis: Analysis) -> StreamingQuery:
    """Start the stream from the offsets that are reached, with an emptied checkpoint."""
    checkpoint = settings.paths.data / "checkpoint"
    shutil.rmtree(checkpoint, ignore_errors=True)
    topic = settings.topics.stream.name
    offsets = {str(partition): offset for partition, offset in analysis.offsets.items()}
    records = (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", settings.kafka_address)
        .option("assign", json.dumps({topic: sorted(analysis.offsets)}))
        .option("startingOffsets", json.dumps({topic: offsets}))
        .option("maxOffsetsPerTrigger", settings.analysis.slices_per_batch)
        .option("failOnDataLoss", "false")  # the numbers show the loss
        .option("includeHeaders", "true")
        .option("kafka.max.partition.fetch.bytes", 4 << 20)
        # A task reads what is there already. Yet Kafka's client asks for more in advance, and all that it
        # asks later waits behind that: by default 500 ms where nothing more is there.
        .option("kafka.fetch.max.wait.ms", 0)
        # By default a batch waits three minutes for a broker that went away under it, without a word.
        .option("kafkaConsumer.pollTimeoutMs", int(1000 * FETCH_WITHIN_S))
        .option("kafka.default.api.timeout.ms", int(1000 * FETCH_WITHIN_S))
        .options(**spark_security.kafka_options(settings))
        .load()
    )
    columns = ("partition", "offset", "value", "headers")
    measure: Any = Measure(analysis.run.number, settings.topics.stream.partitions)
    measured = records.select(*columns).mapInPandas(measure, ROW_SCHEMA)
    writer = measured.writeStream.foreachBatch(analysis.measure_batch)
    writer = writer.option("checkpointLocation", str(checkpoint))
    if settings.analysis.trigger_ms:
        writer = writer.trigger(processingTime=f"{settings.analysis.trigger_ms} milliseconds")
    return writer.start()


def analyse(
    settings: Settings,
    jars: Iterable[Path],
    stop: threading.Event,
    on_ready: Callable[[], None] = lambda: None,
    on_alive: Callable[[], None] = lambda: None,
) -> None:
    """Analyse the current run until `stop` is set.

    Raises
    ------
    Superseded : another analysis published this run's next result.
    PartFailed : Spark gave up for a reason that waiting does not mend.
    SettingsError : the settings name another stream than that of the run, or not as many partitions.
    """
    spark = start_session(settings, jars)
    try:
        analyse_in(spark, settings, stop, on_ready, on_alive)
    finally:
        spark.stop()


def analyse_in(
    spark: SparkSession,
    settings: Settings,
    stop: threading.Event,
    on_ready: Callable[[], None] = lambda: None,
    on_alive: Callable[[], None] = lambda: None,
) -> None:
    """Do the same in a session that stays; see `analyse`."""
    broker = Broker(settings)
    analysis = wait_for(lambda: _begin(settings, broker, stop), stop.wait, "the broker and a run")
    if analysis is None:
        return
    log.info("analysing run %d from offsets %s on", analysis.run.number, analysis.offsets)
    query: StreamingQuery | None = None
    while not stop.is_set():
        query = start_query(spark, settings, analysis)
        analysis.heartbeat(now=True)
        on_ready()
        _watch(query, analysis, stop, on_alive, partial(_tasks_done, spark))
        if not stop.is_set():
            wait_for(broker.answers_in_ms, _ticking(stop, on_alive), "the broker")
    if query:
        _drain(query, analysis, broker)
    analysis.close()
    if query:  # only now: it interrupts a batch
        query.stop()


def _begin(settings: Settings, broker: Broker, stop: threading.Event) -> Analysis:
    """Return the analysis of the run that is on; refuse a stream that is not as the settings say."""
    run = broker.current_run()
    broker.stream_ends()
    return Analysis(settings, broker, run, stop)


def _drain(query: StreamingQuery, analysis: Analysis, broker: Broker) -> None:
    """Let the query work off what is in the stream now, up to a deadline; the rest is for the next start."""
    deadline = time.monotonic() + DRAIN_S
    try:
        ends = broker.record_ends(broker.topics.stream.name)
    except BrokerAway as error:
        log.warning("stopping without working off the stream: %s", error)
        return
    while query.isActive and not analysis.is_through(ends) and time.monotonic() < deadline:
        time.sleep(_CHECK_S)


def _excuse(query: StreamingQuery, analysis: Analysis) -> None:
    """Say why the query ended if a new start will mend it (the broker was away), else raise the reason."""
    failure, analysis.failure = analysis.failure, None
    if isinstance(failure, CosmoError) and not isinstance(failure, BrokerAway):
        raise failure
    reason = f"{failure or ''} {query.exception()}"
    if any(sign in reason for sign in _REFUSED_SIGNS):
        raise AccessRefused(
            f"the broker refuses Spark what it needs to read the stream: {reason}; run init again"
        )
    if not isinstance(failure, BrokerAway) and not any(sign in reason for sign in _BROKER_SIGNS):
        raise PartFailed(f"expected Spark's query to run on, it ended: {reason}") from failure
    log.warning("Spark's query ended with the broker; it starts anew where the newest result stands")


def _watch(
    query: StreamingQuery,
    analysis: Analysis,
    stop: threading.Event,
    on_alive: Callable[[], None],
    tasks_done: Callable[[], int],
) -> None:
    """Send heartbeats while the query runs; return when it should be started anew, or on the stop."""
    while not stop.wait(_CHECK_S):
        if not query.isActive:
            _excuse(query, analysis)
            return
        analysis.heartbeat()
        if analysis.moves(tasks_done()):
            on_alive()


def _tasks_done(spark: SparkSession) -> int:
    """Return how many tasks of the running stages are done."""
    tracker = spark.sparkContext.statusTracker()
    stages = (tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds())
    return sum(stage.numCompletedTasks for stage in stages if stage)


def _ticking(stop: threading.Event, on_alive: Callable[[], None]) -> Callable[[float], bool]:
    """Return a wait for the stop that also tells that we are alive."""

    def wait(seconds: float) -> bool:
        on_alive()
        return stop.wait(seconds)

    return wait
