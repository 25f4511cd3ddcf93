"""Ansible action: by how much is the host's clock ahead of the controller's? Changes nothing.

The host reads its clock at some moment between the question and the answer, so the offset is known to lie
between `low` and `high`; the shortest of a few exchanges bounds it best.
"""

from __future__ import annotations

import time
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

EXCHANGES = 4
"""The first one may open the connection, which takes longer."""


def bounds(exchanges: list[tuple[float, float, float]]) -> tuple[float, float]:
    """Return the least and the greatest offset in seconds that all exchanges allow.

    Parameters
    ----------
    exchanges : Unix times of the question and of the answer here, and of the reading between them there.
    """
    low = max(there - answered for _, answered, there in exchanges)
    high = min(there - asked for asked, _, there in exchanges)
    return low, high


class ActionModule(ActionBase):
    """Ask a few times."""

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return low and high in seconds."""
        result = super().run(tmp, task_vars)
        exchanges = []
        for _ in range(EXCHANGES):
            asked = time.time()
            code, out, said = self._connection.exec_command("date +%s.%N", in_data=None, sudoable=False)
            answered = time.time()
            if code != 0:
                raise AnsibleActionFail(
                    f"expected the host to tell its time, it says: {said!r}; see why date fails"
                )
            exchanges.append((asked, answered, float(out)))
        low, high = bounds(exchanges)
        return {**result, "changed": False, "low": low, "high": high}
