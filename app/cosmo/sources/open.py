"""The source that the settings name."""

from cosmo.settings import Settings
from cosmo.sources.blocks import Source
from cosmo.sources.bucket_source import BucketSource
from cosmo.sources.cosmics import CosmicsSource
from cosmo.sources.files import FilesSource


def open_source(settings: Settings) -> Source:
    """Return the source of the settings, checked.

    Raises
    ------
    SourceError : a file or the bucket is missing, unreadable or holds no rows.
    """
    if settings.source.kind == "bucket":
        return BucketSource.of(settings.bucket)
    if settings.source.kind == "files":
        return FilesSource.of(settings.source.files)
    return CosmicsSource(settings.source.seed)
