"""`cosmo help`: what there is, by task; Kafka; or one command."""

from __future__ import annotations

from pathlib import Path

import click

KAFKA = """\
The broker is at {address}. COSMO's own commands for it:

  cosmo topics                       which topics there are
  cosmo topics --describe            their partitions, offsets, sizes, retention, first and last record
  cosmo topics --create              make those of COSMO that are missing
  cosmo tail results                 the last results, a line each; stream and runs likewise; -f goes on
  cosmo tail stream --json -n 1      the newest timeslice, rows and all
  cosmo send stream < hits.csv       lines as records, without timeslices
  cosmo probe kafka                  does it work?
  cosmo kafka status|deploy|stop     this tier alone, on the hosts of a deployment

Kafka's own tools are in its jars, without the scripts that others start them by:

  export CLASSPATH="$(cosmo help kafka --class-path)"
  java={java}
  $java kafka.admin.TopicCommand --bootstrap-server {address} --list
  $java kafka.tools.GetOffsetShell --bootstrap-server {address} --topic {stream}
  $java kafka.tools.ConsoleConsumer --bootstrap-server {address} --topic {results} --from-beginning
  $java kafka.tools.ConsoleProducer --bootstrap-server {address} --topic {stream}
  $java kafka.admin.ConfigCommand --bootstrap-server {address} --describe --topic {stream}
  $java kafka.admin.ConsumerGroupCommand --bootstrap-server {address} --list
"""
INSTALLED_JAVA = Path("/opt/java/bin/java")
INSTALLED_KAFKA = Path("/opt/kafka")


@click.command("help")
@click.argument("about", required=False, metavar="[kafka | COMMAND]")
@click.option(
    "--class-path", is_flag=True, help="With kafka: print the class path of its jars, and only that."
)
@click.pass_context
def command(context: click.Context, about: str | None, *, class_path: bool) -> None:
    """List the commands by task, or tell about Kafka or a COMMAND."""
    root = context.find_root()
    group = root.command
    assert isinstance(group, click.Group)
    if class_path:
        click.echo(_class_path(root.obj))
    elif about is None:
        click.echo(group.get_help(root))
    elif about == "kafka":
        click.echo(_kafka(root.obj), nl=False)
    else:
        asked = group.get_command(root, about)
        if asked is None:
            raise click.UsageError(f"expected kafka or a command, got '{about}'; `cosmo help` lists them")
        with click.Context(asked, info_name=about, parent=root) as of_command:
            click.echo(asked.get_help(of_command))


def _kafka(document: Path) -> str:
    from cosmo.settings import Settings

    settings = Settings.load(document)
    return KAFKA.format(
        address=settings.kafka_address,
        stream=settings.topics.stream.name,
        results=settings.topics.results.name,
        java=_java(),
    )


def _java() -> Path:
    if INSTALLED_JAVA.exists():
        return INSTALLED_JAVA
    from cosmo.embedded.java import JAVA

    return JAVA


def _class_path(document: Path) -> str:
    """Return the class path: of the host's Kafka, or of the locked jars in the cache."""
    import os

    if INSTALLED_KAFKA.exists():
        return f"{INSTALLED_KAFKA}/*"
    from cosmo import artifacts
    from cosmo.commands.shared.documents import lock_of
    from cosmo.settings import Settings

    jars = artifacts.fetch(lock_of(document), Settings.load(document).paths.cache)
    return os.pathsep.join(map(str, jars.kafka))
