"""The command `cosmo`. Each command imports what it runs, so that the others start without it."""

from __future__ import annotations

import faulthandler
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import sdnotify
import yaml
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from cosmo.errors import CosmoError
from cosmo.settings import Settings

INSTALLED = Path("/etc/cosmo/cosmo.yml")
CHECKOUT = Path(__file__).parents[2] / "config"

_to_person = Console(stderr=True, highlight=False, soft_wrap=True)


def main() -> None:
    """Run the command; an error of ours is one sentence and an exit code."""
    try:
        cosmo(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
    except CosmoError as error:
        _to_person.print(f"[bold red]cosmo:[/] {_escaped(str(error))}")
        sys.exit(error.exit_code)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    envvar="COSMO_CONFIG_PATH",
    help="Settings: a deployment's folder such as config/localhost, or a document. "
    f"Default: {INSTALLED} if there, else config/localhost.",
)
@click.version_option(package_name="cosmo")
@click.pass_context
def cosmo(context: click.Context, config: Path | None) -> None:
    """Live data-quality monitor for a telescope of drift-tube chambers."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    for library in ("py4j", "bokeh", "tornado"):
        logging.getLogger(library).setLevel(logging.ERROR)
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # reports each attempt; we say once what matters
    context.obj = _document(config)


@cosmo.command()
@click.argument("data", nargs=-1)
@click.option("--rate", type=float, help="Rows per second instead of the settings' rate.")
@click.option(
    "--folder", type=click.Path(path_type=Path), help="Keep topics and logs here instead of paths.data."
)
@click.pass_obj
def demo(document: Path, data: tuple[str, ...], rate: float | None, folder: Path | None) -> None:
    """Run the whole stack on this machine: ZooKeeper, Kafka, Spark, producer and dashboard.

    DATA are recordings (files, folders, globs) to replay instead of generated cosmics. Ctrl-C stops it all.
    """
    from cosmo.embedded.demo import demo as run_demo

    changes: dict[str, Any] = {}
    if data:
        changes |= {"source.kind": "files", "source.files": [str(Path(name).resolve()) for name in data]}
    if rate is not None:
        changes["producer.rows_per_s"] = rate
    if folder is not None:
        changes["paths.data"] = str(folder)
    logging.getLogger().setLevel(logging.WARNING)
    logging.getLogger("cosmo.embedded").setLevel(logging.INFO)
    settings = Settings.load(document, changes)
    with _fetch_bar() as progress:
        run_demo(settings, _lock(document), _say, progress)


@cosmo.command()
@click.argument("files", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="The whole Summary as JSON, as in a result.")
@click.pass_obj
def summarise(document: Path, files: tuple[str, ...], *, as_json: bool) -> None:
    """Measure FILES (or folders, globs) directly, without Kafka or Spark, in the order given.

    Without FILES it is the bucket of the settings, if source.kind is bucket.
    """
    from cosmo.results import SummaryMessage
    from cosmo.sources import BucketSource, FilesSource
    from cosmo.summarise import summarise as measure
    from cosmo.summary_table import summary_table
    from cosmo.timeslices import Limits

    settings = Settings.load(document)
    if not files and settings.source.kind != "bucket":
        raise click.UsageError("expected FILES, or source.kind: bucket in the settings")
    producer = settings.producer
    limits = Limits(producer.lag_rows, 1024 * producer.slice_kib, 1024 * producer.carry_kib)
    source = FilesSource.of(files) if files else BucketSource.of(settings.bucket)
    with _byte_bar("reading", source.size_bytes if source.is_plain else None) as progress:
        summary = measure(source, limits, progress)
    if as_json:
        click.echo(SummaryMessage.of(summary).model_dump_json())
    else:
        Console(highlight=False).print(summary_table(summary))


@cosmo.command()
@click.option("--range", "numbers", metavar="A-B", help="Objects by the number in their names, as 0-9.")
@click.argument("names", nargs=-1)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="DEST")
@click.pass_obj
def download(document: Path, numbers: str | None, names: tuple[str, ...], folder: Path) -> None:
    """Fetch recordings from the bucket of the settings into the folder DEST, all or those of NAMES (globs).

    What is there already is checked and kept; what is partly there is gone on with.
    """
    from cosmo.download import download as fetch
    from cosmo.sources import Bucket
    from cosmo.sources.bucket_source import recordings
    from cosmo.sources.selection import NumberRange, selected

    wanted = NumberRange.of(numbers) if numbers is not None else None
    bucket = Bucket(Settings.load(document).bucket)
    objects = selected(recordings(bucket), wanted, names)
    total_bytes = sum(stored.size_bytes for stored in objects)
    try:
        with _byte_bar("fetching", total_bytes) as progress:
            done = fetch(bucket, objects, folder, progress)
    except KeyboardInterrupt:
        _say(f"stopped; the same command goes on with what is in {folder}")
        raise
    unsure = (
        f"; only the size of {len(done.size_only)}: their ETags cannot be checked" if done.size_only else ""
    )
    _say(
        f"{len(objects)} objects, {total_bytes / 1e6:,.1f} MB, are in {folder} ({done.fetched} fetched, "
        f"{done.already_there} were there), sizes and ETags checked{unsure}. Replay: cosmo demo {folder}"
    )


@cosmo.command()
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--rows", type=click.IntRange(1), required=True, help="How many.")
@click.option("--kind", type=click.Choice(["cosmics", "beam"]), default="cosmics", show_default=True)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Equal seeds, equal rows.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    help="Put in, such as dead-cell:chamber=0,channel=5,from_orbit=10000; may be repeated.",
)
@click.option(
    "--truth", type=click.Path(path_type=Path, dir_okay=False), help="Write it here: .csv, .parquet."
)
def generate(out: Path, rows: int, kind: str, seed: int, faults: tuple[str, ...], truth: Path | None) -> None:
    """Write generated rows to OUT, packed if it ends in .gz.

    Faults are dead-cell, noisy-cell, dead-chamber, shifted-t0, lost-fpga, burst and rate-drop, each with its
    values and, if not for ever, from_orbit and to_orbit, counted from the first. See docs/settings.md.
    """
    from cosmo.generate import generate as write
    from cosmo.generator import KINDS, parse_fault

    recording = KINDS[kind](seed=seed, faults=tuple(parse_fault(text) for text in faults))
    with Progress(
        TextColumn("writing"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=_to_person,
        transient=True,
        disable=not sys.stderr.isatty(),
    ) as bar:
        task = bar.add_task("write", total=rows)
        write(recording, rows, out, truth, lambda n: bar.advance(task, n))


@cosmo.command()
@click.pass_obj
def produce(document: Path) -> None:
    """Stream the source into the run that is on (the service cosmo-producer)."""
    from cosmo.file_lock import held
    from cosmo.producer import produce as stream

    settings = Settings.load(document)
    settings.paths.data.mkdir(parents=True, exist_ok=True)
    lock = settings.paths.data / "producer.lock"
    with held(lock, "producer of this host"), _stopped_by_signals() as stop:
        stream(settings, stop, _ready)


@cosmo.command()
@click.pass_obj
def analyse(document: Path) -> None:
    """Analyse the run that is on, in Spark (the service cosmo-analysis)."""
    from cosmo import artifacts
    from cosmo.analysis import analyse as run_analysis

    settings = Settings.load(document)
    jars = artifacts.fetch(_lock(document), settings.paths.cache).spark_kafka
    with _stopped_by_signals() as stop:
        run_analysis(settings, jars, stop, _ready, _alive)


@cosmo.command()
@click.pass_obj
def dashboard(document: Path) -> None:
    """Show the results on a web page (the service cosmo-dashboard)."""
    from cosmo.dashboard import serve

    settings = Settings.load(document)
    with _stopped_by_signals() as stop:
        serve(settings, stop=stop, on_ready=_ready)


@cosmo.command()
@click.argument(
    "part", type=click.Choice(["all", "kafka", "producer", "analysis", "dashboard"]), default="all"
)
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_obj
def probe(document: Path, part: str, *, as_json: bool) -> None:
    """Ask whether PART is working; exit code 0 only if it is."""
    from cosmo import probes
    from cosmo.broker import Broker

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


@cosmo.group()
def config() -> None:
    """Look at the settings."""


@config.command()
@click.pass_obj
def check(document: Path) -> None:
    """Validate the settings."""
    Settings.load(document)
    click.echo(f"{document}: all settings are valid")


@config.command()
@click.pass_obj
def show(document: Path) -> None:
    """Print the settings as the application takes them."""
    click.echo(yaml.safe_dump(Settings.load(document).model_dump(mode="json"), sort_keys=False), nl=False)


@config.command()
def schema() -> None:
    """Print the JSON Schema of the messages on cosmo-results."""
    from cosmo.results import result_schema

    click.echo(json.dumps(result_schema(), indent=1, sort_keys=True))


def _document(config: Path | None) -> Path:
    if config is None:
        config = INSTALLED if INSTALLED.exists() else CHECKOUT / "localhost"
    return config / "cosmo.yml" if config.is_dir() else config


def _lock(document: Path) -> Path:
    """Return the lock of the jars: beside the deployments' folders, or that of the checkout."""
    beside = document.absolute().parents[1] / "artifacts.lock.yml"
    return beside if beside.exists() else CHECKOUT / "artifacts.lock.yml"


@contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    """Give an event that SIGTERM and Ctrl-C set; SIGUSR1 prints where every thread is."""
    faulthandler.register(signal.SIGUSR1)
    stop = threading.Event()

    def handler(_number: int, _frame: object) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handler)
    yield stop


@contextmanager
def _byte_bar(what: str, total_bytes: int | None) -> Iterator[Callable[[int], None]]:
    """Give a progress callback that takes the bytes done since the last call."""
    columns = (TextColumn(what), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_to_person, transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(what, total=total_bytes)
        yield lambda n_bytes: bar.advance(task, n_bytes)


@contextmanager
def _fetch_bar() -> Iterator[Any]:
    """Give a progress callback (done, total) for the fetching of jars."""
    columns = (TextColumn("fetching Kafka"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_to_person, transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("fetch", visible=False)

        def progress(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, visible=done < total)

        yield progress


def _say(sentence: str) -> None:
    _to_person.print(_escaped(sentence))


def _escaped(text: str) -> str:
    return text.replace("[", r"\[")


def _ready() -> None:
    _notify("READY=1")


def _alive() -> None:
    if "WATCHDOG_USEC" in os.environ:
        _notify("WATCHDOG=1")


def _notify(state: str) -> None:
    """Tell systemd, if it started us."""
    sdnotify.SystemdNotifier().notify(state)
