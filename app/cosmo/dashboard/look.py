"""The look, read from theme.yaml: for the plots, and for the page around them."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any, Final

import yaml
from bokeh.themes import Theme

LIGHT: Final = "light"
DARK: Final = "dark"


@cache
def _document() -> dict[str, Any]:
    text = (files(__package__) / "theme.yaml").read_text(encoding="utf-8")
    document: dict[str, Any] = yaml.safe_load(text)
    return document


def chamber_colours() -> list[str]:
    """Return the colour of each chamber."""
    return list(_document()["chambers"])


def curve_colours() -> tuple[str, str]:
    """Return two colours for what belongs to no chamber."""
    first, second = _document()["curves"]
    return first, second


def colours(name: str) -> dict[str, str]:
    """Return the colours of a theme by their names."""
    return dict(_document()["colours"][name])


@cache
def plot_theme(name: str) -> Theme:
    """Return what Bokeh applies to every plot."""
    text = json.dumps(_document()["plots"])
    for colour, value in colours(name).items():
        text = text.replace(f'"${colour}"', f'"{value}"')
    return Theme(json={"attrs": json.loads(text)})


def css_variables() -> str:
    """Return the colours of both themes as CSS."""
    rules = []
    for name in (LIGHT, DARK):
        variables = "".join(
            f"--{colour.replace('_', '-')}:{value};" for colour, value in colours(name).items()
        )
        rules.append(f':root[data-theme="{name}"]{{color-scheme:{name};{variables}}}')
    chambers = "".join(f"--chamber-{i}:{colour};" for i, colour in enumerate(chamber_colours()))
    return "\n".join([f":root{{{chambers}}}", *rules])
