"""`cosmo download`: recordings from the bucket, as files."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("download")
@click.option("--range", "numbers", metavar="A-B", help="Objects by the number in their names, as 0-9.")
@click.argument("names", nargs=-1)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="DEST")
@click.pass_obj
def command(document: Path, numbers: str | None, names: tuple[str, ...], folder: Path) -> None:
    """Fetch recordings from the bucket into the folder DEST.

    The bucket is that of the settings; all of it, or the objects of NAMES (globs).
    What is there already is checked and kept; what is partly there is gone on with.
    """
    import shlex

    from cosmo.commands.shared.person import say
    from cosmo.commands.shared.progress import byte_bar
    from cosmo.download import download
    from cosmo.settings import Settings
    from cosmo.sources import Bucket
    from cosmo.sources.bucket_source import impatient, recordings
    from cosmo.sources.recording import SUFFIXES
    from cosmo.sources.selection import NumberRange, gaps, listed, selected, with_content

    if not folder.is_dir() and (folder.suffix in SUFFIXES or set("*?[") & set(folder.name)):
        raise click.UsageError(f"expected a folder to download to, got {folder}; name a folder after it")
    wanted = NumberRange.of(numbers) if numbers is not None else None
    bucket = Bucket(Settings.load(document).bucket)
    there = recordings(bucket, impatient())
    chosen = selected(there, wanted, names)
    objects = with_content(chosen)
    if wanted is not None or not names:
        for gap in gaps(there, wanted):
            say(gap)
    if len(objects) < len(chosen):
        empty = listed(stored.key for stored in chosen if not stored.size_bytes)
        say(f"empty in the bucket, and left out: {empty}")
    total_bytes = sum(stored.size_bytes for stored in objects)
    try:
        with byte_bar("fetching", total_bytes) as progress:
            done = download(bucket, objects, folder, progress)
    except KeyboardInterrupt:
        say(f"stopped; the same command goes on with what is in {folder}")
        raise
    unsure = (
        f"; only the size of {len(done.size_only)}: their ETags cannot be checked" if done.size_only else ""
    )
    say(
        f"{len(objects)} objects, {total_bytes / 1e6:,.1f} MB, are in {folder} ({done.fetched} fetched, "
        f"{done.already_there} were there), sizes and ETags checked{unsure}. "
        f"Replay: cosmo demo {shlex.join(map(str, done.folders))}"
    )
