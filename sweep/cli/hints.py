"""How the command line words the hints of an error: as its own options and commands."""

from __future__ import annotations

from sweep.errors import Argument, Call, Hint, SweepError

OPTIONS = {"overrides": "--set"}
"""Options that are not named as the argument is; all others are."""

COMMANDS = {
    "run": "sweep run",
    "resume": "sweep resume {sweep}",
    "extend": "sweep continue {sweep}",
    "show": "sweep show {trial}",
    "doctor": "sweep doctor",
    "repair": "sweep doctor --repair",
}


def sentence(error: SweepError) -> str:
    """Return the message of an error in words of the command line."""
    return error.worded(_worded)


def _worded(hint: Hint) -> str:
    match hint:
        case Argument(name, value):
            option = OPTIONS.get(name, f"--{name.replace('_', '-')}")
            return f"{option} {value}" if value else option
        case Call(function, sweep, trial):
            trial = f"{sweep}/{trial}" if sweep else trial
            return COMMANDS[function].format(sweep=sweep, trial=trial).rstrip()
