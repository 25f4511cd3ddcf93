"""Sentences to the person at the terminal, on stderr: stdout is for what a command was asked for."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

console = Console(stderr=True, highlight=False, soft_wrap=True)


def say(sentence: str) -> None:
    """Say a sentence."""
    console.print(escape(sentence))


def complain(sentence: str) -> None:
    """Say what went wrong."""
    console.print(f"[bold red]cosmo:[/] {escape(sentence)}")
