"""`cosmo probe`: whether a part is working."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import click


@click.command("probe")
@click.argument(
    "part", type=click.Choice(["all", "kafka", "producer", "analysis", "dashboard"]), default="all"
)
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_obj
def command(document: Path, part: str, *, as_json: bool) -> None:
    """Ask whether PART is working; exit code 0 only if it is."""
    from cosmo import probes
    from cosmo.broker import Broker
    from cosmo.settings import Settings

    settings = Settings.load(document)
    broker = Broker(settings)
    asked: dict[str, Callable[[], probes.Finding]] = {
        "kafka": lambda: probes.kafka(broker),
        "producer": lambda: probes.stream(broker),
        "analysis": lambda: probes.result(broker),
        "dashboard": lambda: probes.dashboard(settings.ports.dashboard),
    }
    findings = [ask() for name, ask in asked.items() if part in ("all", name)]
    if as_json:
        click.echo(json.dumps([vars(finding) for finding in findings]))
    else:
        for finding in findings:
            click.echo(f"{finding.part:10} {'ok' if finding.ok else 'FAILED':7} {finding.evidence}")
    if not all(finding.ok for finding in findings):
        sys.exit(1)
