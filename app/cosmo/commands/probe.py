"""`cosmo probe`: whether a part is working."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

import click

_STACK: Final = ("kafka", "producer", "analysis", "dashboard")
_PARTS: Final = (
    *("all", "disk", "firewall", "zookeeper", "kafka"),
    *("master", "worker", "analysis", "dashboard", "producer"),
)


@click.command("probe")
@click.argument("parts", nargs=-1, type=click.Choice(_PARTS), metavar="[PART]...")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.option(
    "--units", "with_units", is_flag=True, help="Look at the parts' systemd units on this host too."
)
@click.option("--workers", type=click.IntRange(0), help="How many workers the Spark master should have.")
@click.option(
    "--folder",
    "folders",
    type=click.Path(path_type=Path),
    multiple=True,
    default=("/",),
    help="Its disk must not be full.",
)
@click.pass_obj
def command(
    document: Path,
    parts: tuple[str, ...],
    *,
    as_json: bool,
    with_units: bool,
    workers: int | None,
    folders: tuple[Path, ...],
) -> None:
    """Ask whether each PART works; exit code 0 only if all do.

    PART is disk, firewall, zookeeper, kafka, master, worker, analysis, dashboard or producer; none: the
    stack that answers from anywhere.
    """
    from dataclasses import asdict

    from cosmo import beat
    from cosmo.settings import Settings

    settings = Settings.load(document)
    wanted = _STACK if not parts or "all" in parts else parts
    if with_units:
        rows = beat.beat(settings, wanted, workers, folders)
        answer: object = {
            "rows": [asdict(row) for row in rows],
            "run": beat.run_of(settings) if "kafka" in wanted else None,
            "environment": sys.prefix,
        }
        lines = [f"{row.part:10} {row.state:7} {row.evidence}" for row in rows]
        ok = all(row.state != "FAILED" for row in rows)
    else:
        asked = beat.asks(settings, workers, folders)
        findings = [asked[part]() for part in wanted]
        answer = [asdict(finding) for finding in findings]
        lines = [
            f"{finding.part:10} {'ok' if finding.ok else 'FAILED':7} {finding.evidence}"
            for finding in findings
        ]
        ok = all(finding.ok for finding in findings)
    click.echo(json.dumps(answer) if as_json else "\n".join(lines))
    if not ok:
        sys.exit(1)
