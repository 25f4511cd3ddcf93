#!/usr/bin/python
"""Ansible module: which folders of a folder do processes of this host use? Changes nothing."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: folders_in_use
short_description: Folders that processes run from, have open, or name in arguments or environment
options:
  parent: {description: Where the folders are., type: path, required: true}
"""
RETURN = r"""
folders: {description: Their paths., type: list, returned: always}
"""
EXAMPLES = r"""
- folders_in_use:
    parent: /opt/cosmo
"""
TOLD = ("cmdline", "environ", "maps")
GONE = (FileNotFoundError, ProcessLookupError, PermissionError)
"""What a look at processes meets that come and go, or are beyond even root."""


def told_by(process: Path) -> str:
    """Return what a process says of itself in which a path may stand."""
    told = []
    for name in TOLD:
        with suppress(*GONE):
            told.append((process / name).read_bytes().decode(errors="replace"))
    with suppress(*GONE):
        for handle in (process / "fd").iterdir():
            with suppress(*GONE):
                told.append(str(handle.readlink()))
    return "\n".join(told)


def in_use(parent: str, processes: Path = Path("/proc")) -> list[str]:
    """Return the folders under `parent` that some process uses, by their paths."""
    wanted = re.compile(re.escape(parent.rstrip("/")) + r"/([^/\s\0:]+)")
    found = set()
    for process in processes.glob("[0-9]*"):
        found.update(wanted.findall(told_by(process)))
    return sorted(f"{parent.rstrip('/')}/{name}" for name in found)


def main() -> None:
    """Look at all processes."""
    module = AnsibleModule(
        argument_spec={"parent": {"type": "path", "required": True}}, supports_check_mode=True
    )
    module.exit_json(changed=False, folders=in_use(module.params["parent"]))


if __name__ == "__main__":
    main()
