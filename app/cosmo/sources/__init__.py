"""Where rows come from: files, a bucket and the generator. All can resume."""

from cosmo.sources.blocks import Block, RowBlock, Source, read_block
from cosmo.sources.bucket import Bucket, StoredObject
from cosmo.sources.bucket_source import BucketSource
from cosmo.sources.files import FilesSource
from cosmo.sources.generated import GeneratedSource
from cosmo.sources.open import open_source
from cosmo.sources.steady import Outage, Stopped

__all__ = [
    "Block",
    "Bucket",
    "BucketSource",
    "FilesSource",
    "GeneratedSource",
    "Outage",
    "RowBlock",
    "Source",
    "Stopped",
    "StoredObject",
    "open_source",
    "read_block",
]
