"""The whole of `make bench`, in the order in which it is measured."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from embedded_broker import LOCALHOST, LOCK, EmbeddedBroker
from stream_parts import Parts

from cosmo import artifacts
from cosmo.settings import Settings

from . import data, released
from .backlog import Compared, Session
from .data import BEAM, COSMICS, Data
from .figures import Figures
from .ladder import Ladder
from .plain import Plain, PlainEnded
from .pure import pure_rate
from .streams import Stream

LINGER_MS = 100
LADDERS: dict[str, tuple[float, ...]] = {
    COSMICS: (1_100.0, 10_000.0),
    BEAM: (100_000.0, 200_000.0, 500_000.0, 1_000_000.0),
}
PLAIN_RATES = (
    (COSMICS, 1_100.0),
    (COSMICS, 10_000.0),
    *((BEAM, rate) for rate in (50_000.0, 75_000.0, 100_000.0)),
)
BACKLOG_ROWS = {
    (COSMICS, "none"): 12_000_000,
    (BEAM, "none"): 20_000_000,
    (COSMICS, "lz4"): 12_000_000,
    (BEAM, "lz4"): 12_000_000,
}
"""By kind of rows and the compression of their slices."""
PAIR_ROWS = 3_000_000
PAIRS = 5
MALFORMED_PAIRS = 3

Tell = Callable[[str], object]


def measure(folder: Path, tell: Tell, only: str | None = None) -> Figures:
    """Measure everything, or one part only."""
    began = time.time()

    def said(text: str) -> None:
        tell(f"{time.time() - began:4.0f} s  {text}")

    said("generating rows, and asking the oracle")
    rows = data.make(folder)
    figures = Figures(rows_of_pass={kind: each.one_pass.rows for kind, each in rows.items()})
    jars = artifacts.fetch(LOCK, Settings.load(LOCALHOST).paths.cache)
    if only in (None, "pure"):
        _pure(figures, rows, said)
    if only in (None, "released"):
        figures.released = released.measure(rows[BEAM].path)
        for at in figures.released:
            said(f"(f) {at}")
    broker = EmbeddedBroker(folder / "broker", jars)
    broker.start()
    try:
        if only in (None, "backlog"):
            _backlogs(figures, rows, data.make_malformed(folder, rows[BEAM]), broker, folder, said)
        if only in (None, "ladder"):
            for kind, rates in LADDERS.items():
                _ladder(figures, rows[kind], rates, broker, folder, said)
        if only in (None, "plain"):
            _plain(figures, rows, ",".join(map(str, jars.spark_kafka)), broker, folder, said)
    finally:
        broker.stop()
    if only is None:  # the machine's speed may have changed meanwhile
        _pure(figures, rows, said)
    return figures


def _pure(figures: Figures, rows: dict[str, Data], said: Tell) -> None:
    for kind, each in rows.items():
        found = figures.pure.setdefault(kind, {"one_core": [], "all_cores": []})
        found["one_core"].append(pure_rate(each.path, 1))
        found["all_cores"].append(pure_rate(each.path))
        one, every = found["one_core"][-1], found["all_cores"][-1]
        said(f"(a) pure limit, {kind}: {one:,.0f} rows/s on one core, {every:,.0f} on all")


def _backlogs(
    figures: Figures,
    rows: dict[str, Data],
    malformed: Data,
    broker: EmbeddedBroker,
    folder: Path,
    said: Tell,
) -> None:
    cores = list(range(os.cpu_count() or 1))
    both = Session(broker.settings, folder, cores)
    one = Session(broker.settings, folder, cores[:1])
    streams: list[Stream] = []
    try:
        for (kind, compression), least in BACKLOG_ROWS.items():
            name = f"backlog-{kind}-{compression}"
            stream = Stream(broker.settings, folder, name, rows[kind], producer__compression=compression)
            streams.append(stream)
            laid_at = time.time()
            laid = stream.lay(least)
            rate = laid / (time.time() - laid_at)
            figures.laid_rows_per_s.setdefault(kind, {})[compression] = rate
            said(f"{laid:,} rows of {kind}, compression {compression}, laid at {rate:,.0f} rows/s")
        pairs = Stream(broker.settings, folder, "pairs", rows[BEAM])
        streams.append(pairs)
        pairs.lay(PAIR_ROWS)
        spoiled = Stream(broker.settings, folder, "malformed", malformed)
        streams.append(spoiled)
        spoiled.lay(PAIR_ROWS)
        for session in (both, one):
            session.wait_until_ready()
            figures.accounts.append(session.work_off(pairs, "warm-up", broker.process_ids).account)
        rates: dict[int, list[float]] = {1: [], 2: []}
        for pair in range(PAIRS):
            order = ((1, one), (2, both)) if pair % 2 == 0 else ((2, both), (1, one))
            for n_cores, session in order:
                done = session.work_off(pairs, f"pair-{pair}", broker.process_ids)
                rates[n_cores].append(done.rows_per_s)
                figures.accounts.append(done.account)
            said(f"(e) pair {pair}: {rates[1][-1]:,.0f} rows/s on one core, {rates[2][-1]:,.0f} on all")
        figures.cores = Compared(rates[1], rates[2])
        figures.malformed = Compared([], [])
        for pair in range(MALFORMED_PAIRS):
            order = ((spoiled, figures.malformed.one), (pairs, figures.malformed.two))
            for stream, found in order if pair % 2 == 0 else reversed(order):
                done = both.work_off(stream, f"malformed-{pair}", broker.process_ids)
                found.append(done.rows_per_s)
                figures.accounts.append(done.account)
            with_some, without = figures.malformed.one[-1], figures.malformed.two[-1]
            said(f"1 % malformed, pair {pair}: {with_some:,.0f} rows/s, {without:,.0f} without")
        # Last, because Java takes some 50 million rows to get as fast as it is in a run that lasts.
        for (kind, compression), stream in zip(BACKLOG_ROWS, streams, strict=False):
            done = both.work_off(stream, compression, broker.process_ids)
            figures.backlog.setdefault(kind, {})[compression] = done
            figures.accounts.append(done.account)
            said(
                f"(b) backlog of {kind}, compression {compression}: {done.rows_per_s:,.0f} rows/s "
                f"in {done.batches} batches"
            )
    finally:
        for each in (both, one, *streams):
            each.close()


def _ladder(
    figures: Figures,
    rows: Data,
    rates: tuple[float, ...],
    broker: EmbeddedBroker,
    folder: Path,
    said: Tell,
) -> None:
    stream = Stream(broker.settings, folder, f"ladder-{rows.kind}", rows, producer__linger_ms=LINGER_MS)
    try:
        ladder = Ladder(stream, broker.process_ids)
        ladder.start()
        for rate in rates:
            point = ladder.measure(rate)
            said(
                f"(c) {rows.kind} at {rate:,.0f} rows/s: batch p50 {point.batch_ms[0]:,.0f} ms, "
                f"row to result p95 {point.latency_ms[1]:,.0f} ms, {_told(point.keeps_up)}"
            )
        figures.sustained_rows_per_s[rows.kind] = ladder.measure_maximum()
        said(f"(c) {rows.kind}, sustained maximum: {figures.sustained_rows_per_s[rows.kind]:,.0f} rows/s")
        figures.product += ladder.points
        figures.accounts.append(ladder.finish())
    finally:
        stream.close()


def _plain(
    figures: Figures, rows: dict[str, Data], jars: str, broker: EmbeddedBroker, folder: Path, said: Tell
) -> None:
    plain = Plain(Parts(broker.settings, folder / "plain", "plain"), jars, broker.process_ids)
    try:
        plain.wait_until_ready()
        for kind, rate in PLAIN_RATES:
            point = plain.measure(rows[kind], rate)
            figures.plain.append(point)
            said(
                f"(d) plain design, {kind} at {rate:,.0f} rows/s: batch p50 {point.batch_ms[0]:,.0f} ms, "
                f"row to result p95 {point.latency_ms[1]:,.0f} ms, "
                f"{point.measured_rows_per_s:,.0f} rows/s, {_told(point.keeps_up)}"
            )
            if not point.keeps_up:
                break
            plain.drain()
    except PlainEnded as ended:
        figures.plain_ended = f"at {rate:,.0f} rows/s or after it: {ended}"
        said(f"(d) the plain analysis ended {figures.plain_ended}")
    finally:
        plain.close()


def _told(keeps_up: bool) -> str:
    return "keeps up" if keeps_up else "falls behind"
