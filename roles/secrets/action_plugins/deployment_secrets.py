"""Ansible action: the secrets of the deployment exist, on the controller, in one file for its owner only.

An action, because the file may be encrypted with ansible-vault: only Ansible itself knows the password of
the vault. It returns the names of what it made, and never a secret.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.parsing.vault import is_encrypted
from ansible.plugins.action import ActionBase

sys.path.insert(0, str(Path(__file__).parents[1] / "files"))
from secrets_document import completed, emptied

HEAD = """\
# The secrets of the deployment, made by init, on this machine only. Who has them has the cluster.
# You may encrypt this file with ansible-vault. All of it is made anew by init -e cosmo_rotate=true
"""


class ActionModule(ActionBase):
    """Read the file, make what is missing, write it."""

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return `changed` and the names of what was `made`."""
        result = super().run(tmp, task_vars)
        given = self._task.args
        path = Path(os.path.expanduser(given["path"]))  # noqa: PTH111 - the path may not be one of this platform's
        document, vaulted = self._read(path)
        if given["rotate"] and not self._task.check_mode:
            document = emptied(document)
        # Ansible's texts know where they come from, which YAML cannot write.
        users, addresses = ([str(text) for text in given[name]] for name in ("users", "addresses"))
        document, made = completed(document, str(given["deployment"]), users, addresses)
        if made:
            try:
                self._write(path, document, vaulted=vaulted)
            except OSError as error:
                raise AnsibleActionFail(
                    f"controller: expected to write {path}, got: {error.strerror}; make it writable, or set "
                    f"secrets_folder"
                ) from error
        return {**result, "changed": bool(made), "made": made}

    def _read(self, path: Path) -> tuple[dict[str, Any], bool]:
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return {}, False
        except OSError as error:
            raise AnsibleActionFail(
                f"controller: expected to read {path}, got: {error.strerror}; run init as who ran it first"
            ) from error
        vaulted = is_encrypted(content)
        try:
            document = yaml.safe_load(self._loader._vault.decrypt(content) if vaulted else content) or {}  # noqa: SLF001
        except AnsibleError as error:
            raise AnsibleActionFail(
                f"controller: {path} is encrypted, and cannot be read: {error}; add --ask-vault-pass"
            ) from error
        except yaml.YAMLError:  # not chained: its text quotes the file
            document = None
        if not isinstance(document, dict):
            raise AnsibleActionFail(
                f"controller: expected the secrets of the deployment in {path}, got something else; "
                f"take it from a backup, or move it away and rotate"
            ) from None
        return document, vaulted

    def _write(self, path: Path, document: dict[str, Any], *, vaulted: bool) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        text = (HEAD + yaml.safe_dump(document, sort_keys=True)).encode()
        content = self._loader._vault.encrypt(text) if vaulted else text  # noqa: SLF001 - there is no other way
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:  # has mode 0600
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).replace(path)
