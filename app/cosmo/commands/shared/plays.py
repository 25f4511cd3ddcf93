"""Playbooks as commands: the deployment is chosen, the rest is ansible-playbook's own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import click

from cosmo.commands.shared import documents
from cosmo.errors import PreflightError

DEFAULT: Final = "cloud"
"""The deployment where none is chosen; ansible.cfg says the same."""
_OF_INVENTORY: Final = {
    "-i": "--inventory",
    "--inventory": "--inventory",
    "--inventory-file": "--inventory",
    "--vault-id": "--vault-id",
    "--vault-password-file": "--vault-password-file",
    "--vault-pass-file": "--vault-password-file",
}
"""Options of ansible-playbook with a value that ansible-inventory takes too, and what it calls them."""
_ASKS_FOR_PASSWORD: Final = ("-J", "--ask-vault-password", "--ask-vault-pass")


def verb(name: str) -> Callable[[Callable[..., None]], click.Command]:
    """Make a command that takes, beside its own, all options of ansible-playbook."""

    def decorate(function: Callable[..., None]) -> click.Command:
        taking_all = click.argument(
            "options", nargs=-1, type=click.UNPROCESSED, metavar="[ANSIBLE OPTIONS]...", callback=_or_help
        )
        # No letter of ours: click would find it in `-i/home/x.yml`.
        settings = {"ignore_unknown_options": True, "help_option_names": ["--help"]}
        return click.command(name, context_settings=settings)(taking_all(function))

    return decorate


def _or_help(context: click.Context, _argument: click.Parameter, options: Sequence[str]) -> Sequence[str]:
    """Return the options; show the help instead where -h is one of them."""
    if "-h" in options:
        click.echo(context.get_help())
        context.exit()
    return options


def play(
    playbook: str, options: Sequence[str], variables: dict[str, object] | None = None, tag: str = ""
) -> int:
    """Run a playbook on the hosts of the deployment that is chosen; return ansible-playbook's exit code.

    Parameters
    ----------
    options : of ansible-playbook, given as they are.
    variables : extra variables, by name.
    tag : plays of this tag only, and those that always run.

    Raises
    ------
    PreflightError : this is no checkout, the deployment has no inventory, or the controller is not set up.
    """
    name = deployment()
    argv = _argv(name, playbook, options, variables or {}, tag)
    with subprocess.Popen(argv, cwd=documents.CHECKOUT, env=_environment(name)) as ansible:
        return _code(ansible, ansible.wait)


def play_captured(playbook: str, options: Sequence[str], variables: dict[str, object]) -> tuple[int, str]:
    """Run a playbook as `play` does; return its exit code and what it printed."""
    name = deployment()
    argv = _argv(name, playbook, options, variables, "")
    environment = {**_environment(name), "ANSIBLE_NOCOLOR": "1"}
    said: list[str] = []
    with subprocess.Popen(
        argv, cwd=documents.CHECKOUT, env=environment, stdout=subprocess.PIPE, text=True
    ) as ansible:
        code = _code(ansible, lambda: said.append(ansible.communicate()[0]))
    return code, said[0]


def inventory(options: Sequence[str]) -> dict[str, dict]:  # type: ignore[type-arg]  # JSON
    """Return the inventory of the deployment as Ansible takes it, with those that the options add.

    Raises
    ------
    PreflightError : it cannot be shown.
    """
    name = deployment()
    argv = [
        *_program("ansible-inventory"),
        f"--inventory=inventory/{name}",
        *_of_inventory(options),
        "--list",
    ]
    shown = subprocess.run(
        argv, cwd=documents.CHECKOUT, env=_environment(name), capture_output=True, text=True, check=False
    )
    if shown.returncode:
        raise PreflightError(f"expected ansible-inventory to show inventory/{name}, it says: {shown.stderr}")
    found: dict[str, dict] = json.loads(shown.stdout)  # type: ignore[type-arg]
    return found


def deployment() -> str:
    """Return the name of the deployment: that of the folder in --config or COSMO_CONFIG_PATH."""
    config: Path | None = click.get_current_context().find_root().params.get("config")
    if config is None:
        name = DEFAULT
    else:
        path = config.absolute()
        name = path.parent.name if path.suffix in (".yml", ".yaml") else path.name
    checkout = documents.CHECKOUT
    if not (checkout / "playbooks").is_dir():
        raise PreflightError(
            "expected COSMO's checkout, with playbooks/ and inventory/: the hosts are worked on from there; "
            f"{checkout} is none. Run the command from the checkout's .venv or .venv-controller"
        )
    if not (checkout / "inventory" / name).is_dir():
        known = sorted(path.name for path in (checkout / "inventory").iterdir() if path.is_dir())
        raise PreflightError(
            f"expected inventory/{name} to go with config/{name}, it is not there; "
            f"there are: {', '.join(known)}. Choose by --config or COSMO_CONFIG_PATH, or copy inventory/cloud"
        )
    return name


def _of_inventory(options: Sequence[str]) -> list[str]:
    """Return those of the options that name inventories, or the passwords of what in them is vaulted."""
    found: list[str] = []
    for option, value in pairwise((*options, "")):
        name, _, joined = option.partition("=")
        if option in _ASKS_FOR_PASSWORD:
            found.append("--ask-vault-password")
        elif name in _OF_INVENTORY:
            found.append(f"{_OF_INVENTORY[name]}={joined or value}")
        elif option.startswith("-i"):
            found.append(f"--inventory={option.removeprefix('-i')}")
    return found


def _program(name: str) -> list[str]:
    """Return a program of the controller's environment, which is made or brought up to date where needed."""
    made = subprocess.run([documents.CHECKOUT / "scripts" / "controller"], check=False)
    if made.returncode:
        raise PreflightError("expected scripts/controller to set up Ansible, it failed; it says why above")
    return [str(documents.CHECKOUT / ".venv-controller" / "bin" / name)]


def _environment(name: str) -> dict[str, str]:
    controller = documents.CHECKOUT / ".venv-controller" / "bin"
    path = os.pathsep.join((str(controller), os.environ.get("PATH", os.defpath)))
    return {**os.environ, "PATH": path, "COSMO_CONFIG_PATH": f"config/{name}"}


def _argv(
    name: str, playbook: str, options: Sequence[str], variables: dict[str, object], tag: str
) -> list[str]:
    argv = [*_program("ansible-playbook"), f"--inventory=inventory/{name}", f"playbooks/{playbook}.yml"]
    if tag:
        argv.append(f"--tags={tag}")
    if variables:
        argv.append(f"--extra-vars={_written(variables)}")
    return [*argv, *options]


def _written(variables: dict[str, object]) -> str:
    """Return variables as YAML in which a text stays what it is: braces in it are no template."""
    pairs = [
        f"{json.dumps(name)}: {'!unsafe ' * isinstance(value, str)}{json.dumps(value, ensure_ascii=False)}"
        for name, value in variables.items()
    ]
    return f"{{{', '.join(pairs)}}}"


def _code(ansible: subprocess.Popen[Any], wait: Callable[[], object]) -> int:
    """Wait for Ansible. Ctrl-C reaches it too; it ends in its own way, and we wait for that."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        wait()
    finally:
        signal.signal(signal.SIGINT, before)
    code = int(ansible.returncode)
    return code if code >= 0 else 128 - code
