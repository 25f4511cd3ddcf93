#!/usr/bin/python
"""Ansible module: is a systemd unit there, is it to run, does it, and with which files? Changes nothing."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: unit_state
short_description: State of a systemd unit, and whether it runs with older files
options:
  unit: {description: "Name without '.service'.", type: str, required: true}
  files: {description: What it reads at its start., type: list, elements: str, default: []}
"""
RETURN = r"""
exists: {description: Whether /etc/systemd/system has the unit., type: bool, returned: always}
enabled: {description: "Whether it is meant to run, and starts at boot.", type: bool, returned: always}
active_state: {description: "active, inactive, failed or on the way.", type: str, returned: always}
failing: {description: "Whether it failed, for good or until its next try.", type: bool, returned: always}
main_pid: {description: "Its main process, 0 if there is none.", type: int, returned: always}
stale: {description: Files that the main process runs without., type: list, returned: always}
jars: {description: Jars that the main process has open., type: list, returned: always}
"""
EXAMPLES = r"""
- unit_state:
    unit: kafka
    files: [/etc/kafka/server.properties]
"""
PROPERTIES = "ActiveState,SubState,UnitFileState,MainPID,ExecMainStartTimestampMonotonic,NeedDaemonReload"


def younger(files: list[str], started: float) -> list[str]:
    """Return the files that were written after a Unix time; one that does not exist was not."""
    found = []
    for path in files:
        try:
            if os.lstat(path).st_mtime > started:
                found.append(path)
        except FileNotFoundError:
            continue
    return found


def open_jars(main_pid: int) -> list[str]:
    """Return the names of the jars that a process runs from, [] if there is no process."""
    if not main_pid:
        return []
    names = set()
    with suppress(FileNotFoundError):  # it has ended
        for handle in Path(f"/proc/{main_pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # it has closed this one
                names.add(handle.readlink().name.removesuffix(" (deleted)"))  # by an update since
    return sorted(name for name in names if name.endswith(".jar"))


def main() -> None:
    """Ask systemd and the file system."""
    module = AnsibleModule(
        argument_spec={
            "unit": {"type": "str", "required": True},
            "files": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    unit_file = f"/etc/systemd/system/{module.params['unit']}.service"
    shown = subprocess.run(
        ["systemctl", "show", f"--property={PROPERTIES}", f"{module.params['unit']}.service"],
        capture_output=True,
        text=True,
        check=False,
    )
    if shown.returncode != 0:
        module.fail_json(
            msg=f"expected systemd to answer, it says: {shown.stderr.strip()}; see why it does not run"
        )
    values = dict(line.split("=", 1) for line in shown.stdout.splitlines())
    main_pid = int(values["MainPID"])
    age_s = time.monotonic() - int(values["ExecMainStartTimestampMonotonic"]) / 1e6
    stale = younger([unit_file, *module.params["files"]], time.time() - age_s) if main_pid else []
    if main_pid and values["NeedDaemonReload"] == "yes" and unit_file not in stale:
        stale.insert(0, unit_file)  # it was started after this was written, and yet without it
    module.exit_json(
        changed=False,
        exists=Path(unit_file).exists(),
        main_pid=main_pid,
        enabled=values["UnitFileState"] == "enabled",
        active_state=values["ActiveState"],
        failing=values["ActiveState"] == "failed" or values["SubState"] == "auto-restart",
        stale=stale,
        jars=open_jars(main_pid),
    )


if __name__ == "__main__":
    main()
