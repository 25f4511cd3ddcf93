"""One library, one door; and the pure rooms stay pure. The message of a failure is the rule."""

import ast
from pathlib import Path

import pytest

APP = Path(__file__).parents[2] / "app" / "cosmo"
#: The only rooms that may import a library.
DOOR = {
    "kafka": ("broker",),
    "boto3": ("sources",),
    "botocore": ("sources",),
    "urllib3": ("sources",),
    "pyspark": ("analysis", "measuring", "task_daemon"),
    "bokeh": ("dashboard",),
}
#: Rooms that touch no file, clock, socket or Spark.
PURE = (
    "active_orbits",
    "counting",
    "detector",
    "hits",
    "line_limit",
    "orbit_shift",
    "pace",
    "results",
    "pending_rows",
    "slice_numbers",
    "slice_records",
    "slice_values",
    "statistics",
    "timeslices",
    "valid_text",
)
OUTSIDE = {"os", "socket", "time", "pathlib", "io", "shutil", "subprocess", "threading", "urllib", "http"}
OUR_PURE = {*PURE, "errors"}
CALLS_OUTSIDE = {"open", "input", "print"}
#: What the command line may import at its top: a command's own needs are imported when it runs.
AT_THE_TOP = {
    "__future__",
    "click",
    "collections",
    "errno",
    "importlib",
    "json",
    "logging",
    "os",
    "pathlib",
    "sys",
    "typing",
}
OURS_AT_THE_TOP = ("cosmo.errors", "cosmo.commands.shared.documents", "cosmo.commands.shared.plays")


def files():
    return sorted(APP.rglob("*.py"))


def room_of(path):
    """Return the room a file belongs to: its own name, or the name of its folder."""
    first = path.relative_to(APP).parts[0]
    return first.removesuffix(".py")


def imported(source):
    """Return the full names of all that a file imports, at its top and inside functions."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def broken_door(room, source):
    """Return the rules that a file breaks."""
    libraries = {name.split(".")[0] for name in imported(source)}
    return [
        f"{room} imports {library}; only {' and '.join(DOOR[library])} may"
        for library in sorted(libraries & DOOR.keys())
        if room not in DOOR[library]
    ]


def impurities(room, source):
    """Return the rules of a pure room that a file breaks."""
    rules = []
    for name in sorted(imported(source)):
        top, *rest = name.split(".")
        if top in OUTSIDE:
            rules.append(f"{room} imports {top}; a pure room touches no file, clock or socket")
        if top in DOOR:
            rules.append(f"{room} imports {top}; a pure room imports no door")
        if top == "cosmo" and rest[0] not in OUR_PURE:
            rules.append(f"{room} imports cosmo.{rest[0]}, which is not pure")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in CALLS_OUTSIDE or called.endswith((".now", ".today", ".utcnow")):
                rules.append(f"{room} calls {called}(); a pure room touches no file, clock or socket")
    return rules


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(APP)))
def test_one_library_one_door(path):
    assert broken_door(room_of(path), path.read_text()) == []


def test_one_file_of_the_sources_talks_to_the_store():
    importers = {
        str(path.relative_to(APP))
        for path in files()
        if {name.split(".")[0] for name in imported(path.read_text())} & {"boto3", "botocore", "urllib3"}
    }
    assert importers == {"sources/bucket.py"}


@pytest.mark.parametrize("room", PURE)
def test_pure_rooms(room):
    assert impurities(room, (APP / f"{room}.py").read_text()) == []


@pytest.mark.parametrize(
    "path", [APP / "cli.py", *sorted((APP / "commands").glob("*.py"))], ids=lambda path: path.name
)
def test_a_command_imports_what_it_runs_where_it_runs_it(path):
    at_the_top = [
        node for node in ast.parse(path.read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    names = imported(ast.unparse(ast.Module(at_the_top, [])))
    ours = {name for name in names if name.startswith("cosmo.")}
    assert {name for name in ours if not name.startswith(OURS_AT_THE_TOP)} == set()
    assert {name.split(".")[0] for name in names - ours} <= AT_THE_TOP


@pytest.mark.parametrize(
    ("source", "rule"),
    [
        pytest.param("import kafka.errors", "hits imports kafka; only broker may", id="import"),
        pytest.param(
            "from pyspark import sql",
            "hits imports pyspark; only analysis and measuring and task_daemon may",
            id="from",
        ),
        pytest.param(
            "def f():\n    import bokeh", "hits imports bokeh; only dashboard may", id="in a function"
        ),
    ],
)
def test_a_planted_door_is_seen(source, rule):
    assert broken_door("hits", source) == [rule]


@pytest.mark.parametrize(
    ("source", "rule"),
    [
        pytest.param("import os", "hits imports os; a pure room touches no file, clock or socket", id="os"),
        pytest.param("from time import sleep", "hits imports time; a pure room touches", id="time"),
        pytest.param(
            "from cosmo.broker import Broker",
            "hits imports cosmo.broker, which is not pure",
            id="a door of ours",
        ),
        pytest.param(
            "from cosmo import broker", "hits imports cosmo.broker, which is not pure", id="the module"
        ),
        pytest.param("open('x')", "hits calls open(); a pure room touches", id="open"),
        pytest.param("datetime.now()", "hits calls datetime.now(); a pure room touches", id="clock"),
    ],
)
def test_a_planted_impurity_is_seen(source, rule):
    (found,) = impurities("hits", source)
    assert found.startswith(rule)
