#!/usr/bin/python
"""Ansible module: users of Kafka have these passwords, for SCRAM-SHA-512. Asks and tells ZooKeeper."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: scram_users
short_description: Users of Kafka and their passwords
options:
  java: {description: The program java., type: path, required: true}
  jars: {description: Folder with the jars of Kafka., type: path, required: true}
  log4j: {description: Configuration of its messages., type: path, required: true}
  zookeeper: {description: Address and port., type: str, required: true}
  passwords: {description: Passwords by user., type: dict, required: true}
"""
RETURN = r"""
set: {description: Users whose passwords were set., type: list, returned: always}
"""
EXAMPLES = r"""
- scram_users:
    java: /usr/bin/java
    jars: /opt/kafka
    log4j: /etc/kafka/log4j.properties
    zookeeper: 127.0.0.1:2181
    passwords: {admin: "{{ password }}"}
  no_log: true
"""
MECHANISM = "SCRAM-SHA-512"


def known(described: str) -> dict[str, dict[str, str]]:
    """Return what Kafka's tool tells of each user: salt, stored_key, server_key, iterations."""
    users = {}
    for user, value in re.findall(rf"'([^']+)' are .*?{MECHANISM}=\[?([^\]\s]+)", described):
        users[user] = dict(part.split("=", 1) for part in value.split(","))
    return users


def matches(password: str, stored: dict[str, str]) -> bool:
    """Say whether a password is the one of which SCRAM's keys are stored (RFC 5802)."""
    salt, iterations = base64.b64decode(stored["salt"]), int(stored["iterations"])
    salted = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha512")
    return hmac.compare_digest(hashlib.sha512(client_key).digest(), base64.b64decode(stored["stored_key"]))


class Tool:
    """Kafka's kafka.admin.ConfigCommand, asked about users."""

    def __init__(self, module: AnsibleModule) -> None:
        given = module.params
        self._module = module
        log4j = f"-Dlog4j.configuration=file:{given['log4j']}"
        options = ["-XX:-UsePerfData", "-XX:TieredStopAtLevel=1", log4j]
        self._command = [given["java"], *options, "-cp", f"{given['jars']}/*", "kafka.admin.ConfigCommand"]
        self._command += ["--zookeeper", given["zookeeper"], "--entity-type", "users"]

    def described(self) -> str:
        """Return what it tells of all users."""
        return self._run("--describe")

    def set(self, user: str, password: str) -> None:
        """Set a password. It goes through a file in memory: everybody on the host can read a command line."""
        with tempfile.NamedTemporaryFile("w", dir="/run", prefix="kafka-") as file:  # has mode 0600
            file.write(f"{MECHANISM}=password={password}\n")
            file.flush()
            self._run("--entity-name", user, "--alter", "--add-config-file", file.name)

    def _run(self, *arguments: str) -> str:
        ended = subprocess.run([*self._command, *arguments], capture_output=True, text=True, check=False)
        if ended.returncode != 0:
            said = " ".join((ended.stderr or ended.stdout).split())[-300:]
            self._module.fail_json(
                msg=f"expected {arguments[0]} of users to work, it says: {said}; see that ZooKeeper runs"
            )
        return ended.stdout


def main() -> None:
    """Set those passwords that are others."""
    module = AnsibleModule(
        argument_spec={
            "java": {"type": "path", "required": True},
            "jars": {"type": "path", "required": True},
            "log4j": {"type": "path", "required": True},
            "zookeeper": {"type": "str", "required": True},
            "passwords": {"type": "dict", "required": True, "no_log": True},
        },
    )
    tool = Tool(module)
    passwords = module.params["passwords"]
    users = known(tool.described())
    wanted = [user for user in passwords if user not in users or not matches(passwords[user], users[user])]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda user: tool.set(user, passwords[user]), wanted))
    module.exit_json(changed=bool(wanted), set=wanted)


if __name__ == "__main__":
    main()
