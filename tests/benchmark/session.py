"""An analysis in a Spark session that stays, to work off backlogs: session.py DOCUMENT CPUS.

CPUS is what it may run on, such as 0 or 0,1. Each line on standard input is the settings document of a
backlog; it is worked off to its end by the product's own `analyse_in`, from its run's start, and
answered with `done`.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import psutil
from embedded_broker import LOCK
from stream_parts import wait_until

from benchmark.streams import LOOK_S
from cosmo import artifacts
from cosmo.analysis import analyse_in, start_session
from cosmo.broker import Broker
from cosmo.settings import Settings


def main(document: Path, cpus: list[int]) -> None:
    psutil.Process().cpu_affinity(cpus)  # of Java too, which makes local[*] of it, and of Spark's workers
    settings = Settings.load(document)
    spark = start_session(settings, artifacts.fetch(LOCK, settings.paths.cache).spark_kafka)
    _say("ready")
    for line in sys.stdin:
        settings = Settings.load(Path(line.strip()))
        work_off(settings, lambda stop, settings=settings: analyse_in(spark, settings, stop))
        _say("done")
    spark.stop()


def work_off(settings: Settings, analyse) -> None:
    """Analyse until a result is through what is in the stream."""
    broker = Broker(settings)
    run = broker.current_run().number
    ends = broker.end_offsets(broker.topics.stream.name)
    stop = threading.Event()
    thread = threading.Thread(target=analyse, args=(stop,))
    thread.start()

    def through() -> bool:
        stop.wait(LOOK_S)
        assert thread.is_alive(), "the analysis ended; see its log"
        newest, _ = broker.newest_result(run)
        return newest is not None and all(newest.offsets[str(p)] >= end for p, end in ends.items())

    try:
        wait_until(through, f"a result through {ends}")
    finally:
        stop.set()
        thread.join()


def _say(word: str) -> None:
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), [int(cpu) for cpu in sys.argv[2].split(",")])
