"""Every error that sweep raises on purpose, each one clear sentence that says what to do.

SweepError                  the work could not be done                   exit code 1
├── UsageError              a wrong command, option or expression        exit code 2
│   └── ExperimentError     a mistake in an experiment file              exit code 2
├── DataError               a data set is missing, damaged or foreign
├── WeightsError            kept weights are missing, damaged or of another network
└── StoreError              the database cannot be opened, read or written
    ├── StoreBusy           it cannot just now: it is locked or away, or its disk is full
    └── StaleAttempt        another attempt owns the trial now: stop writing
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class SweepError(Exception):
    """The work could not be done; the message is one sentence for the user."""

    exit_code = 1


class UsageError(SweepError):
    """The command, an option or an expression is wrong."""

    exit_code = 2


class ExperimentError(UsageError):
    """The experiment file is wrong; the message names the file, the key, what was given and what would be right."""


class DataError(SweepError):
    """A data set cannot be used; the message names the file, what is wrong and how to get it right."""


class WeightsError(SweepError):
    """Kept weights cannot be written, read or used."""


class StoreError(SweepError):
    """The database cannot be opened, read or written."""


class StoreBusy(StoreError):
    """The database cannot be used just now; to try again may help."""


class StaleAttempt(StoreError):
    """The trial belongs to a later attempt; whoever sees this must stop writing."""


def suggest(given: str, valid: Iterable[str]) -> str:
    """Return the end of an error sentence: the closest valid word, or all of them.

    >>> suggest("rellu", ["relu", "tanh"])
    "did you mean 'relu'?"
    >>> suggest("x", ["relu", "tanh"])
    'choose from relu, tanh'
    """
    valid = sorted(valid)
    close = get_close_matches(given, valid, n=1)
    return f"did you mean '{close[0]}'?" if close else f"choose from {', '.join(valid)}"
