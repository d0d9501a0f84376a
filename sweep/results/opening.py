"""Opening the results of a sweep in a database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sweep.results.hints import naming_database

if TYPE_CHECKING:
    import pandas as pd

    from sweep.records import SweepRecord
    from sweep.results.sweep import Sweep
    from sweep.store import Store

DEFAULT_DATABASE = "results/sweeps.db"


def database_url(url: str | Path | None = None) -> str:
    """Return the database that is meant: `url`, else the environment variable SWEEP_DB, else DEFAULT_DATABASE.

    Raises:
        UsageError: when it is the URL of a server with a mistake.
    """
    from sweep.arguments import folder_or_file
    from sweep.system import variables
    from sweep.system.urls import check_url

    meant = url or variables.database() or DEFAULT_DATABASE
    if not isinstance(meant, str) or "://" not in meant:
        return str(folder_or_file(meant, "db"))
    check_url(meant)
    return meant


@naming_database
def load(name: str | None = None, *, db: str | Path | None = None) -> Sweep:
    """Return the results of a sweep, finished or not.

    Args:
        name: the sweep; by default the newest one whose trials were drawn, not made from those of another sweep.
        db: URL or file of the database, as of `database_url`.

    Raises:
        SweepError: when there is no such sweep or database.
    """
    from sweep.arguments import text
    from sweep.experiment.parents import parent_of
    from sweep.results.sweep import Sweep
    from sweep.store import Store

    store = Store(database_url(db))
    record = _found(store, None if name is None else text(name, "name"))
    parent = parent_of(record) if name is None else None
    return Sweep(store, store.sweep(parent) if parent in store.names() else record)


def _found(store: Store, name: str | None) -> SweepRecord:
    from sweep.errors import MOST_LISTED, Call, SweepError

    try:
        return store.sweep(name)
    except SweepError as error:
        if str(error).endswith("?") or len(store.names()) <= MOST_LISTED:
            raise
        raise SweepError(*error.args, "; see all with: ", Call("list")) from None


def sweeps(db: str | Path | None = None) -> pd.DataFrame:
    """Return all sweeps of a database, the newest first, with their status, best value, tags and number of notes.

    Args:
        db: URL or file of the database, as of `database_url`.

    Raises:
        SweepError: when there is no such database.
    """
    from sweep.store import Store

    return Store(database_url(db)).sweeps()
