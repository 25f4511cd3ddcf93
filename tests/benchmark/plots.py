"""Plots of a run, as SVG: what docs/performance.md shows. From the JSON, so that they can be drawn again.

`python -m benchmark.plots FIGURES FOLDER` draws them from a file.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, FuncFormatter

RATE = "rows/s"
STYLE = {
    "svg.hashsalt": "cosmo",  # so that the same figures give the same file
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
}
BLUE, ORANGE, GREEN, LIGHT_GREEN, GREY = "#2f6db3", "#d9822b", "#3f9b6c", "#8fcfae", "#8a8a8a"


def draw(figures: dict[str, Any], folder: Path) -> list[Path]:
    """Draw the plots for which there are figures, and return their files."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    for name, plot in PLOTS.items():
        with mpl.rc_context(STYLE):
            sheet = Figure(figsize=(7, 4), layout="constrained")
            axes = sheet.add_subplot()
            if plot(axes, figures):
                path = folder / f"{name}.svg"
                sheet.savefig(path, metadata={"Date": None})
                drawn.append(path)
    return drawn


def throughput(axes: Axes, figures: dict[str, Any]) -> bool:
    """Draw (a) to (d), side by side, for each kind of rows."""
    kinds = list(figures["sustained_rows_per_s"])
    if not (kinds and figures["pure"] and figures["backlog"] and figures["plain"]):
        return False
    plain = max(at["measured_rows_per_s"] for at in figures["plain"])
    bars: list[tuple[str, Callable[[str], float], str]] = [
        ("(a) pure limit, all cores", lambda kind: _mean(figures["pure"][kind]["all_cores"]), GREY),
        ("(b) analysis alone, backlog", lambda kind: figures["backlog"][kind]["none"]["rows_per_s"], GREEN),
        ("(b) of slices in LZ4", lambda kind: figures["backlog"][kind]["lz4"]["rows_per_s"], LIGHT_GREEN),
        ("(c) product, sustained", lambda kind: figures["sustained_rows_per_s"][kind], BLUE),
        ("(d) plain design, most seen", lambda _kind: plain, ORANGE),
    ]
    width = 0.8 / len(bars)
    for index, (label, value, colour) in enumerate(bars):
        places = [place + (index - (len(bars) - 1) / 2) * width for place in range(len(kinds))]
        drawn = axes.bar(places, [value(kind) for kind in kinds], width, label=label, color=colour)
        axes.bar_label(drawn, labels=[f"{value(kind) / 1e6:.2f} M" for kind in kinds], fontsize=8)
    axes.set_xticks(range(len(kinds)), [f"rows of {kind}" for kind in kinds])
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(EngFormatter())
    axes.set_ylabel(RATE)
    axes.margins(y=0.12)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.08), ncols=2, frameon=False)
    return True


def latency(axes: Axes, figures: dict[str, Any]) -> bool:
    """Draw the latency of rows against the rate, of the product and of the plain design."""
    shown = False
    for design, colour in (("product", BLUE), ("plain", ORANGE)):
        steady = [at for at in _by_rate(figures[design]) if at["keeps_up"]]
        for style, name, index in (("-", "p50", 0), ("--", "p95", 1), (":", "p99", 2)):
            rates = [at["released_rows_per_s"] for at in steady]
            seconds = [at["latency_ms"][index] / 1000 for at in steady]
            if rates:
                axes.plot(
                    rates, seconds, style, marker="o", markersize=4, color=colour, label=f"{design} {name}"
                )
                shown = True
    _logarithmic(axes)
    axes.set_xlabel(f"{RATE} released, where it keeps up")
    axes.set_ylabel("row to result, s")
    axes.legend(frameon=False, ncols=2)
    return shown


def batches(axes: Axes, figures: dict[str, Any]) -> bool:
    """Draw the duration of batches against the rate."""
    shown = False
    for design, colour in (("product", BLUE), ("plain", ORANGE)):
        points = _by_rate(figures[design])
        rates = [at["released_rows_per_s"] for at in points]
        medians = [at["batch_ms"][0] / 1000 for at in points]
        above = [(at["batch_ms"][1] - at["batch_ms"][0]) / 1000 for at in points]
        if rates:
            nothing = [0.0] * len(above)
            axes.errorbar(
                rates,
                medians,
                [nothing, above],
                fmt="-o",
                markersize=4,
                capsize=3,
                color=colour,
                label=design,
            )
            shown = True
    _logarithmic(axes)
    axes.set_xlabel(f"{RATE} released")
    axes.set_ylabel("batch, s (median, bar to p95)")
    axes.legend(frameon=False)
    return shown


def cpu(axes: Axes, figures: dict[str, Any]) -> bool:
    """Draw the CPU seconds of each part per million rows against the rate."""
    points = [at for at in _by_rate(figures["product"]) if at["keeps_up"]]
    colours = {"producer": BLUE, "kafka": ORANGE, "analysis": GREEN}
    for part, colour in colours.items():
        rates = [at["released_rows_per_s"] for at in points]
        seconds = [at["cpu_s_per_mrow"][part] for at in points]
        axes.plot(rates, seconds, "-o", markersize=4, color=colour, label=part)
    _logarithmic(axes)
    axes.set_xlabel(f"{RATE} released")
    axes.set_ylabel("CPU s per million rows")
    axes.legend(frameon=False)
    return bool(points)


def cores(axes: Axes, figures: dict[str, Any]) -> bool:
    """Draw the pairs on one core and on all."""
    compared = figures["cores"]
    if not compared:
        return False
    for name, colour, label in (("one", BLUE, "one core"), ("two", GREEN, "two cores")):
        rates = [rate / 1e6 for rate in compared[name]]
        axes.plot(range(1, len(rates) + 1), rates, "o-", color=colour, label=label)
    axes.set_ylim(bottom=0)
    axes.set_xticks(range(1, len(compared["one"]) + 1))
    axes.set_xlabel("pair")
    axes.set_ylabel("million rows/s off a backlog")
    axes.set_title(f"median gain {compared['median_gain']:.2f}", fontsize=9)
    axes.legend(frameon=False)
    return True


PLOTS: dict[str, Callable[[Axes, dict[str, Any]], bool]] = {
    "throughput": throughput,
    "latency": latency,
    "batches": batches,
    "cpu": cpu,
    "cores": cores,
}


def _by_rate(points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the points at a set rate, in the order of their rates."""
    return sorted(
        (at for at in points if at["offered_rows_per_s"] != "maximum"),
        key=lambda at: at["released_rows_per_s"],
    )


def _logarithmic(axes: Axes) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.xaxis.set_major_formatter(EngFormatter())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _place: f"{value:g}"))
    axes.yaxis.set_minor_formatter(FuncFormatter(lambda value, _place: f"{value:g}"))
    axes.tick_params(axis="y", which="minor", labelsize=7)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


if __name__ == "__main__":
    draw(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
