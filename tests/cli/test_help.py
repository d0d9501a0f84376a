"""Tests of the help: it teaches, and it is there at once because nothing heavy is imported for it."""

import importlib.metadata
import subprocess
import sys

import pytest

from sweep.system.distribution import own_version

COMMANDS = [
    "run",
    "resume",
    "list",
    "leaderboard",
    "show",
    "export",
    "plot",
    "continue",
    "predict",
    "trace",
    "gradcheck",
]
HEAVY = {"numpy", "pandas", "scipy", "sqlalchemy", "matplotlib", "seaborn", "sklearn", "joblib", "pydantic_core"}


def test_the_help_teaches(cli):
    answer = cli("--help")
    assert (answer.code, answer.err) == (0, "")
    assert "sweep run digits-quickstart" in answer.out
    for command in COMMANDS:
        assert command in answer.out
    assert "Exit codes" in answer.out


def test_without_a_command_there_is_help(cli):
    answer = cli()
    assert "sweep run digits-quickstart" in answer.out + answer.err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_what_it_does(cli, command):
    answer = cli(command, "--help")
    assert (answer.code, answer.err) == (0, "")
    assert ("--db" in answer.out) == (command != "gradcheck")
    assert "Usage:" in answer.out


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)])
def test_the_short_option_is_the_same(cli, command):
    assert cli(*command, "-h") == cli(*command, "--help")


PROGRAM = """
import sys
from sweep.cli import main
try: main()
except SystemExit: print(*sorted(sys.modules), file=sys.stderr)
"""


def modules_of(*arguments, **environment):
    """Run a command in a process of its own; return what it prints, and the modules that it has imported."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, check=True, **environment
    )
    return done.stdout, {*done.stderr.splitlines()[-1].split()}


def test_nothing_heavy_is_imported_for_it():
    out, modules = modules_of("--help")
    assert "leaderboard" in out
    assert HEAVY & modules == set()


def test_nothing_that_trains_or_draws_is_imported_to_rank(shelf):
    out, modules = modules_of("leaderboard", env=shelf.environment)
    assert "rank" in out
    assert {"sweep.experiment.sections", "sweep.nn", "sweep.data", "scipy", "joblib", "matplotlib"} & modules == set()


def test_the_version_is_that_of_the_installed_distribution(cli, monkeypatch):
    asked = []

    def version(name):
        asked.append(name)
        return "1.2.3"

    monkeypatch.setattr("importlib.metadata.version", version)
    assert cli("--version").out == "sweep 1.2.3\n"
    assert asked == ["sweep-lab"]


def test_without_an_installed_distribution_the_version_is_unknown(monkeypatch):
    def version(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.version", version)
    assert own_version() == "unknown"
