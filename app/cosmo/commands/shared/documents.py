"""Where the settings document is, and the lock of the jars beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).parents[4]
INSTALLED: Final = Path("/etc/cosmo/cosmo.yml")


def document_of(config: Path | None) -> Path:
    """Return the document of a deployment's folder, or the one that is meant where none is named."""
    if config is None:
        config = INSTALLED if INSTALLED.exists() else CHECKOUT / "config" / "localhost"
    return config / "cosmo.yml" if config.is_dir() else config


def lock_of(document: Path) -> Path:
    """Return the lock of the jars: beside the deployments' folders, or that of the checkout."""
    beside = document.absolute().parents[1] / "artifacts.lock.yml"
    return beside if beside.exists() else CHECKOUT / "config" / "artifacts.lock.yml"
