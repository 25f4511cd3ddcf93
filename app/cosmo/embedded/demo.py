"""The whole stack on this machine, as children of one process: `cosmo demo`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import yaml

from cosmo import artifacts, probes, runs
from cosmo.broker import Broker
from cosmo.embedded import application, kafka, preflight, zookeeper
from cosmo.embedded.folder import DataFolder
from cosmo.embedded.supervisor import Supervisor
from cosmo.errors import BrokerError
from cosmo.results import Run
from cosmo.settings import Settings
from cosmo.sources import open_source

log = logging.getLogger(__name__)

Say = Callable[[str], None]


def demo(settings: Settings, lock: Path, say: Say, progress: artifacts.Progress) -> None:
    """Run everything until a signal, or until the parts cannot go on.

    Parameters
    ----------
    lock : the lock document of the jars.
    say : hears the sentences for the person at the terminal.

    Raises
    ------
    PreflightError, SourceError, AlreadyRunning, ArtifactError : found before anything is started.
    SettingsError : topics of an earlier start have another number of partitions, or a run that was left on
        streams into another; everything has been stopped.
    PartFailed : a part did not start or ended too often; everything has been stopped.
    """
    source = open_source(settings)
    with DataFolder(settings.paths.data) as folder:
        preflight.require(settings)
        jars = artifacts.fetch(lock, settings.paths.cache, progress)
        document = folder.configuration / "cosmo.yml"
        document.write_text(
            yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False), encoding="utf-8"
        )
        broker = Broker(settings)
        stack = _Stack(broker, source.description, settings.source_names, say)
        children = [
            zookeeper.child(settings, folder, jars),
            kafka.child(settings, folder, jars, stack.broker_is_ready),
            *application.children(settings, folder, document, stack.end_run),
        ]
        say("starting ZooKeeper, Kafka, Spark and the dashboard; logs are in " + str(folder.logs))
        with Supervisor(folder, children, say=_tell) as supervisor, supervisor.stopped_by_signals():
            if supervisor.start():
                address = f"http://127.0.0.1:{settings.ports.dashboard}/"
                say(f"the first result is in: {address}  (Ctrl-C stops all)")
                supervisor.watch()
            say("stopping; what is in the stream is worked off first")
    say("stopped; the history stays in " + str(settings.paths.data))


class _Stack:
    """What is done between the start of the broker and the start of the parts, and between their ends."""

    def __init__(self, broker: Broker, source: str, source_names: list[str], say: Say) -> None:
        self._broker = broker
        self._source = source
        self._source_names = source_names
        self._say = say
        self._run: Run | None = None

    def broker_is_ready(self) -> probes.Finding:
        """Make topics and run as soon as the broker answers; it is ready when they are there."""
        try:
            self._broker.create_topics()
            if self._run is None:
                self._run, is_new = runs.go_on_or_begin(self._broker, self._source, self._source_names)
                self._say(f"run {self._run.number} {'begins' if is_new else 'goes on'}: {self._run.source}")
        except BrokerError as error:
            return probes.Finding("kafka", False, str(error))
        return probes.kafka(self._broker)

    def end_run(self) -> None:
        """Close the run's account; a run with rows that are not yet measured is left to be gone on with."""
        if self._run is None:
            return
        try:
            account = runs.account(self._broker, self._run)
            if account.is_closed:
                runs.end(self._broker, self._run)
        except BrokerError as error:
            self._say(f"run {self._run.number} is left on: {error}")
            return
        ending = "ended" if account.is_closed else "is left on, the next start goes on with it"
        self._say(f"run {self._run.number} {ending}: {account}")


def _tell(name: str, sentence: str) -> None:
    log.info("%s: %s", name, sentence)
