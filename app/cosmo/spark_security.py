"""Spark as a client of a secured broker and driver of a secured cluster; no secret on its command line."""

from __future__ import annotations

import shlex
from typing import Final

from cosmo import credentials
from cosmo.settings import Settings

HIDDEN: Final = "(?i)secret|password|passwd|token|jaas"
"""Names of settings whose values Spark shows nobody."""
_LOGIN: Final = "org.apache.kafka.common.security.scram.ScramLoginModule"


def kafka_options(settings: Settings) -> dict[str, str]:
    """Return the options of a Kafka source that depend on security.

    The file of the CA is read on every worker, so it lies at the same place on all hosts.
    """
    if not settings.security.is_on:
        return {}
    user = credentials.kafka_user(settings)
    return {
        "kafka.security.protocol": "SASL_SSL",
        "kafka.ssl.truststore.type": "PEM",
        "kafka.ssl.truststore.location": str(settings.security.ca),
        # Java would compare the certificate with what reverse DNS calls the address. Our authority has signed
        # for nobody but the broker.
        "kafka.ssl.endpoint.identification.algorithm": "",
        "kafka.sasl.mechanism": "SCRAM-SHA-512",
        "kafka.sasl.jaas.config": (
            f"{_LOGIN} required username={_quoted(user.name)} password={_quoted(user.password)};"
        ),
    }


def submit_arguments(settings: Settings) -> str:
    """Return PYSPARK_SUBMIT_ARGS: Spark reads its secret from a file, before its session is configured.

    What a session is given before its JVM runs goes to the command line, which all on the host can read.
    """
    if not (settings.security.is_on and settings.on_cluster):
        return "pyspark-shell"
    return f"--properties-file {shlex.quote(str(credentials.spark_properties(settings)))} pyspark-shell"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
