"""`cosmo runs`: the record of runs. The playbooks begin, drain and end them with it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cosmo.results import Run
    from cosmo.runs import Account


@click.group("runs")
def command() -> None:
    """Look at the runs, begin and end one (as run and halt do)."""


@command.command()
@click.option("--note", default="", help="What is special about it.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_obj
def begin(document: Path, note: str, *, as_json: bool) -> None:
    """Begin a run at the present end of the stream. One that is on goes on instead."""
    from cosmo import runs
    from cosmo.broker import Broker
    from cosmo.errors import NoRun
    from cosmo.settings import Settings
    from cosmo.sources import open_source

    settings = Settings.load(document)
    broker = Broker(settings)
    names = settings.source_names
    try:
        run, is_new = broker.current_run(), False
        run.require_source(names)
    except NoRun:
        run, is_new = runs.begin(broker, open_source(settings).description, note, names), True
    _tell(run, None, as_json=as_json, is_new=is_new)


@command.command()
@click.option("--within-s", type=float, default=0.0, help="Wait so long for its first measured rows.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_obj
def show(document: Path, *, within_s: float, as_json: bool) -> None:
    """Print the newest run and what became of its rows.

    Exit code 4 if there has been no run.
    """
    from cosmo import runs
    from cosmo.broker import Broker
    from cosmo.errors import NoRun
    from cosmo.settings import Settings

    broker = Broker(Settings.load(document))
    try:
        run = runs.newest(broker)
    except NoRun as error:
        click.echo("null" if as_json else str(error))
        sys.exit(4)
    _tell(run, runs.first_rows(broker, run, within_s), as_json=as_json)


@command.command("list")
@click.pass_obj
def list_all(document: Path) -> None:
    """Print all runs, the newest last."""
    from cosmo.broker import Broker
    from cosmo.settings import Settings

    messages, _ = Broker(Settings.load(document)).run_messages()
    for number in sorted(messages):
        click.echo(_sentence(messages[number]))


@command.command()
@click.pass_obj
def drain(document: Path) -> None:
    """Wait until all that is in the stream now is measured. Nobody may send any more."""
    from cosmo import runs
    from cosmo.broker import Broker
    from cosmo.settings import Settings

    broker = Broker(Settings.load(document))
    n_records = runs.drain(broker, broker.current_run())
    click.echo(f"all of the stream is measured, {n_records} records were left")


@command.command()
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_obj
def end(document: Path, *, as_json: bool) -> None:
    """End the run that is on.

    Exit code 1 if not every row sent is accounted for, once.
    """
    from cosmo import runs
    from cosmo.broker import Broker
    from cosmo.settings import Settings

    broker = Broker(Settings.load(document))
    account = runs.end(broker, broker.current_run())
    _tell(runs.newest(broker), account, as_json=as_json)
    if not account.is_closed:
        sys.exit(1)


def _tell(run: Run, account: Account | None, *, as_json: bool, is_new: bool | None = None) -> None:
    if not as_json:
        click.echo(_sentence(run) + (f"; {account}" if account and not run.ended else ""))
        return
    told = {"run": run.number, "note": run.note, "source": run.source}
    told |= {"started": run.started, "ended": run.ended, "sentence": _sentence(run)}
    if account:
        told |= vars(account) | {"is_closed": account.is_closed, "account": str(account)}
    if is_new is not None:
        told["is_new"] = is_new
    click.echo(json.dumps(told))


def _sentence(run: Run) -> str:
    from cosmo.runs import recorded_account

    note = f" '{run.note}'" if run.note else ""
    if not run.ended:
        return f"run {run.number}{note} is on since {run.started[:19]}Z: {run.source}"
    return (
        f"run {run.number}{note}, {run.started[:19]}Z to {run.ended[:19]}Z: "
        f"{recorded_account(run) or 'rows sent and accounted are unknown'}: {run.source}"
    )
