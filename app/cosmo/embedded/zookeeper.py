"""ZooKeeper as a child."""

from __future__ import annotations

from typing import Final

from cosmo import probes
from cosmo.artifacts import Jars
from cosmo.embedded import java
from cosmo.embedded.child import Child
from cosmo.embedded.folder import DataFolder
from cosmo.settings import Settings

NAME: Final = "zookeeper"
HOST: Final = "127.0.0.1"
TICK_MS: Final = 500
"""Sessions live 2 to 20 ticks, and end on a tick: small, so that a killed broker is soon forgotten."""


def child(settings: Settings, folder: DataFolder, jars: Jars) -> Child:
    """Describe ZooKeeper: one server, its state in the data folder's `zookeeper`."""
    configuration = folder.configuration / "zoo.cfg"
    log4j = folder.configuration / "zookeeper-log4j.properties"
    return Child(
        name=NAME,
        argv=java.command(
            "org.apache.zookeeper.server.quorum.QuorumPeerMain",
            [str(configuration)],
            heap=settings.memory.zookeeper,
            log4j=log4j,
            # It handles a few requests a second: compiled quickly is compiled well enough.
            options=["-XX:TieredStopAtLevel=1", "-Dzookeeper.jmx.log4j.disable=true"],
        ),
        environment=java.environment(jars.kafka),
        folder=folder.path,
        log=folder.log(NAME),
        files={configuration: _configuration(settings), log4j: java.log4j()},
        ready=lambda _: probes.zookeeper(HOST, settings.ports.zookeeper),
        ready_within_s=30,
    )


def _configuration(settings: Settings) -> str:
    return java.properties(
        {
            "dataDir": "./zookeeper",
            "clientPort": settings.ports.zookeeper,
            "clientPortAddress": HOST,
            "tickTime": TICK_MS,
            "admin.enableServer": False,
            "4lw.commands.whitelist": "ruok,srvr,dump",
            "autopurge.snapRetainCount": 3,
            "autopurge.purgeInterval": 1,
            # Transaction logs grow in steps of this many KiB; the default, 64 MiB, is more than all we keep.
            "preAllocSize": 4096,
        }
    )
