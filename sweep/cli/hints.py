"""How the command line words the hints of an error: as its own options and commands."""

from __future__ import annotations

import shlex

from sweep.errors import Argument, Call, Hint, SweepError
from sweep.system.urls import without_password

OPTIONS = {"overrides": "--set", "n": "-n", "duration": "--for", "baseline": "--from"}
"""Options that are not named as the argument is; all others are."""

COMMANDS = {
    "run": "sweep run",
    "resume": "sweep resume {sweep}",
    "extend": "sweep continue {sweep}",
    "rescue": "sweep rescue {which}",
    "reseed": "sweep analyze {sweep} --seeds 5",
    "finalists": "sweep finalists {sweep}",
    "explain": "sweep explain {trial}",
    "show": "sweep show {trial}",
    "sql": "sweep sql",
    "doctor": "sweep doctor",
    "repair": "sweep doctor --repair",
    "list": "sweep list",
    "fetch": "sweep data fetch {sweep}",
}


_DATABASE = [""]
"""The option that names the database of this command, as it was given, or nothing."""


def name_database(given: str | None) -> str | None:
    """Let commands in hints name the database that this command was given; return that."""
    shown = "" if given is None else f" --db {shlex.quote(without_password(given))}"
    _DATABASE[:] = [shown]
    return given


def named_database() -> str:
    """Return the option that names the database of this command, with a space before it; the empty text for none."""
    return _DATABASE[0]


def sentence(error: SweepError) -> str:
    """Return the message of an error in words of the command line."""
    return error.worded(_worded)


def _worded(hint: Hint) -> str:
    match hint:
        case Argument(name, value):
            option = OPTIONS.get(name, f"--{name.replace('_', '-')}")
            return f"{option} {value}" if value else option
        case Call(function, sweep, trial, arguments):
            which = f"{sweep}/{trial}" if trial else f"{sweep} --all"
            trial = f"{sweep}/{trial}" if sweep else trial
            command = COMMANDS[function].format(sweep=sweep, trial=trial, which=which).rstrip()
            options = "".join(f" {_worded(Argument(name, shlex.quote(str(value))))}" for name, value in arguments)
            return command + options + ("" if function == "fetch" else _DATABASE[0])
