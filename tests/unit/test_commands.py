"""The command line as a whole: every command is there, has help, and starts fast."""

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cosmo import cli
from cosmo.commands import wanda

FILES = Path(cli.__file__).parent / "commands"
LOCALHOST = Path(__file__).parents[2] / "config" / "localhost"
SLOW = {"numpy", "pyarrow", "pydantic", "kafka", "rich", "pyspark", "bokeh", "boto3"}


def commands():
    """Return every command by its words, groups too."""
    found = {}

    def gather(words, command):
        found[" ".join(words)] = command
        if isinstance(command, click.Group):
            context = click.Context(command)
            for name in command.list_commands(context):
                gather((*words, name), command.get_command(context, name))

    gather(("cosmo",), cli.cosmo)
    return found


def test_the_table_has_every_file():
    assert set(cli.COMMANDS) == {path.stem for path in FILES.glob("*.py")} - {"__init__"}


@pytest.mark.parametrize("words", commands())
def test_each_command_says_what_it_does(words):
    command = commands()[words]
    assert command.help
    assert command.get_short_help_str(200).endswith(".")
    assert words == "cosmo" or len(command.get_short_help_str(200)) <= cli.LONGEST_HELP
    shown = CliRunner().invoke(cli.cosmo, [*words.split()[1:], "--help"])
    assert shown.exit_code == 0, shown.output
    options = [each for each in command.params if isinstance(each, click.Option)]
    assert [each.name for each in options if not each.help and each.name != "kind"] == []


def test_an_unknown_command_is_named():
    refused = CliRunner().invoke(cli.cosmo, ["analyze"])
    assert refused.exit_code == 2
    assert "analyze" in refused.output


def test_help_imports_no_slow_library():
    program = (
        "import sys; from cosmo.cli import cosmo; cosmo(['-h'], standalone_mode=False); print(*sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    *_, modules = shown.stdout.splitlines()
    assert "cosmo.commands.summarise" in modules.split()
    assert not SLOW & set(modules.split())


def test_help_is_by_task():
    shown = CliRunner().invoke(cli.cosmo, ["help"])
    assert shown.exit_code == 0, shown.output
    assert [f"\n{section}:\n" in shown.output for section in cli.SECTIONS] == [True] * len(cli.SECTIONS)
    assert "..." not in shown.output.split("On the hosts")[1]


def test_help_of_a_command():
    shown = CliRunner().invoke(cli.cosmo, ["help", "tail"])
    assert "--from-beginning" in shown.output
    refused = CliRunner().invoke(cli.cosmo, ["help", "tial"])
    assert refused.exit_code == 2
    assert "got 'tial'" in refused.output


def test_help_for_kafka_has_the_settings_in_it():
    settings = ["--config", str(FILES.parents[2] / "config" / "localhost")]
    shown = CliRunner().invoke(cli.cosmo, [*settings, "help", "kafka"])
    assert "kafka.admin.TopicCommand --bootstrap-server 127.0.0.1:9092 --list" in shown.output
    named = set(re.findall(r"^  cosmo ([a-z]+)", shown.output, re.MULTILINE))
    assert named <= set(cli.COMMANDS)
    program = re.search(r"java=(.*)", shown.output).group(1)
    assert Path(program).exists()


def test_wanda_wishes_what_there_is():
    shown = CliRunner().invoke(cli.cosmo, ["wanda"])
    assert wanda.WANDA.strip("\n") in shown.output
    assert shown.output.splitlines()[-1].strip() in wanda.WISHES
    wished = {name for wish in wanda.WISHES for name in re.findall(r"cosmo ([a-z]+)", wish)}
    assert wished <= set(cli.COMMANDS)


@pytest.mark.parametrize(
    ("words", "unbuffered"),
    [("wanda", ""), ("wanda", "1"), ("summarise rows.csv", ""), ("summarise --json rows.csv", "1")],
)
def test_output_that_cannot_be_written_is_one_sentence(tmp_path, words, unbuffered):
    (tmp_path / "rows.csv").write_bytes(b"2,0,5,1,1,1\n")
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "cosmo", "--config", str(LOCALHOST), *words.split()],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        )
    said = "cosmo: expected room for the output, got: No space left on device; "
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1), ended.stderr
    assert ended.stderr.startswith(said)


@pytest.mark.parametrize("end", ["| true", ">&-"], ids=["the reader leaves", "closed"])
def test_output_that_nobody_wants_is_no_error(end):
    program = f"{sys.executable} -m cosmo wanda {end}"
    ended = subprocess.run(program, shell=True, stderr=subprocess.PIPE, text=True)
    assert ended.stderr == ""


def test_an_error_of_something_else_is_not_taken_for_one_of_the_output(monkeypatch):
    def fail(**_):
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(cli, "cosmo", fail)
    with pytest.raises(ConnectionRefusedError):
        cli.main()
