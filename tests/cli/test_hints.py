"""The hints of errors in words of the command line."""

from typing import get_args, get_type_hints

import pytest

from sweep.cli.hints import COMMANDS, name_database, sentence
from sweep.cli.options import app
from sweep.errors import Argument, Call, SweepError


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (Argument("max_failures"), "--max-failures"),
        (Argument("backend", "dask"), "--backend dask"),
        (Argument("overrides"), "--set"),
        (Argument("overrides", "epochs=9"), "--set epochs=9"),
        (Argument("data", "DIR"), "--data DIR"),
        (Call("run"), "sweep run"),
        (Call("resume", "mine"), "sweep resume mine"),
        (Call("resume"), "sweep resume"),
        (Call("show", "mine", "TRIAL"), "sweep show mine/TRIAL"),
        (Call("show", trial="3"), "sweep show 3"),
        (Call("explain", "mine", "3", (("baseline", "a b=1"),)), "sweep explain mine/3 --from 'a b=1'"),
        (Call("doctor"), "sweep doctor"),
        (Call("repair"), "sweep doctor --repair"),
    ],
)
def test_hints_in_words_of_the_command_line(hint, words):
    assert sentence(SweepError("first ", hint, ", then wait")) == f"first {words}, then wait"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("my sweeps.db", "'my sweeps.db'"),
        ("postgresql://me:secret@host/lab", "'postgresql://me:***@host/lab'"),
        ("postgresql://me@host/lab?password=secret&x=1", "'postgresql://me@host/lab?password=***&x=1'"),
    ],
)
def test_they_name_the_database_that_was_given_but_no_password(given, shown):
    try:
        name_database(given)
        assert sentence(SweepError(Call("resume", "mine"))) == f"sweep resume mine --db {shown}"
    finally:
        name_database(None)


def test_every_call_is_a_command():
    names = {command.name or command.callback.__name__ for command in app.registered_commands}
    names |= {group.name for group in app.registered_groups}
    assert set(COMMANDS) == set(get_args(get_type_hints(Call)["function"]))
    assert {words.split()[1] for words in COMMANDS.values()} <= names


def test_an_error_of_the_library_is_printed_with_options(cli):
    assert cli("run", "digits-quickstart", "--workers", "0").sentence(2) == "Error: --workers must be at least 1, not 0"
