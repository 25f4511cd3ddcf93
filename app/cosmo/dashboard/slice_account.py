"""Panel: the account of the timeslices of the whole run."""

from __future__ import annotations

from cosmo.dashboard.table import Table
from cosmo.statistics import Summary

_MOST_NAMED = 5


class SliceAccountPanel:
    """Slices measured, and all that went otherwise. Losses only show in a whole run: a batch has no gaps."""

    def __init__(self) -> None:
        self._table = Table({"slices": "Timeslices of the run", "number": "Number"})
        self.source = self._table.source
        self.root = self._table.root

    def update(self, summary: Summary) -> None:
        """Show the summary of a whole run."""
        missing = summary.numbers.missing_numbers(_MOST_NAMED)[:_MOST_NAMED]
        names = ", ".join(str(number) for number in missing)
        more = ", …" if summary.lost_slices > len(missing) else ""
        lines: list[tuple[str, int, str]] = [
            ("measured", summary.numbers.count, ""),
            (f"lost (numbers {names}{more})" if missing else "lost", summary.lost_slices, "strong"),
            ("repeated: came twice, counted once", summary.repeated_slices, ""),
            ("split: orbit cut by force", summary.split_slices, ""),
            ("malformed: no text or no header", summary.malformed_slices, ""),
            ("foreign: of another run", summary.foreign_slices, ""),
        ]
        data = {"slices": [name for name, _, _ in lines], "number": [f"{n:,}" for _, n, _ in lines]}
        self._table.show(data, [kind for _, _, kind in lines])
