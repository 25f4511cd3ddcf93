"""A source without rows, for a while or for ever, holds up neither what is due nor the stop."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from cosmo.errors import SourceError
from cosmo.generator import Beam, Cosmics, parse_fault
from cosmo.producer import Producer
from cosmo.results import Run
from cosmo.settings import Settings
from cosmo.slice_records import Writer
from cosmo.sources import Block, GeneratedSource
from sample_rows import hit

LOCALHOST = Path(__file__).parents[2] / "config" / "localhost" / "cosmo.yml"
TEXT = b"".join(hit(orbit) + b"\n" for orbit in range(100))


class WaitingSource:
    """Gives its rows, then empty blocks until the producer stops; a tick takes 0.5 s of the clock."""

    description = "rows, then nothing"

    def __init__(self, clock):
        self._clock = clock
        self.ticks = 0

    def blocks(self, source="", offset=0):
        assert (source, offset) == ("", 0)
        yield Block("data_0.txt", 0, len(TEXT), TEXT)
        for _ in range(1000):  # enough, and an end where the producer does not stop
            self.ticks += 1
            self._clock.now += 0.5
            yield Block("data_0.txt", len(TEXT), len(TEXT), b"")


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class WaitingStop(threading.Event):
    """Waiting for it takes time of the clock only."""

    def __init__(self, clock):
        super().__init__()
        self._clock = clock

    def wait(self, timeout=None):
        self._clock.now += timeout
        return self.is_set()


@pytest.fixture
def settings():
    return Settings.load(LOCALHOST, {"producer.rows_per_s": "maximum", "producer.linger_ms": 1000})


def test_a_wall_clock_that_steps_back_holds_up_nothing(settings):
    clock, stop, sent = Clock(), threading.Event(), []

    def wall():
        return 1.7e9 + clock.now - (3600 if sent else 0)

    def publish(record):
        sent.append(record)
        if len(sent) == 4:
            stop.set()
        return True

    source, run = WaitingSource(clock), Run.model_construct(number=1)
    writer = Writer("host", 1, "2026-11-22T20:00:00Z")
    Producer(settings, source, run, None, writer, publish, stop, clock=clock, wall=wall).stream()
    assert source.ticks < 1000  # idle slices came at their time, an hour before the first by the wall
    assert sent[0].first_release == 1.7e9 + 1000.0


def test_slices_are_cut_and_the_stop_is_heard_while_the_source_waits(settings):
    clock, stop, sent = Clock(), threading.Event(), []
    source = WaitingSource(clock)

    def publish(record):
        sent.append(record)
        if len(sent) == 3:
            stop.set()
        return True

    run = Run.model_construct(number=1)
    Producer(
        settings, source, run, None, Writer("host", 1, "2026-11-22T20:00:00Z"), publish, stop, clock=clock
    ).stream()
    lingered, *idle = sent
    assert lingered.rows > 0  # cut because its rows were 1 s old, though no row came after them
    assert all(record.rows == 0 for record in idle[:2])
    assert sent[0].read_head.offset == len(TEXT)
    assert sum(record.end for record in sent) == settings.topics.stream.partitions
    assert 4 <= source.ticks < 1000


class AncillaryOnly:
    """Gives one row that is no hit, pass after pass."""

    description = "ancillary rows"

    def blocks(self, *_position):
        yield Block("data_0.txt", 0, 24, b"4,0,0,3999999999,0,-1.5\n")


def test_rows_without_a_clock_cannot_be_looped_as_recorded(settings):
    looped = settings.model_copy(
        update={
            "producer": settings.producer.model_copy(update={"rows_per_s": "recorded"}),
            "source": settings.source.model_copy(update={"loop": True}),
        }
    )
    run, writer = Run.model_construct(number=1), Writer("host", 1, "2026-11-22T20:00:00Z")
    producer = Producer(looped, AncillaryOnly(), run, None, writer, lambda _record: True, threading.Event())
    with pytest.raises(SourceError, match="expected some in ancillary rows, it has none; set a number"):
        producer.stream()


@pytest.mark.parametrize("kind", [Beam, Cosmics])
@pytest.mark.parametrize("rate", ["maximum", "recorded", 1_000_000.0])
def test_generated_rows_that_are_all_lost_from_some_orbit_on_hold_up_neither(settings, rate, kind):
    """Two chunks have rows: what lingers is sent, idle slices come, the stop is heard."""
    clock, sent, pauses_s = Clock(), [], []
    stop = WaitingStop(clock)

    def sleep(pause_s):
        pauses_s.append(pause_s)
        clock.now += 0.5  # of a slow machine
        if len(pauses_s) == 1000:
            stop.set()  # enough, and an end where the producer does not stop

    def publish(record):
        sent.append(record)
        if sum(record.rows == 0 for record in sent) == 2:
            stop.set()
        return True

    lost = parse_fault(f"rate-drop:kept_share=0,from_orbit={2 * kind.orbits_per_chunk}")
    recording = kind(faults=(lost,))
    source, run = GeneratedSource(recording, sleep), Run.model_construct(number=1)
    writer = Writer("host", 1, "2026-11-22T20:00:00Z")
    Producer(settings, source, run, None, writer, publish, stop, clock=clock, rate=lambda: rate).stream()
    assert len(pauses_s) < 1000
    n_rows = sum(recording.chunk(index).n_rows for index in range(2))
    carried = len(sent[-1].carry.splitlines())
    assert sent[-1].rows_so_far + carried == n_rows
    assert (sent[-1].read_head.source, sent[-1].read_head.offset) == ("1", len(recording.chunk(1).rows))
    # From there on nothing is there either, and nothing is lost or given twice.
    assert next(source.blocks("1", sent[-1].read_head.offset)).text == b""
