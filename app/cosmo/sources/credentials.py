"""The key to a bucket: a JSON file with an access key and a secret key, for its owner only."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from cosmo.errors import SourceError
from cosmo.private_files import read_private

ACCESS_NAMES = ("access_key", "accessKey", "aws_access_key_id", "key_id")
SECRET_NAMES = ("secret_key", "secretKey", "aws_secret_access_key", "key")
"""How stores and their tools call the two; the first is what our messages ask for."""
_EXAMPLE = '{"access_key": "...", "secret_key": "..."}'


@dataclass(frozen=True)
class Credentials:
    """An access key and its secret; neither is in its repr."""

    path: Path  #: the file they come from
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> Credentials:
        """Read the two keys.

        Raises
        ------
        SourceError : no such file, open to all users of the machine, or without the two keys. The message
            never quotes the content.
        """
        remedy = f"write {_EXAMPLE} there with mode 0600, or correct bucket.credentials_file"
        content = read_private(path, "the credentials of the bucket", remedy, SourceError)
        try:
            document = json.loads(content)
        except (ValueError, RecursionError):
            # Not chained: the error of the parser holds the whole text.
            raise SourceError(f"{path}: expected JSON, got something else; write {_EXAMPLE}") from None
        return cls(path, _value(path, document, ACCESS_NAMES), _value(path, document, SECRET_NAMES))


def _value(path: Path, document: object, names: tuple[str, ...]) -> str:
    values = [document[name] for name in names if name in document] if isinstance(document, dict) else []
    if len(values) != 1 or not isinstance(values[0], str) or not values[0].strip():
        got = "none" if not values else "several" if len(values) > 1 else "an empty one or no text"
        raise SourceError(f"{path}: expected one text '{names[0]}', got {got}; write {_EXAMPLE}")
    value = values[0].strip()
    if not (value.isascii() and value.isprintable()):
        raise SourceError(f"{path}: expected printable ASCII in '{names[0]}'; copy it again")
    return value
