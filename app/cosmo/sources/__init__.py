"""Where rows come from: files and the generator. Each yields blocks and can resume inside one."""

from cosmo.sources.blocks import Block, RowBlock, Source, read_block
from cosmo.sources.files import FilesSource
from cosmo.sources.generated import GeneratedSource
from cosmo.sources.open import open_source

__all__ = ["Block", "FilesSource", "GeneratedSource", "RowBlock", "Source", "open_source", "read_block"]
