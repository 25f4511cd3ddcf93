"""One host's beat: every part that it has by duty, asked and put beside what systemd says of its unit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from cosmo import probes, runs, units
from cosmo.broker import Broker
from cosmo.errors import CosmoError
from cosmo.probes import Finding
from cosmo.settings import Settings
from cosmo.units import Unit

UNITS: Final = {
    "firewall": "cosmo-firewall",
    "zookeeper": "zookeeper",
    "kafka": "kafka",
    "master": "spark-master",
    "worker": "spark-worker",
    "analysis": "cosmo-analysis",
    "dashboard": "cosmo-dashboard",
    "producer": "cosmo-producer",
}
"""The unit of each part."""
DISK: Final = "disk"
PARTS: Final = (DISK, *UNITS)
IN_FLIGHT_S: Final = 10.0
"""An analysis that keeps up measures a slice within this time and the trigger."""

Ask = Callable[[], Finding]


@dataclass(frozen=True)
class Row:
    """One part of a host."""

    part: str
    state: str
    """`ok`, `FAILED`, or `off`: it is not meant to run, and does not."""
    since_s: float | None
    evidence: str
    unit: str | None = None
    journal: list[str] = field(default_factory=list)
    workers: Mapping[str, str] | None = None


def asks(
    settings: Settings, wanted_workers: int | None = None, folders: Iterable[Path] = ()
) -> dict[str, Ask]:
    """Return the probe of each part, by name."""
    broker = Broker(settings)
    return {
        DISK: partial(probes.disk, tuple(folders)),
        "firewall": probes.packet_filter,
        "zookeeper": partial(probes.zookeeper, "127.0.0.1", settings.ports.zookeeper),
        "kafka": partial(probes.kafka, broker),
        "master": partial(probes.spark_master, settings.ports.spark_master_ui, wanted_workers),
        "worker": lambda: Finding("worker", True, "runs"),  # whether it is registered, the master says
        "analysis": partial(probes.analysis, broker),
        "producer": partial(probes.stream, broker),
        "dashboard": partial(probes.dashboard, settings.ports.dashboard),
    }


def beat(
    settings: Settings, parts: Iterable[str], wanted_workers: int | None, folders: Iterable[Path]
) -> list[Row]:
    """Ask all parts of this host at once.

    Parameters
    ----------
    parts : of `PARTS`.
    wanted_workers : how many the Spark master should have.
    folders : their disks must not be full.
    """
    asked = asks(settings, wanted_workers, folders)
    may_end = settings.source.kind in ("files", "bucket") and not settings.source.loop
    wanted = [part for part in PARTS if part in set(parts)]
    with ThreadPoolExecutor(max(1, len(wanted))) as pool:
        return list(pool.map(lambda part: _row(part, asked[part], may_end=may_end), wanted))


def _row(part: str, ask: Ask, *, may_end: bool) -> Row:
    if part == DISK:
        finding = ask()
        return Row(part, _state(finding.ok), None, finding.evidence)
    unit = units.look_at(UNITS[part])
    if not unit.is_active and not unit.is_enabled and unit.active_state != "failed":
        return Row(part, "off", None, "is not meant to run", unit.name)
    row = judged(part, unit, ask, may_end=may_end and part == "producer")
    return row if row.state == "ok" else Row(**(asdict(row) | {"journal": units.journal(unit.name)}))


def judged(part: str, unit: Unit, ask: Ask, *, may_end: bool = False) -> Row:
    """Judge a part that is meant to run.

    Parameters
    ----------
    may_end : an end without error is an end, and no failure.
    """
    has_ended = may_end and unit.active_state == "inactive" and unit.result == "success"
    if not unit.is_active and not has_ended:
        return Row(part, _state(ok=False), unit.since_s, unit.sentence, unit.name)
    finding = ask()
    evidence = finding.evidence
    if unit.restarts:
        evidence += f", restarted {unit.restarts} times by systemd"
    if not unit.is_enabled:
        evidence += ", but does not start at boot"
    ok = finding.ok and unit.is_enabled
    return Row(part, _state(ok), unit.since_s, evidence, unit.name, workers=finding.workers)


def _state(ok: bool) -> str:
    return "ok" if ok else "FAILED"


def run_of(settings: Settings) -> dict[str, Any] | None:
    """Return the newest run and what became of its rows, or why that cannot be told.

    None if there is no run, or no broker. `is_behind` says that more is not measured yet than is on its way
    in any run.
    """
    broker = Broker(settings)
    try:
        run = runs.newest(broker)
    except CosmoError:  # the row of Kafka says why
        return None
    told = run.model_dump(include={"number", "note", "started", "ended"})
    try:
        account = runs.account(broker, run)
        is_behind = not account.is_closed and _is_behind(settings, runs.oldest_unread_s(broker, run))
    except CosmoError as error:
        return told | {"not_told": str(error)}
    return told | asdict(account) | {"is_closed": account.is_closed, "is_behind": is_behind}


def _is_behind(settings: Settings, oldest_unread_s: float | None) -> bool:
    if oldest_unread_s is None:
        return False
    in_flight_s = IN_FLIGHT_S + settings.analysis.trigger_ms / 1000
    return not -probes.APART_S <= oldest_unread_s <= in_flight_s  # before: a clock was set back since
