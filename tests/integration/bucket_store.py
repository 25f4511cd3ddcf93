"""What tests of the bucket share: a store, settings that lead to it, and rows to put there."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import yaml
from s3_server import FaultyProxy, S3Server

from cosmo.generator import Cosmics
from cosmo.settings import Settings

LOCALHOST = Path(__file__).parents[2] / "config" / "localhost" / "cosmo.yml"
_names = count()


@dataclass
class Store:
    """A server with users, and a proxy before it; settings lead through the proxy."""

    server: S3Server
    proxy: FaultyProxy
    folder: Path
    changes: dict[str, object] = field(default_factory=dict)

    def new_bucket(self, objects: dict[str, bytes]) -> str:
        """Make a bucket and let the settings name it."""
        name = f"recordings-{next(_names)}"
        self.server.fill(name, objects)
        self.changes["bucket.name"] = name
        return name

    def write_credentials(self, content: object, mode: int = 0o600) -> Path:
        path = self.folder / f"credentials-{next(_names)}.json"
        path.touch(0o600)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        path.chmod(mode)
        return path

    def document(self, **changes: object) -> Path:
        """Write a settings document that leads to the bucket."""
        document = yaml.safe_load(LOCALHOST.read_text())
        document["source"]["kind"] = "bucket"
        document["paths"]["data"] = str(self.folder / "data")
        for key, value in {**self.changes, **{f"bucket.{name}": v for name, v in changes.items()}}.items():
            section, _, last = key.partition(".")
            document[section][last] = value
        path = self.folder / f"settings-{next(_names)}.yml"
        path.write_text(yaml.safe_dump(document))
        return path

    def settings(self, **changes: object) -> Settings:
        return Settings.load(self.document(**changes))


def rows(seed: int, n_bytes: int) -> bytes:
    """Return generated rows of about so many bytes."""
    cosmics, made, index = Cosmics(seed=seed), b"", 0
    while len(made) < n_bytes:
        made += cosmics.chunk(index).rows
        index += 1
    return made[: made.rfind(b"\n", 0, n_bytes) + 1]
