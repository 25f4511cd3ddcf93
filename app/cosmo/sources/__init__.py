"""Where rows come from: files and the generator of cosmics. Each yields blocks and can resume inside one."""

from cosmo.sources.blocks import Block, RowBlock, Source, read_block
from cosmo.sources.cosmics import CosmicsSource
from cosmo.sources.files import FilesSource
from cosmo.sources.open import open_source

__all__ = ["Block", "CosmicsSource", "FilesSource", "RowBlock", "Source", "open_source", "read_block"]
