"""Who this process is to Kafka and Spark, where the deployment is secured.

A service is given its credentials by systemd, in the folder that $CREDENTIALS_DIRECTORY names; a tool that a
person runs takes those of the folder in the settings. Both hold the same names:

    kafka.json         {"user": "...", "password": "..."}
    spark.properties   spark.authenticate.secret and what goes with it, in Spark's own form
    bucket.json        {"access_key": "...", "secret_key": "..."}, of the producer
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cosmo.errors import SettingsError
from cosmo.private_files import read_private
from cosmo.settings import Settings

KAFKA: Final = "kafka.json"
SPARK: Final = "spark.properties"
BUCKET: Final = "bucket.json"
_EXAMPLE: Final = '{"user": "...", "password": "..."}'


@dataclass(frozen=True)
class KafkaUser:
    """A user of the broker; the password is not in its repr."""

    name: str
    password: str = field(repr=False)


def find(name: str, otherwise: Path) -> Path:
    """Return the path of a credential: where systemd put it, else where the settings have it."""
    given = os.environ.get("CREDENTIALS_DIRECTORY")
    if given and (Path(given) / name).exists():
        return Path(given) / name
    return otherwise


def kafka_user(settings: Settings) -> KafkaUser:
    """Read who we are to the broker.

    Raises
    ------
    SettingsError : no such file, open to all users of the machine, or not of this form. The message never
        quotes the content.
    """
    path = find(KAFKA, settings.security.credentials / KAFKA)
    remedy = "run this as root on a host of the cluster, or correct security.credentials"
    content = read_private(path, "who we are to Kafka", remedy, SettingsError)
    try:
        document = json.loads(content)
        user, password = document["user"], document["password"]
    except (ValueError, RecursionError, KeyError, TypeError):
        # Not chained: the error of the parser holds the whole text.
        raise SettingsError(f"{path}: expected {_EXAMPLE}, got something else; run init again") from None
    if not (isinstance(user, str) and isinstance(password, str) and user and password):
        raise SettingsError(f"{path}: expected two texts, {_EXAMPLE}, got something else; run init again")
    return KafkaUser(user, password)


def spark_properties(settings: Settings) -> Path:
    """Return the file with Spark's secret, for Spark to read.

    Raises
    ------
    SettingsError : no such file, or open to all users of the machine.
    """
    path = find(SPARK, settings.security.credentials / SPARK)
    remedy = "run the analysis as its service, or as root with CREDENTIALS_DIRECTORY=.../analysis"
    read_private(path, "Spark's secret", remedy, SettingsError)
    return path
