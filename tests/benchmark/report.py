"""Tables and verdicts of a run."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table

from .figures import Figures
from .ladder import AtRate
from .plain import PlainAtRate
from .verdicts import Verdict, ratio

FIGURE_TO_REACH = 1_200_000
PURE_THAT_REACHES_IT = 4_000_000
LOWEST_RATE = 1_100.0
LATENCY_BOUNDS_MS = {LOWEST_RATE: 1200, 10_000.0: 1200, 100_000.0: 1200, 200_000.0: 1200, 500_000.0: 2000}
BATCH_RATES = (LOWEST_RATE, 100_000.0)
BATCH_BOUND_MS = 1000
LARGEST_MESSAGE = 256 * 1024


def tables(figures: Figures) -> Iterator[Table | str]:
    """Yield what is printed of a run."""
    if figures.pure or figures.backlog:
        yield _limits(figures)
    if figures.product or figures.plain:
        yield _rates(figures)
    if figures.cores:
        gains = ", ".join(f"{gain:.2f}" for gain in figures.cores.gains)
        yield f"(e) two cores against one, {len(figures.cores.gains)} pairs: {gains}"
    if figures.malformed:
        shares = ", ".join(f"{1 / gain:.2f}" for gain in figures.malformed.gains)
        yield f"rate with 1 % malformed rows to that without, {len(figures.malformed.gains)} pairs: {shares}"
    yield from (f"(f) {at}" for at in figures.released)
    yield "rows in = rows accounted"
    for at in figures.product:
        relation = "=" if at.rows_in == at.rows_accounted else "BUT"
        yield (
            f"  {at.kind} at {_rate(at.offered_rows_per_s)} rows/s: {at.rows_in:,} in {relation} "
            f"{at.rows_accounted:,} accounted"
        )
    for account in figures.accounts:
        yield f"  {account}"
    yield "targets"
    for verdict in verdicts(figures):
        yield f"  {verdict}"


def verdicts(figures: Figures) -> Iterator[Verdict]:
    """Yield the targets of which both sides were measured."""
    yield from _of_throughput(figures)
    for at in figures.product:
        yield from _of_point(at)
    yield from _against_plain(figures)
    if figures.product:
        largest = max(at.largest_message for at in figures.product)
        yield Verdict("largest result message", largest, LARGEST_MESSAGE, " bytes", at_least=False)
    if figures.malformed:
        yield Verdict("rate with 1 % malformed rows / without", 1 / figures.malformed.median_gain, 0.7)
    for at in figures.released:
        off = max(abs(share) for share in at.off)
        yield Verdict(f"release off {_rate(at.rows_per_s)} rows/s over any 10 s", off, 0.01, at_least=False)
    for kind, done in ((kind, by["none"]) for kind, by in figures.backlog.items()):
        first, second = done.resident_mib
        yield Verdict(
            f"backlog of {done.rows:,} {kind}: memory, second half / first",
            second / first,
            1.05,
            at_least=False,
        )
    if figures.cores:
        yield Verdict("two cores against one, median of pairs", figures.cores.median_gain, 1.4)
    wrong = sum(not account.is_right for account in figures.accounts)
    wrong += sum(at.rows_in != at.rows_accounted for at in figures.product)
    yield Verdict("accounts that are wrong", wrong, 0, at_least=False)


def _of_throughput(figures: Figures) -> Iterator[Verdict]:
    for kind in figures.pure:
        pure = figures.pure_rows_per_s(kind)
        for compression, done in figures.backlog.get(kind, {}).items():
            share = ratio(done.rows_per_s, pure)
            yield Verdict(f"{kind}, compression {compression}: backlog (b) / pure limit (a)", share, 0.5)
        if kind in figures.sustained_rows_per_s:
            sustained = figures.sustained_rows_per_s[kind]
            yield Verdict(f"{kind}: sustained maximum (c) / pure limit (a)", ratio(sustained, pure), 0.25)
            if pure >= PURE_THAT_REACHES_IT:
                yield Verdict(f"{kind}: sustained maximum (c)", sustained, FIGURE_TO_REACH, " rows/s")


def _of_point(at: AtRate) -> Iterator[Verdict]:
    if isinstance(at.offered_rows_per_s, str):
        return
    bound, where = LATENCY_BOUNDS_MS.get(at.offered_rows_per_s), f"at {_rate(at.offered_rows_per_s)} rows/s"
    if bound:
        yield Verdict(f"row to result p95 {where}", at.latency_ms[1], bound, " ms", at_least=False)
    if at.offered_rows_per_s in BATCH_RATES:
        yield Verdict(f"batch p50 {where}", at.batch_ms[0], BATCH_BOUND_MS, " ms", at_least=False)


def _against_plain(figures: Figures) -> Iterator[Verdict]:
    if not figures.plain:
        return
    for kind, sustained in figures.sustained_rows_per_s.items():
        times = ratio(sustained, figures.plain_maximum)
        yield Verdict(f"{kind}: sustained maximum (c) / plain design's (d)", times, 20)
    product, plain = figures.product_at(LOWEST_RATE), figures.plain_at(LOWEST_RATE)
    if product and plain:
        for name, index in (("p50", 0), ("p95", 1)):
            lower = ratio(plain.latency_ms[index], product.latency_ms[index])
            yield Verdict(f"row to result {name} at 1,100 rows/s, plain / product", lower, 8)


def _limits(figures: Figures) -> Table:
    table = _table(
        "rows/s",
        "(a) pure, one core",
        "(a) pure, all cores",
        "compression",
        "(b) backlog",
        "(b)/(a)",
        "b: CPU s/Mrow",
        "b: memory MiB, most in 1st / 2nd half",
    )
    for kind in figures.rows_of_pass:
        pure = figures.pure_rows_per_s(kind)
        limits = [kind, f"{figures.pure_rows_per_s(kind, 'one_core'):,.0f}", f"{pure:,.0f}"]
        backlogs = [
            [
                compression,
                f"{done.rows_per_s:,.0f}",
                f"{ratio(done.rows_per_s, pure):.2f}",
                _cpu(done.cpu_s_per_mrow),
                " / ".join(f"{mib:,.0f}" for mib in done.resident_mib),
            ]
            for compression, done in figures.backlog.get(kind, {}).items()
        ]
        for place, backlog in enumerate(backlogs or [[]]):
            table.add_row(*(["", "", ""] if place else limits), *backlog)
    return table


def _rates(figures: Figures) -> Table:
    table = _table(
        "design, rows",
        "offered rows/s",
        "released",
        "measured",
        "keeps up",
        "batch p50/p95 ms",
        "row to result p50/p95/p99 ms",
        "CPU s/Mrow",
    )
    rows: list[tuple[str, AtRate | PlainAtRate]] = [("product", at) for at in figures.product]
    rows += [("plain", at) for at in figures.plain]
    for name, at in rows:
        table.add_row(
            f"{name}, {at.kind}",
            _rate(at.offered_rows_per_s),
            f"{at.released_rows_per_s:,.0f}",
            f"{at.measured_rows_per_s:,.0f}",
            "yes" if at.keeps_up else "no",
            " / ".join(f"{value:,.0f}" for value in at.batch_ms),
            " / ".join(f"{value:,.0f}" for value in at.latency_ms),
            _cpu(at.cpu_s_per_mrow),
        )
    return table


def _table(*names: str) -> Table:
    table = Table(*names)
    for column in table.columns[1:]:
        column.justify = "right"
    return table


def _cpu(seconds: dict[str, float]) -> str:
    return ", ".join(f"{part} {used:.2f}" for part, used in seconds.items() if used >= 0.005)


def _rate(offered: float | str) -> str:
    return offered if isinstance(offered, str) else f"{offered:,.0f}"
