"""ZooKeeper and the broker as a test wants them: its own ports and folder, to be stopped and killed."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
from functools import partial
from pathlib import Path

from cosmo.artifacts import Jars
from cosmo.embedded import kafka, zookeeper
from cosmo.embedded.child import Child
from cosmo.embedded.folder import DataFolder
from cosmo.embedded.supervisor import Supervisor
from cosmo.probes import Finding
from cosmo.settings import Ports, Settings

CONFIG = Path(__file__).parents[2] / "config"
LOCALHOST = CONFIG / "localhost" / "cosmo.yml"
LOCK = CONFIG / "artifacts.lock.yml"
METADATA, METADATA_VERSION = 3, 1


def broker_answers(port: int) -> Finding:
    """Say whether the broker lists itself and is the controller: a Metadata request, as bytes."""
    try:
        answer = ask_metadata(port)
    except OSError as error:
        return Finding("kafka", False, f"does not answer on port {port}: {error}")
    n_brokers, controller = answer
    return Finding(
        "kafka", n_brokers == 1 and controller == 0, f"{n_brokers} brokers, controller {controller}"
    )


def ask_metadata(port: int) -> tuple[int, int]:
    """Return the number of brokers and the controller's id, -1 while there is none (Metadata, version 1)."""
    # api key, api version, correlation id, client id "test", no topics
    request = struct.pack(">hhih4si", METADATA, METADATA_VERSION, 7, 4, b"test", 0)
    with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        with connection.makefile("rb") as stream:
            (size,) = struct.unpack(">i", _exactly(stream, 4))
            body = _exactly(stream, size)
    _correlation, n_brokers = struct.unpack_from(">ii", body)
    at = 8
    for _ in range(n_brokers):
        (host_bytes,) = struct.unpack_from(">h", body, at + 4)
        at += 4 + 2 + host_bytes + 4
        (rack_bytes,) = struct.unpack_from(">h", body, at)
        at += 2 + max(rack_bytes, 0)
    (controller,) = struct.unpack_from(">i", body, at)
    return n_brokers, controller


def _exactly(stream, n_bytes: int) -> bytes:
    data = stream.read(n_bytes)
    if len(data) < n_bytes:
        raise ConnectionError(f"the connection ended after {len(data)} of {n_bytes} bytes")
    return data


def free_ports() -> dict[str, int]:
    """Return a free port for every key of `ports`; all are held until all are known, so they differ."""
    with contextlib.ExitStack() as held:
        sockets = {key: held.enter_context(socket.socket()) for key in Ports.model_fields}
        for each in sockets.values():
            each.bind(("127.0.0.1", 0))
        return {key: each.getsockname()[1] for key, each in sockets.items()}


class EmbeddedBroker:
    """ZooKeeper and the broker. `start` after `stop` or `kill` finds the same topics on the same ports."""

    def __init__(self, folder: Path, jars: Jars) -> None:
        changes = {"paths.data": str(folder), **{f"ports.{key}": port for key, port in free_ports().items()}}
        self.settings = Settings.load(LOCALHOST, changes)
        self._jars = jars
        self._running = contextlib.ExitStack()
        self._supervisor: Supervisor | None = None

    @property
    def address(self) -> str:
        return self.settings.kafka_address

    @property
    def process_ids(self) -> dict[str, int]:
        """Process ids by part; empty when it is stopped."""
        return dict(self._supervisor.process_ids) if self._supervisor else {}

    def start(self) -> None:
        """Return when the broker answers; nothing happens if it runs."""
        if self._supervisor is not None:
            return
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(DataFolder(self.settings.paths.data))
            children = [
                zookeeper.child(self.settings, folder, self._jars),
                self._broker_child(folder),
            ]
            supervisor = stack.enter_context(Supervisor(folder, children))
            assert supervisor.start()
            self._running = stack.pop_all()
            self._supervisor = supervisor

    def _broker_child(self, folder: DataFolder) -> Child:
        ready = partial(broker_answers, self.settings.ports.kafka)
        return kafka.child(self.settings, folder, self._jars, ready)

    def stop(self) -> None:
        """Stop in good order; nothing happens if it does not run."""
        self._supervisor = None
        self._running.close()

    def kill(self) -> None:
        """SIGKILL both at once, as when the machine loses power."""
        for pid in self.process_ids.values():
            os.kill(pid, signal.SIGKILL)
        self.stop()
