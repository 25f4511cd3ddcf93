"""`make bench`: measure, print tables and verdicts, write build/bench.json and the plots."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

from rich.console import Console

from . import plots, report
from .measured import measure
from .processes import end_in_good_order_on_sigterm

OUTPUT = Path("build")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument(
        "--only", choices=("pure", "released", "backlog", "ladder", "plain"), help="measure a part only"
    )
    only = asked.parse_args().only
    end_in_good_order_on_sigterm()
    console = Console(highlight=False, width=120, soft_wrap=True)
    began = time.time()
    with tempfile.TemporaryDirectory(prefix="cosmo-bench-") as folder:
        figures = measure(Path(folder), console.print, only)
    figures.took_s = time.time() - began
    for part in report.tables(figures):
        console.print(part)
    OUTPUT.mkdir(exist_ok=True)
    path = OUTPUT / "bench.json"
    path.write_text(json.dumps(figures.as_json(), indent=1) + "\n")
    drawn = plots.draw(figures.as_json(), OUTPUT)
    console.print(f"took {figures.took_s:.0f} s; all figures: {path}; plots: {', '.join(map(str, drawn))}")


if __name__ == "__main__":
    main()
