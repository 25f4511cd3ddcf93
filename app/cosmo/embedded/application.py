"""The application's own parts as children: the analysis, the producer and the dashboard."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from cosmo import probes
from cosmo.broker import Broker
from cosmo.embedded import java, kafka
from cosmo.embedded.child import Child, Ready
from cosmo.embedded.folder import DataFolder
from cosmo.settings import Settings


def children(
    settings: Settings, folder: DataFolder, document: Path, analysis_ended: Callable[[], None]
) -> list[Child]:
    """Describe the parts, in the order of their start; the end is in reverse.

    Parameters
    ----------
    document : the settings file that they read.
    analysis_ended : called when the analysis has ended in good order: nobody writes any more.
    """
    broker = Broker(settings)

    def part(name: str, verb: str, ready: Ready, **more: object) -> Child:
        return Child(
            name=name,
            argv=(sys.executable, "-m", "cosmo", "--config", str(document), verb),
            environment=_environment(),
            folder=folder.path,
            log=folder.log(name),
            needs=(kafka.NAME,),
            ready=ready,
            **more,  # type: ignore[arg-type]
        )

    return [
        part(
            "analysis",
            "analyse",
            lambda started: probes.result(broker, since=started),
            ready_within_s=120.0,
            stop_within_s=12.0,
            after=analysis_ended,
        ),
        part(
            "producer",
            "produce",
            lambda started: probes.stream(broker, since=started),
            may_finish=True,
        ),
        part(
            "dashboard",
            "dashboard",
            lambda _: probes.dashboard(settings.ports.dashboard, with_data=True),
            ready_within_s=180.0,  # it has data to show only after the analysis's first batch
        ),
    ]


def _environment() -> dict[str, str]:
    kept = ("HOME", "PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "COSMO_MAVEN_REPOSITORY")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    return {**environment, "JAVA_HOME": str(java.JAVA_HOME), "PYTHONUNBUFFERED": "1"}
