"""The producer's rate: as recorded, and another one while it runs."""

from __future__ import annotations

import logging
import os
import signal
import threading
from pathlib import Path

import pytest
import yaml

from cosmo.commands.shared.rate import RateOfDocument
from cosmo.detector import ORBIT_S
from cosmo.producer import Producer
from cosmo.results import Run
from cosmo.settings import Settings
from cosmo.slice_records import Writer
from cosmo.sources import Block
from sample_rows import hit

LOCALHOST = Path(__file__).parents[2] / "config" / "localhost" / "cosmo.yml"
RECORDED_HZ = 50


class Rows:
    """Rows in one block, 50 a second by their orbit clock."""

    description = "rows"

    def __init__(self, n_rows):
        self.text = b"".join(hit(int(i / RECORDED_HZ / ORBIT_S)) + b"\n" for i in range(n_rows))

    def blocks(self, source="", offset=0):
        assert (source, offset) == ("", 0)
        yield Block("rows.txt", 0, len(self.text), self.text)


class Clock(threading.Event):
    """A clock that goes on only when somebody waits; it is the stop, too."""

    def __init__(self):
        super().__init__()
        self.now = 1000.0

    def wait(self, timeout=None):
        self.now += timeout
        return self.is_set()

    def __call__(self):
        return self.now


def seconds_taken(n_rows, rate):
    clock = Clock()
    settings = Settings.load(LOCALHOST, {"source.loop": False})
    writer = Writer("host", 1, "2026-11-22T20:00:00Z")
    run = Run.model_construct(number=1)
    sent = []
    Producer(
        settings, Rows(n_rows), run, None, writer, lambda record: not sent.append(record), clock,
        clock=clock, rate=lambda: rate(clock.now),
    ).stream()  # fmt: skip
    assert sent[-1].rows_so_far == n_rows
    return clock.now - 1000.0


def test_rows_go_at_the_speed_of_the_recording():
    assert seconds_taken(1000, lambda _: "recorded") == pytest.approx(20, abs=1)


def test_a_new_rate_is_taken_while_a_block_is_played():
    """10 s at 20 rows/s, the rest of 1000 rows at 100."""
    assert seconds_taken(1000, lambda now: 20 if now < 1010 else 100) == pytest.approx(18, abs=1)


def test_from_a_rate_to_as_recorded_and_to_the_maximum():
    """10 s at 20 rows/s, 10 s as recorded, then all at once."""
    rates = {1010: 20, 1020: "recorded"}
    taken = seconds_taken(2000, lambda now: next((r for end, r in rates.items() if now < end), "maximum"))
    assert taken == pytest.approx(20, abs=1)


@pytest.fixture
def document(tmp_path):
    path = tmp_path / "cosmo.yml"
    path.write_text(LOCALHOST.read_text())
    handler = signal.getsignal(signal.SIGHUP)
    yield path
    signal.signal(signal.SIGHUP, handler)


def change(path, **keys):
    values = yaml.safe_load(path.read_text())
    values["producer"].update(keys)
    path.write_text(yaml.safe_dump(values))


def test_the_document_is_read_anew_when_asked(document):
    rate = RateOfDocument(document, Settings.load(document))
    change(document, rows_per_s=5000)
    assert rate() == 1100
    os.kill(os.getpid(), signal.SIGHUP)
    assert rate() == 5000


def test_a_bad_document_changes_nothing_and_is_told(document, caplog):
    rate = RateOfDocument(document, Settings.load(document))
    change(document, rows_per_s=-1)
    os.kill(os.getpid(), signal.SIGHUP)
    assert rate() == 1100
    assert "the rate stays as it was" in caplog.text
    assert "producer.rows_per_s" in caplog.text


def test_other_changes_wait_for_a_start(document, caplog):
    caplog.set_level(logging.INFO)
    rate = RateOfDocument(document, Settings.load(document))
    change(document, rows_per_s="maximum", linger_ms=5)
    os.kill(os.getpid(), signal.SIGHUP)
    assert rate() == "maximum"
    assert "at the next start" in caplog.text
