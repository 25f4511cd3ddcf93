"""How to reach the web pages of a deployment: they listen on their hosts' loopback, so by SSH tunnel."""

from __future__ import annotations

import shlex
from typing import Any, Final

from cosmo.errors import PreflightError

PAGES: Final = (
    ("dashboard", "dashboard", "the dashboard"),
    ("spark_application_ui", "analysis", "the Spark application"),
    ("spark_master_ui", "spark_master", "the Spark master"),
)
"""Name of the port in the settings, group of the host, what it is."""
JUMPS: Final = ("ansible_ssh_common_args", "ansible_ssh_extra_args")
"""Here stands the jump host."""
SAID: Final = (
    *JUMPS,
    *("ansible_port", "ansible_ssh_private_key_file", "ansible_host", "ansible_user"),
)
"""Variables of a host that its tunnel is made from."""


def ways(inventory: dict[str, Any], ports: dict[str, int]) -> list[str]:
    """Return the lines that tell a person how to reach the pages.

    Parameters
    ----------
    inventory : as `ansible-inventory --list` prints it.
    ports : section `ports` of the settings.

    Raises
    ------
    PreflightError : how to reach a host is vaulted by itself, and Ansible does not show it.
    """
    by_host: dict[str, list[int]] = {}
    for port, group, _ in PAGES:
        for host in _hosts(inventory, group)[:1]:
            by_host.setdefault(host, []).append(ports[port])
    variables = inventory["_meta"]["hostvars"]
    lines = [_ssh(host, variables.get(host, {}), numbers) for host, numbers in by_host.items()]
    pages = [f"http://localhost:{ports[port]}/ {what}" for port, _, what in PAGES]
    return [*[line for line in lines if line], *pages]


def _ssh(host: str, variables: dict[str, Any], ports: list[int]) -> str | None:
    """Return the command that opens the tunnel; None where the host is this machine."""
    if variables.get("ansible_connection") == "local":
        return None
    hidden = [name for name in SAID if isinstance(variables.get(name), dict)]
    if hidden:
        raise PreflightError(
            f"expected Ansible to show {', '.join(hidden)} of {host}, it is vaulted by itself; "
            f"vault its file instead"
        )
    words = ["ssh", "-N"]
    for port in ports:
        words += ["-L", f"{port}:127.0.0.1:{port}"]
    for name in JUMPS:
        words += shlex.split(variables.get(name, ""))
    if "ansible_port" in variables:
        words += ["-p", str(variables["ansible_port"])]
    if "ansible_ssh_private_key_file" in variables:
        words += ["-i", variables["ansible_ssh_private_key_file"]]
    address = variables.get("ansible_host", host)
    user = variables.get("ansible_user")
    return shlex.join([*words, f"{user}@{address}" if user else address])


def _hosts(inventory: dict[str, Any], group: str) -> list[str]:
    described = inventory.get(group, {})
    inner = [host for child in described.get("children", []) for host in _hosts(inventory, child)]
    return [*described.get("hosts", []), *inner]
