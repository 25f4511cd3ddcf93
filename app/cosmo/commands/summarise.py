"""`cosmo summarise`: the statistics of recordings, without Kafka or Spark."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("summarise")
@click.argument("files", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="The whole Summary as JSON, as in a result.")
@click.pass_obj
def command(document: Path, files: tuple[str, ...], *, as_json: bool) -> None:
    """Measure FILES (or folders, globs), without Kafka or Spark.

    They are read in the order given.
    Without FILES it is the bucket of the settings, if source.kind is bucket.
    """
    from rich.console import Console

    from cosmo.commands.shared.progress import byte_bar
    from cosmo.results import SummaryMessage
    from cosmo.settings import Settings
    from cosmo.sources import BucketSource, FilesSource
    from cosmo.summarise import summarise
    from cosmo.summary_table import summary_table
    from cosmo.timeslices import Limits

    settings = Settings.load(document)
    if not files and settings.source.kind != "bucket":
        raise click.UsageError("expected FILES, or source.kind: bucket in the settings")
    producer = settings.producer
    limits = Limits(producer.lag_rows, 1024 * producer.slice_kib, 1024 * producer.carry_kib)
    source = FilesSource.of(files) if files else BucketSource.of(settings.bucket)
    with byte_bar("reading", source.size_bytes if source.is_plain else None) as progress:
        summary = summarise(source, limits, progress)
    if as_json:
        click.echo(SummaryMessage.of(summary).model_dump_json())
    else:
        Console(highlight=False).print(summary_table(summary))
