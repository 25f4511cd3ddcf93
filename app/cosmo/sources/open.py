"""The source that the settings name."""

from cosmo.generator import KINDS, parse_fault
from cosmo.settings import Settings
from cosmo.sources.blocks import Source
from cosmo.sources.bucket_source import BucketSource
from cosmo.sources.files import FilesSource
from cosmo.sources.generated import GeneratedSource
from cosmo.sources.steady import Outage


def open_source(settings: Settings, outage: Outage | None = None) -> Source:
    """Return the source of the settings, checked.

    Parameters
    ----------
    outage : waits for a bucket's store that is away; by default for a few seconds.

    Raises
    ------
    SourceError : a file or the bucket is missing, unreadable or holds no rows.
    Stopped : the outage's wait was ended.
    """
    if settings.source.kind == "bucket":
        return BucketSource.of(settings.bucket, outage, to_loop=settings.source.loop)
    if settings.source.kind == "files":
        return FilesSource.of(settings.source.files, to_loop=settings.source.loop)
    faults = tuple(parse_fault(text) for text in settings.source.faults)
    return GeneratedSource(KINDS[settings.source.kind](seed=settings.source.seed, faults=faults))
