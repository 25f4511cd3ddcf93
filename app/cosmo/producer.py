"""Source -> pace -> timeslices -> Kafka.

One slice is in flight: n + 1 is sent when n is acknowledged and known to be the first copy of its number. So
no number is ever missing, and the newest slice of the run is the whole state: a producer starts from its
headers. Reading, pacing and cutting go on while a slice is in flight, up to a few slices ahead.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from cosmo.broker import Broker, NumberedLog, wait_for
from cosmo.detector import ORBIT_MODULUS
from cosmo.errors import AlreadyRunning, SourceError
from cosmo.pace import Pace, Rate, pace_of
from cosmo.results import Run
from cosmo.settings import Settings
from cosmo.slice_records import ReadHead, SliceRecord, Writer
from cosmo.sources import Outage, RowBlock, Source, Stopped, open_source, read_block
from cosmo.steady_memory import keep_freed_memory
from cosmo.timeslices import NO_EPOCH, Limits, Timeslice, Timeslicer

log = logging.getLogger(__name__)

IDLE_SLICE_S = 5.0
"""A stream without rows says so this often, with an empty slice."""
POLITE_S = 2 * IDLE_SLICE_S
"""A slice younger than this of another host means that its producer is at work."""
TICK_S = 0.01
LONGEST_WAIT_S = 0.5
"""A change of the rate is heard within this time, however slow the rows come."""
SLICES_AHEAD = 4
_DONE = None


class Producer:
    """Streams a source into a run.

    Parameters
    ----------
    run, newest : the run, and the newest slice of it, or None.
    publish : sends one slice and returns True, or False when it gave up because of the stop.
    on_published : called after each.
    clock : returns a time in s that only grows: what is due, and for how long something waits.
    wall : returns Unix time in s, for the release times that a slice tells.
    rate : returns the rate to stream at, again and again; by default that of the settings.
    """

    def __init__(
        self,
        settings: Settings,
        source: Source,
        run: Run,
        newest: SliceRecord | None,
        writer: Writer,
        publish: Callable[[SliceRecord], bool],
        stop: threading.Event,
        on_published: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        rate: Callable[[], Rate] | None = None,
    ) -> None:
        self._settings = settings.producer
        self._loop = settings.source.loop
        self._partitions = settings.topics.stream.partitions
        self._source = source
        self._run = run
        self._writer = writer
        self._publish = publish
        self._stop = stop
        self._on_published = on_published
        self._clock = clock
        self._wall = wall
        self._rate = rate or (lambda: settings.producer.rows_per_s)
        self._paced_at = self._rate()
        self._pace: Pace = pace_of(self._paced_at, clock())
        self._number = newest.number + 1 if newest else 0
        self._rows_so_far = newest.rows_so_far if newest else 0
        self._head = newest.read_head if newest else ReadHead()
        self._slicer = Timeslicer(
            Limits(self._settings.lag_rows, 1024 * self._settings.slice_kib, 1024 * self._settings.carry_kib),
            newest.clock if newest else None,
            newest.carry if newest else b"",
            release=clock(),
        )
        self._ready: queue.Queue[SliceRecord | None] = queue.Queue(SLICES_AHEAD)
        self._failure: BaseException | None = None
        self._last_queued = clock()

    def stream(self) -> None:
        """Stream until the source ends or the stop is set, then say so on every partition.

        Raises
        ------
        Superseded : another producer went on with this run.
        """
        sender = threading.Thread(target=self._send_all, name="sender")
        sender.start()
        try:
            for block in self._blocks():
                self._feed(block)
                if self._stop.is_set():
                    break
            if self._stop.is_set():  # open orbits stay in the carry: the run may go on
                self._queue(self._slicer.cut())
            for _ in range(self._partitions):
                self._queue([self._empty()], end=True)
        finally:
            self._put(_DONE)
            sender.join()
        if self._failure:
            raise self._failure

    def _blocks(self) -> Iterator[RowBlock]:
        """Yield the source's blocks from the read head on, over all passes."""
        while True:
            read_any = False
            for block in self._source.blocks(self._head.source, self._head.offset):
                yield read_block(block, self._head.orbit_shift)
                read_any = read_any or bool(block.text)
                if self._stop.is_set():
                    return
            self._queue(self._slicer.end())
            if not self._loop:
                return
            if not read_any and not self._head.source:
                raise SourceError(f"expected rows in {self._source.description} to loop over, it has none")
            clock = self._slicer.clock
            if clock.epoch == NO_EPOCH and self._paced_at == "recorded":
                raise SourceError(
                    f"producer.rows_per_s: recorded goes by the orbits of hits, expected some in "
                    f"{self._source.description}, it has none; set a number of rows/s"
                )
            self._slicer.begin_pass()
            shift = (self._head.orbit_shift + clock.edge - clock.base) % ORBIT_MODULUS
            self._head = ReadHead(pass_number=self._head.pass_number + 1, orbit_shift=shift)

    def _feed(self, block: RowBlock) -> None:
        """Release the rows of a block to the timeslicer as they fall due."""
        row, n_rows = 0, len(block.lines)
        if not n_rows:  # the source waits
            self._cut_when_old(self._clock())
        self._pace.begin_block(block.lines)
        while row < n_rows:
            now = self._clock()
            if (rate := self._rate()) != self._paced_at:
                self._paced_at, self._pace = rate, pace_of(rate, now)
                self._pace.begin_block(block.lines, row)
            due = self._pace.due(now)
            if due >= 1:
                stop = int(min(n_rows, row + due))
                for timeslice, after in self._slicer.feed(block.lines, row, stop, now):
                    self._head = replace(
                        self._head, source=block.source, offset=int(block.offsets[after - 1])
                    )
                    self._queue([timeslice])
                self._head = replace(self._head, source=block.source, offset=int(block.offsets[stop - 1]))
                self._pace.release(stop - row)
                row = stop
            self._cut_when_old(now)
            if self._stop.is_set() or self._failure:
                return
            if row < n_rows and self._paced_at != "maximum":
                self._stop.wait(max(TICK_S, min(self._pace.wait_s(now), LONGEST_WAIT_S)))

    def _cut_when_old(self, now: float) -> None:
        oldest = self._slicer.oldest_release()
        if oldest is not None and now - oldest >= self._settings.linger_ms / 1000:
            self._queue(self._slicer.cut())
        elif now - self._last_queued >= IDLE_SLICE_S:
            self._queue([self._empty()])

    def _empty(self) -> Timeslice:
        """Return a slice without rows, which holds the state."""
        return self._slicer.empty_slice(self._clock())

    def _queue(self, timeslices: list[Timeslice], *, end: bool = False) -> None:
        to_unix_s = self._wall() - self._clock()
        for timeslice in timeslices:
            record = SliceRecord.of(
                replace(
                    timeslice,
                    first_release=timeslice.first_release + to_unix_s,
                    last_release=timeslice.last_release + to_unix_s,
                ),
                run=self._run.number,
                number=self._number,
                producer=self._writer,
                rows_before=self._rows_so_far,
                read_head=self._head,
            )
            self._put(replace(record, end=True) if end else record)
            self._number += 1
            self._rows_so_far = record.rows_so_far
            self._last_queued = self._clock()

    def _put(self, record: SliceRecord | None) -> None:
        """Wait for room, as long as the sender is at work."""
        while self._failure is None:
            try:
                self._ready.put(record, timeout=0.5)
            except queue.Full:
                continue
            return

    def _send_all(self) -> None:
        try:
            while (record := self._ready.get()) is not _DONE:
                if not self._publish(record):
                    log.warning(
                        "stopped while the broker was away: the slices from number %d on are not sent; "
                        "the next start reads their rows again",
                        record.number,
                    )
                    break
                self._on_published()
        except BaseException as error:  # noqa: BLE001 - raised again by stream(), in the main thread
            self._failure = error
            self._stop.set()
        else:
            self._failure = self._failure or (None if record is _DONE else _GaveUp())
            self._stop.set()


class _GaveUp(Exception):
    """The stop came while the broker was away."""


def _opened(settings: Settings, stop: threading.Event, on_alive: Callable[[], None]) -> Source | None:
    """Return the source of the settings, or None if the stop came while its store was away."""

    def stopped(pause_s: float) -> bool:
        on_alive()
        return stop.wait(pause_s)

    try:
        return open_source(settings, Outage(stopped))
    except Stopped:
        return None


def _begin(broker: Broker, source_names: list[str]) -> tuple[Run, SliceRecord | None, NumberedLog]:
    """Return the run, its newest slice and the log to go on with.

    Refuse to be a second producer, and to stream another source or into another stream than the run's.
    """
    run = broker.current_run()
    run.require_source(source_names)
    newest, found = broker.newest_slice(run)
    if newest and found.record:
        age_s = time.time() - found.record.timestamp_s
        if newest.producer.host != broker.writer.host and age_s < POLITE_S and not newest.end:
            raise AlreadyRunning(
                f"expected no other producer in run {run.number}, but {newest.producer} sent slice "
                f"{newest.number} {age_s:.0f} s ago; stop it, or wait {POLITE_S:.0f} s after its end"
            )
    return run, newest, broker.numbered_log(broker.topics.stream.name, run.number, found)


def produce(
    settings: Settings,
    stop: threading.Event,
    on_ready: Callable[[], None] = lambda: None,
    on_alive: Callable[[], None] = lambda: None,
    rate: Callable[[], Rate] | None = None,
) -> None:
    """Stream the settings' source into the current run, until it ends or `stop` is set.

    A bucket's store that is away is waited for, as the broker is.

    Parameters
    ----------
    on_ready : called once, when the first slice is acknowledged, be it an empty one.
    on_alive : called after each slice, and while the broker or the store is away after each attempt.
    rate : returns the rate to stream at, again and again; by default that of the settings.

    Raises
    ------
    AlreadyRunning : another host's producer is at work in this run.
    Superseded : another producer went on with this run.
    SourceError : the source cannot be read.
    SettingsError : the settings name another source or stream than the run's, or not as many partitions.
    """
    keep_freed_memory()
    source = _opened(settings, stop, on_alive)
    if source is None:
        return
    broker = Broker(settings)
    begun = wait_for(lambda: _begin(broker, settings.source_names), stop.wait, "the broker and a run")
    if begun is None:
        return
    run, newest, stream_log = begun
    partitions = settings.topics.stream.partitions
    is_ready = False

    def publish(record: SliceRecord) -> bool:
        partition = record.number % partitions
        value, headers = record.written(settings.producer.compression)
        return stream_log.publish(partition, record.number, value, headers, gave_up)

    def gave_up() -> bool:
        on_alive()
        return stop.is_set()

    def published() -> None:
        nonlocal is_ready
        if not is_ready:
            is_ready = True
            on_ready()
        on_alive()

    producer = Producer(settings, source, run, newest, broker.writer, publish, stop, published, rate=rate)
    first = newest.number + 1 if newest else 0
    log.info("streaming %s into run %d from slice %d on", source.description, run.number, first)
    try:
        producer.stream()
    except _GaveUp:
        log.info("stopped")
    finally:
        source.close()
        stream_log.close()
