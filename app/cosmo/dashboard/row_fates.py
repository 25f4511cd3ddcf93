"""Panel: what became of every row."""

from __future__ import annotations

from cosmo.dashboard.table import NOTHING, Table
from cosmo.hits import REASONS
from cosmo.statistics import Summary

REASON_WORDS = {
    "fields": "not six fields",
    "empty": "a field is empty",
    "number": "not a plain number",
    "head": "HEAD out of range",
    "fpga": "FPGA out of range",
    "channel": "channel out of range",
    "orbit": "orbit out of range",
    "bx": "BX out of range",
    "tdc": "TDC out of range",
    "long": "line too long",
}


class RowFatesPanel:
    """Each row is in one line of the upper part; the lower part tells hits apart that are in no orbit."""

    def __init__(self) -> None:
        self._table = Table({"fate": "Rows", "rows": "Number", "share": "Share"})
        self.source = self._table.source
        self.root = self._table.root

    def update(self, summary: Summary) -> None:
        """Show a summary."""
        every = summary.rows
        lines: list[tuple[str, int, str]] = [
            ("chamber hits", int(summary.hits.sum()), ""),
            ("scintillator hits", summary.scintillator_hits, ""),
            ("hits of no chamber (unmapped)", summary.unmapped, ""),
            ("ancillary", sum(summary.ancillary), ""),
            *((f"HEAD {head}", n, "sub") for head, n in enumerate(summary.ancillary) if n),
            ("malformed", sum(summary.malformed), ""),
            *((REASON_WORDS[r], n, "sub") for r, n in zip(REASONS, summary.malformed, strict=True) if n),
            ("all rows", every, "strong"),
            ("of these, in no orbit: late", summary.late, ""),
            ("of these, in no orbit: clock jump", summary.clock_jump, ""),
            ("of these, in no orbit: unframed", summary.unframed, ""),
        ]
        data = {
            "fate": [name for name, _, _ in lines],
            "rows": [f"{n:,}" for _, n, _ in lines],
            "share": [f"{100 * n / every:.2f} %" if every else NOTHING for _, n, _ in lines],
        }
        self._table.show(data, [kind for _, _, kind in lines])
