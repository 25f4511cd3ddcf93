"""The command `cosmo`: a table of its commands, what all of them share, and how it ends.

A command is `command` in a file of `commands/`, imported when it is asked for.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
from pathlib import Path
from typing import Final

import click

from cosmo.commands.shared.documents import INSTALLED, document_of
from cosmo.errors import NO_ROOM, CosmoError

SECTIONS: Final = {
    "On the hosts of a deployment": (
        "init",
        "run",
        "beat",
        "halt",
        "dismiss",
        "kafka",
        "spark",
        "restart",
        "logs",
        "prefetch",
    ),
    "On this machine": ("demo", "fake"),
    "Parts, as services or in the foreground": ("produce", "analyse", "dashboard"),
    "Look at what runs": ("probe", "runs", "topics", "tail", "send"),
    "Recordings": ("summarise", "generate", "download"),
    "Settings and help": ("config", "help", "wanda"),
}
LONGEST_HELP: Final = 64
"""Of a command in the list: a line of a terminal."""
COMMANDS: Final = tuple(name for names in SECTIONS.values() for name in names)


def main() -> None:
    """Run the command; an error of ours is one sentence and an exit code."""
    try:
        cosmo(standalone_mode=False)
        if sys.stdout is not None:  # closed by `>&-`
            sys.stdout.flush()  # else what is left fails at the exit of Python, with a traceback
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
    except BrokenPipeError:  # of `cosmo tail | head`: nobody reads on, which is no error
        _drop_output()
    except OSError as error:  # where a command writes files, it names them itself
        if error.errno not in NO_ROOM:
            raise
        _drop_output()
        _complain(f"expected room for the output, got: {error.strerror}; free some, or send it elsewhere")
        sys.exit(1)
    except CosmoError as error:
        _complain(str(error))
        sys.exit(error.exit_code)


def _complain(sentence: str) -> None:
    from cosmo.commands.shared import person

    person.complain(sentence)


def _drop_output() -> None:
    """Let nothing that is not written yet fail again, at the exit of Python."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Commands(click.Group):
    """The commands of the table, each imported when it is asked for."""

    def list_commands(self, _context: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        """Import a command."""
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"cosmo.commands.{name}").command
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands by task."""
        for section, names in SECTIONS.items():
            with formatter.section(section):
                commands = [(name, self.get_command(context, name)) for name in names]
                formatter.write_dl(
                    [(name, each.get_short_help_str(LONGEST_HELP)) for name, each in commands if each],
                )


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    envvar="COSMO_CONFIG_PATH",
    help="Settings: a deployment's folder such as config/localhost, or a document. "
    f"Default: {INSTALLED} if there, else config/localhost.",
)
@click.version_option(package_name="cosmo")
@click.pass_context
def cosmo(context: click.Context, config: Path | None) -> None:
    """Live data-quality monitor for a telescope of drift-tube chambers.

    Commands on the hosts of a deployment run its playbooks. The deployment is the name of the folder in
    --config or COSMO_CONFIG_PATH, without either it is cloud; all options of ansible-playbook are passed on.
    """
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    for library in ("py4j", "bokeh", "tornado"):
        logging.getLogger(library).setLevel(logging.ERROR)
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # reports each attempt; we say once what matters
    context.obj = document_of(config)
