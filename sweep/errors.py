"""Every error that sweep raises on purpose, each one clear sentence that says what to do.

SweepError                  the work could not be done                   exit code 1
├── UsageError              a wrong command, option or expression        exit code 2
│   └── ExperimentError     a mistake in an experiment file              exit code 2
├── DataError               a data set is missing, damaged or foreign
├── PackError                a pack cannot be read
├── WeightsError            kept weights are missing, damaged or of another network
└── StoreError              the database cannot be opened, read or written
    ├── StoreBusy           it cannot just now: it is locked or away
    │   └── StoreFull       its disk is full, or fails
    └── StaleAttempt        another attempt owns the trial now: stop writing

A sentence is made of text and of hints, which name an argument or a call of the library:

>>> error = UsageError(Argument("workers"), " must be at least 1, not 0; go on with: ", Call("resume", "digits"))
>>> str(error)
"workers must be at least 1, not 0; go on with: sweep.resume('digits')"

The command line words the hints as its own options and commands instead: see `sweep.cli.hints`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal


@dataclass(frozen=True, slots=True)
class Argument:
    """A hint that names an argument of the public functions; `overrides` stands for the values of the experiment."""

    name: str
    """Such as `workers`."""
    value: str = ""
    """What might be given for it, if that helps."""

    def __str__(self) -> str:
        """Return it in words of Python, such as `workers` or `backend="dask"`."""
        if not self.value:
            return self.name
        return f'{self.name}=["{self.value}"]' if self.name == "overrides" else f'{self.name}="{self.value}"'


@dataclass(frozen=True, slots=True)
class Call:
    """A hint that names a call which helps."""

    function: Literal[
        "run",
        "resume",
        "extend",
        "rescue",
        "reseed",
        "finalists",
        "explain",
        "show",
        "sql",
        "doctor",
        "repair",
        "fetch",
        "list",
    ]
    sweep: str = ""
    """Name of the sweep, empty for the newest; for `fetch` that of the data set."""
    trial: str = ""
    """Number of the trial, for those that take one."""
    arguments: tuple[tuple[str, str | float], ...] = ()
    """Further ones with their values, of those that take some."""

    def __str__(self) -> str:
        """Return it in words of Python, such as `sweep.resume('digits')`."""
        return self.in_database(None)

    def in_database(self, database: str | None) -> str:
        """Return it in words of Python, with the database that it takes where that is not the usual one.

        >>> Call("resume", "digits").in_database("my.db"), Call("sql").in_database("my.db")
        ("sweep.resume('digits', db='my.db')", "sweep.sql(db='my.db')")
        """
        given = [repr(self.sweep)] if self.sweep else []
        named = [f"name={self.sweep!r}"] if self.sweep else []
        more = [f"{name}={value!r}" for name, value in self.arguments]
        db = [f"db={database!r}"] if database else []
        values = {
            "sweep": ", ".join([*given, *db]),
            "named": ", ".join([*([self.trial] if self.trial else []), *named, *more, *db]),
            "dataset": repr(self.sweep),
            "trial": self.trial,
            "db": ", ".join(db),
            "url": repr(database) if database else "db",
        }
        return _CALLS[self.function].format(**values)


_CALLS = {
    "run": "sweep.run(...)",
    "resume": "sweep.resume({sweep})",
    "extend": "sweep.extend(...)",
    "rescue": "sweep.rescue({named})",
    "reseed": "sweep.reseed({named})",
    "finalists": "sweep.finalists({named})",
    "explain": "sweep.explain({named})",
    "show": "sweep.load({sweep}).trial({trial})",
    "sql": "sweep.sql({db})",
    "doctor": "sweep.checks.doctor.examine({url})",
    "repair": "sweep.checks.doctor.repair({url})",
    "list": "sweep.sweeps({db})",
    "fetch": "sweep.data.fetching.fetch({dataset}, folder)",
}

Hint = Argument | Call


class SweepError(Exception):
    """The work could not be done; the message is one sentence for the user, of text and hints."""

    exit_code = 1
    database: str | None = None
    """The database that calls in the sentence name, where one was given; see `sweep.results.hints`."""

    def __init__(self, *parts: str | Hint) -> None:
        super().__init__(*parts)

    def __str__(self) -> str:
        """Return the sentence with its hints in words of Python."""
        return self.worded(lambda hint: hint.in_database(self.database) if isinstance(hint, Call) else str(hint))

    def worded(self, word: Callable[[Hint], str]) -> str:
        """Return the sentence with each hint in the words that `word` finds for it."""
        return "".join(word(part) if isinstance(part, Hint) else str(part) for part in self.args)


class UsageError(SweepError):
    """The command, an option or an expression is wrong."""

    exit_code = 2


class ExperimentError(UsageError):
    """The experiment file is wrong; the message names the file, the key, what was given and what would be right."""


class DataError(SweepError):
    """A data set cannot be used; the message names the file, what is wrong and how to correct it."""


class PackError(SweepError):
    """A pack cannot be read; the message names the file and what is wrong with it."""


class WeightsError(SweepError):
    """Kept weights cannot be written, read or used."""


class StoreError(SweepError):
    """The database cannot be opened, read or written."""


class StoreBusy(StoreError):
    """The database cannot be used just now; another try may succeed."""


class StoreFull(StoreBusy):
    """The disk of the database is full, or fails; trials wait, but nobody at a terminal should."""


class StaleAttempt(StoreError):
    """The trial belongs to a later attempt; whoever sees this must stop writing."""


MOST_LISTED = 20
"""Largest number of names of which a sentence lists all."""
NEAREST = 10
"""Number of names that it lists of more than these."""


def suggest(given: str, valid: Iterable[str], *, most: int | None = None) -> str:
    """Return the end of an error sentence: the closest valid word, or all of them, or of many the nearest.

    Args:
        given: the word that is not valid.
        valid: those that are.
        most: the largest number of which all are listed; by default MOST_LISTED.

    >>> suggest("rellu", ["relu", "tanh"])
    "did you mean 'relu'?"
    >>> suggest("x", ["relu", "tanh"])
    'choose from relu, tanh'
    """
    valid = sorted(valid)
    if close := get_close_matches(given, valid, n=1):
        return f"did you mean '{close[0]}'?"
    if len(valid) > (MOST_LISTED if most is None else most):
        nearest = get_close_matches(given, valid, n=NEAREST, cutoff=0)
        return f"choose from {shortened([*nearest, *set(valid).difference(nearest)])}"
    return f"choose from {', '.join(valid)}"


def shortened(names: Sequence[str]) -> str:
    """Return names for a sentence: all of them, or of many the first ones and the number of the others.

    >>> shortened(["a", "b"])
    'a, b'
    >>> shortened([str(number) for number in range(1000)])
    '0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 990 more'
    """
    if len(names) <= MOST_LISTED:
        return ", ".join(names)
    return f"{', '.join(names[:NEAREST])} and {len(names) - NEAREST:,} more"


def unreadable(error: OSError) -> str:
    """Return why a file cannot be read, and what to do, as the end of a sentence."""
    return f"{error.strerror or error}; check the file and its permissions"


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun in the singular or the plural.

    >>> counted(1, "trial"), counted(12, "trial"), counted(0, "match", "matches")
    ('1 trial', '12 trials', '0 matches')
    """
    return f"{number} {noun if number == 1 else plural or noun + 's'}"
