"""Every command and every chore is mentioned in README or docs/."""

import re
from pathlib import Path

import pytest

from cosmo import cli

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXT = "\n".join(page.read_text() for page in PAGES)
CHORES = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_each_command_is_documented(command):
    assert re.search(rf"\bcosmo {command}\b", TEXT), f"mention `cosmo {command}` in README.md or docs/"


@pytest.mark.parametrize("chore", CHORES)
def test_each_chore_is_documented(chore):
    assert re.search(rf"\bmake {chore}\b", TEXT), f"mention `make {chore}` in README.md or docs/"


def test_what_is_documented_is_there():
    named = set(re.findall(r"(?:`|^    |bin/)cosmo ([a-z]+)\b", TEXT, re.MULTILINE))
    assert named - set(cli.COMMANDS) == set()
    assert set(re.findall(r"(?:`|^    )make ([a-z-]+)\b", TEXT, re.MULTILINE)) - set(CHORES) == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text())
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []
