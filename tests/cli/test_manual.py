"""Tests of the order of the help, and of its examples, each of which is read by the command line itself."""

import shlex

import pytest
import typer
from typer.main import get_command

from sweep.cli.entry import app
from sweep.cli.manual import GROUPS, Entry, arrange

ENTRIES = [entry for entries in GROUPS.values() for entry in entries]


def commands():
    """The commands of the command line by their names, with those of groups."""
    return get_command(app).commands


def test_every_command_stands_in_one_group():
    names = [entry.name for entry in ENTRIES]
    assert sorted(names) == sorted(commands())


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_the_example_of_a_command_is_one_that_it_takes(entry):
    name, *rest = shlex.split(entry.example)
    assert name == entry.name
    command = commands()[name]
    if isinstance(command, typer.core.TyperGroup):
        command = command.commands[rest.pop(0)]
    command.make_context(name, rest)  # raises where an option or an argument is none of its own


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_the_help_of_a_command_ends_with_its_example(cli, monkeypatch, entry):
    monkeypatch.setenv("COLUMNS", "200")
    answer = cli(entry.name, "--help")
    assert answer.code == 0
    assert answer.out.rstrip().splitlines()[-1].strip() == f"Example: sweep {entry.example} — {entry.meaning}"


def test_the_help_shows_the_groups_in_order(cli):
    out = cli("--help").out
    places = [out.index(f"─ {group} ─") for group in GROUPS]
    assert places == sorted(places)
    assert out.index("│ run ") < out.index("│ leaderboard ") < out.index("│ review ") < out.index("│ doctor ")


def test_switches_name_no_type_and_arguments_no_double_brackets(cli):
    out = cli("leaderboard", "--help").out + cli("--help").out
    assert "<bool>" not in out
    assert "[[" not in out


def test_a_command_without_an_entry_comes_last():
    made = typer.Typer()
    for name in ("unknown", "list", "run"):
        made.command(name)(lambda: None)
    arrange(made)
    assert [command.name for command in made.registered_commands] == ["run", "list", "unknown"]
    assert made.registered_commands[0].rich_help_panel == "Search"


def test_entries_are_sentences():
    for entry in ENTRIES:
        assert isinstance(entry, Entry)
        assert entry.meaning[0].islower()
        assert not entry.meaning.endswith(".")


@pytest.mark.parametrize(
    ("given", "meant"), [(["leaderbord"], "leaderboard"), (["leaderboard", "--worts"], "--worst"), (["lst"], "list")]
)
def test_a_misspelled_command_or_option_is_answered_with_the_closest(cli, given, meant):
    answer = cli(*given)
    assert (answer.code, answer.out) == (2, "")
    assert meant in answer.err


def test_colors_are_left_out_where_asked(cli, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in cli("leaderboard", "--help").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in cli("leaderboard", "--help").out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["plot", "--kind", "curvs"], "'curvs' is not one of them; did you mean 'curves'?"),
        (["list", "--format", "zzz"], "'zzz' is wrong; choose from csv, json, markdown, table"),
    ],
)
def test_a_wrong_choice_gets_a_suggestion(cli, options, words):
    answer = cli(*options)
    assert answer.code == 2
    assert words in " ".join(answer.err.replace("│", " ").split())
    assert "Value error" not in answer.err
