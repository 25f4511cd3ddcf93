#!/usr/bin/python
"""Ansible module: what of a host stands in the way of an init, and whom it lets in. Changes nothing."""

from __future__ import annotations

import os
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: host_measures
short_description: Memory, programs that are missing, disks too small, ports in use, and peers out of reach
options:
  programs: {description: Paths of what must be there., type: list, elements: path, required: true}
  disks: {description: "What each folder needs in MiB, held or free.", type: dict, required: true}
  ports: {description: "Who may listen: dicts of port, unit.", type: list, elements: dict, required: true}
  peers: {description: "Dicts of host, address, port.", type: list, elements: dict, required: true}
  address: {description: Of this host for the others., type: str, required: true}
  rules: {description: Rules of the packet filter that an earlier init wrote., type: path, required: true}
"""
RETURN = r"""
memory_mib: {description: All memory of the host., type: int, returned: always}
ansible_facts: {description: "host_cores, how many threads run at once.", type: dict, returned: always}
missing: {description: Programs that are not there., type: list, returned: always}
small: {description: "Disks without room for their folders, a clause each.", type: list, returned: always}
taken: {description: "Ports that others hold, a clause each.", type: list, returned: always}
out_of_reach: {description: "Peers that do not answer at all: host, port, why.", type: list, returned: always}
is_here: {description: Whether the address is one of this host's interfaces., type: bool, returned: always}
lets_in: {description: "Whom those rules let in, by port; null without rules.", type: dict, returned: always}
"""
EXAMPLES = r"""
- host_measures:
    programs: [/usr/sbin/nft]
    disks: {/var/lib/kafka: 13312}
    ports: [{port: 9092, unit: kafka}]
    peers: [{host: cmaster, address: 10.0.0.11, port: 9092}]
    address: 10.0.0.12
    rules: /etc/cosmo/firewall.nft
"""
LISTEN = "0A"
"""State of a listening socket in /proc/net/tcp."""
ANSWER_WITHIN_S = 3.0
RULE = re.compile(r"saddr \{ ([^}]+) \} tcp dport (\d+)")
GONE = (FileNotFoundError, ProcessLookupError, PermissionError)
"""What a look at files and processes meets that come and go, or are beyond even root."""


def memory_mib() -> int:
    """Return the host's memory."""
    found = re.search(r"MemTotal:\s+(\d+) kB", Path("/proc/meminfo").read_text())
    return int(found[1]) // 1024


def held_mib(folder: str) -> int:
    """Return what a folder takes of its disk; a folder that does not exist takes nothing."""
    held = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(*GONE):
                # Blocks, not lengths: Kafka's index files are long and mostly holes.
                held += (Path(place) / name).lstat().st_blocks * 512
    return held >> 20


def too_small(needs_mib: dict[str, int]) -> list[str]:
    """Say which disks have no room for what their folders need, beyond what those hold already.

    Parameters
    ----------
    needs_mib : by folder; those on one disk are added up.
    """
    by_disk: dict[int, list[str]] = {}
    places = {}
    for folder in needs_mib:
        places[folder] = next(path for path in (Path(folder), *Path(folder).parents) if path.exists())
        by_disk.setdefault(places[folder].stat().st_dev, []).append(folder)
    clauses = []
    for folders in by_disk.values():
        needed = sum(int(needs_mib[folder]) for folder in folders)
        disk = os.statvfs(places[folders[0]])
        free = disk.f_bavail * disk.f_frsize >> 20
        held = sum(held_mib(folder) for folder in folders)
        if free + held < needed:
            what = f"{needed} MiB of disk for {' and '.join(folders)}"
            clauses.append(f"{what}, got {free} MiB free and {held} MiB held already")
    return clauses


def listening(ports: list[int]) -> dict[str, str]:
    """Return the inodes of the sockets that listen on these ports, with their port."""
    found = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if not Path(table).exists():
            continue
        for line in Path(table).read_text().splitlines()[1:]:
            _, local, _, state, _, _, _, _, _, inode = line.split()[:10]
            port = int(local.rpartition(":")[2], 16)
            if state == LISTEN and port in ports:
                found[inode] = str(port)
    return found


def listeners(ports: list[int]) -> dict[str, dict[str, str]]:
    """Return who listens on these ports."""
    inodes = listening(ports)
    found = {port: {"who": "a process that does not show itself", "unit": ""} for port in inodes.values()}
    for process in Path("/proc").glob("[0-9]*"):
        held = handles(process)
        for inode in inodes:
            if f"socket:[{inode}]" in held:
                with suppress(*GONE):
                    name, unit = (process / "comm").read_text().strip(), unit_of(process)
                    said = f"{name} (process {process.name}" + (f", {unit})" if unit else ")")
                    found[inodes[inode]] = {"who": said, "unit": unit}
    return found


def handles(process: Path) -> set[str]:
    """Return what a process has open; some of it may be closed meanwhile."""
    held = set()
    with suppress(*GONE):
        for handle in (process / "fd").iterdir():
            with suppress(*GONE):
                held.add(str(handle.readlink()))
    return held


def unit_of(process: Path) -> str:
    """Return the systemd unit of a process, '' if there is none."""
    found = re.search(r"([^/]+\.service)", (process / "cgroup").read_text())
    return found[1] if found else ""


def why_out_of_reach(peer: dict[str, str]) -> str:
    """Return why a peer cannot be reached; '' if it can. A refused connection has reached it."""
    try:
        socket.create_connection((peer["address"], int(peer["port"])), timeout=ANSWER_WITHIN_S).close()
    except ConnectionRefusedError:
        return ""
    except OSError as error:
        return f"{peer['address']} port {peer['port']}: {error}"
    return ""


def taken(wanted: list[dict[str, str]]) -> list[str]:
    """Say which of the wanted ports another than their unit listens on."""
    found = listeners([int(row["port"]) for row in wanted])
    return [
        f"port {row['port']} to be free for {row['unit']}, it is used by {found[str(row['port'])]['who']}"
        for row in wanted
        if str(row["port"]) in found and found[str(row["port"])]["unit"] != f"{row['unit']}.service"
    ]


def is_here(address: str) -> bool:
    """Tell whether this host can listen on an address."""
    try:
        socket.create_server((address, 0)).close()
    except OSError:
        return False
    return True


def lets_in(rules: Path) -> dict[str, list[str]] | None:
    """Return which addresses our packet filter lets in, by the first port of a rule; None without rules."""
    if not rules.exists():
        return None
    let_in: dict[str, list[str]] = {}
    for addresses, port in RULE.findall(rules.read_text()):
        let_in.setdefault(port, []).extend(addresses.split(", "))
    return let_in


def main() -> None:
    """Measure."""
    module = AnsibleModule(
        argument_spec={
            "programs": {"type": "list", "elements": "path", "required": True},
            "disks": {"type": "dict", "required": True},
            "ports": {"type": "list", "elements": "dict", "required": True},
            "peers": {"type": "list", "elements": "dict", "required": True},
            "address": {"type": "str", "required": True},
            "rules": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    peers = module.params["peers"]
    with ThreadPoolExecutor(max(1, len(peers))) as pool:
        reasons = list(pool.map(why_out_of_reach, peers))
    module.exit_json(
        changed=False,
        memory_mib=memory_mib(),
        ansible_facts={"host_cores": os.cpu_count()},
        missing=[path for path in module.params["programs"] if not os.access(path, os.X_OK)],
        small=too_small(module.params["disks"]),
        taken=taken(module.params["ports"]),
        out_of_reach=[
            {"host": peer["host"], "port": str(peer["port"]), "why": why}
            for peer, why in zip(peers, reasons, strict=True)
            if why
        ],
        is_here=is_here(module.params["address"]),
        lets_in=lets_in(Path(module.params["rules"])),
    )


if __name__ == "__main__":
    main()
