"""What is written of a run when it begins."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from cosmo import runs
from cosmo.results import Run


class Runs:
    """A broker that knows runs, as their messages."""

    topics = SimpleNamespace(stream=SimpleNamespace(name="s"))

    def __init__(self) -> None:
        self._messages: dict[int, bytes] = {}

    def run_messages(self):
        return {number: Run.from_json(message) for number, message in self._messages.items()}, {}

    def end_offsets(self, _topic: str) -> dict[int, int]:
        return {0: 0}

    def put_run(self, run: Run) -> None:
        self._messages[run.number] = run.to_json()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        pytest.param("files /tmp/Ångström.csv", "files /tmp/Ångström.csv", id="UTF-8"),
        pytest.param("files /tmp/bad\udcff.csv", r"files /tmp/bad\xff.csv", id="a name that is not"),
    ],
)
def test_a_run_tells_its_source_and_note_as_valid_text(given: str, told: str) -> None:
    broker = Runs()
    begun, is_new = runs.go_on_or_begin(broker, given, note=given)
    assert (begun.source, begun.note, is_new) == (told, told, True)
    assert runs.go_on_or_begin(broker, given) == (begun, False)
