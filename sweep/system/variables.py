"""The environment variables that sweep reads, which are read and checked here alone.

SWEEP_DB        file or URL of the database
SWEEP_DATA      folder with the files of data sets
SWEEP_CACHE     folder of cached data sets
SWEEP_RESULTS   folder for files that belong to a PostgreSQL database, such as kept weights
SWEEP_PATIENCE  seconds for which a write to the database is retried
SWEEP_SILENCE   seconds without a heartbeat after which a worker counts as lost
"""

from __future__ import annotations

import math
import os
from pathlib import Path

from sweep.errors import UsageError

DEFAULT_RESULTS = "results"
PATIENCE_SECONDS = 600.0
SILENCE_SECONDS = 120.0


def database() -> str | None:
    """Return the file or URL of the database, SWEEP_DB, or None."""
    return os.environ.get("SWEEP_DB") or None


def data_folder() -> Path | None:
    """Return the folder with the files of data sets, SWEEP_DATA, or None."""
    return _folder("SWEEP_DATA")


def cache_folder() -> Path | None:
    """Return the folder of cached data sets, SWEEP_CACHE, or None for the user's own."""
    return _folder("SWEEP_CACHE")


def results_folder() -> Path:
    """Return the folder for files of a database on a server, SWEEP_RESULTS or the default."""
    return _folder("SWEEP_RESULTS") or Path(DEFAULT_RESULTS)


def patience() -> float:
    """Return for how many seconds a write to the database is retried (SWEEP_PATIENCE).

    Raises:
        UsageError: when the variable is not a positive number.
    """
    return _seconds("SWEEP_PATIENCE", PATIENCE_SECONDS)


def silence_timeout() -> float:
    """Return after how many seconds without a heartbeat an owner is lost (SWEEP_SILENCE).

    Raises:
        UsageError: when the variable is not a positive number.
    """
    return _seconds("SWEEP_SILENCE", SILENCE_SECONDS)


def _folder(variable: str) -> Path | None:
    given = os.environ.get(variable)
    if not given:
        return None
    try:
        return Path(given).expanduser()
    except RuntimeError:  # the home folder is unknown
        return Path(given)


def _seconds(variable: str, default: float) -> float:
    given = os.environ.get(variable)
    if not given:
        return default
    try:
        value = float(given)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise UsageError(f"the environment variable {variable} takes a positive number of seconds, not '{given}'")
    return value
