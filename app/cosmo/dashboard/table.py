"""A table of numbers: the first column holds words, the others numbers."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from bokeh.models import ColumnDataSource, Div, InlineStyleSheet

NOTHING: Final = "\N{EN DASH}"
"""Stands where there is no number."""

_STYLE: Final = """
:host, .bk-clearfix { display: block; width: 100%; }
:host { color: var(--ink); font: 14px/1.35 system-ui, sans-serif; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); font-size: 12px; padding: 0 0 6px; }
th, td { padding: 5px 8px; text-align: right; border-bottom: 1px solid var(--line); font-weight: 400; }
td { white-space: nowrap; }
thead th { color: var(--soft); font-size: 12px; vertical-align: bottom; }
th:first-child { text-align: left; padding-left: 0; }
td:last-child, th:last-child { padding-right: 0; }
tr.strong th, tr.strong td { font-weight: 650; }
tr.sub th { padding-left: 16px; color: var(--soft); }
i { display: inline-block; width: 10px; height: 10px; border-radius: 3px; margin-right: 8px; }
"""


class Table:
    """Rows of text under headings, drawn as HTML so that it can be read aloud and copied."""

    def __init__(self, columns: dict[str, str]) -> None:
        self._headings = list(columns.values())
        self.source = ColumnDataSource({key: [] for key in columns})
        # Mathematics off: otherwise a dollar sign would make the browser load MathJax.
        self.root = Div(
            text="",
            sizing_mode="stretch_width",
            disable_math=True,
            stylesheets=[InlineStyleSheet(css=_STYLE)],
            tags=[self.source],
        )

    def show(self, data: dict[str, list[str]], kinds: Sequence[str], caption: str = "") -> None:
        """Show columns of text.

        Parameters
        ----------
        data : one list for each column.
        kinds : of each row: "", "strong", "sub", or the CSS colour of a mark before it.
        caption : says what the rows have in common.
        """
        self.source.data = data
        heads = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in self._headings)
        rows = "".join(
            _row(kind, cells) for kind, cells in zip(kinds, zip(*data.values(), strict=True), strict=True)
        )
        above = f"<caption>{escape(caption)}</caption>" if caption else ""
        self.root.text = f"<table>{above}<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def _row(kind: str, cells: Sequence[str]) -> str:
    is_colour = kind.startswith(("#", "var("))
    mark = f'<i style="background:{escape(kind)}"></i>' if is_colour else ""
    style = "" if is_colour or not kind else f' class="{escape(kind)}"'
    first, *others = cells
    numbers = "".join(f"<td>{escape(cell)}</td>" for cell in others)
    return f'<tr{style}><th scope="row">{mark}{escape(first)}</th>{numbers}</tr>'
