"""What the shell completes: names of sweeps, experiments, trials, metrics and parameters.

Nothing here fails or changes anything: a database that cannot be read has no names. It is read without `Store`, which
may migrate it, and without pandas, since a user waits for each key.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

SWEEPS = "SELECT name FROM sweeps ORDER BY id DESC"
NEWEST = "(SELECT id FROM sweeps WHERE CAST(:sweep AS TEXT) IS NULL OR name = :sweep ORDER BY id DESC LIMIT 1)"
TRIALS = f"SELECT number FROM trials WHERE sweep_id = {NEWEST} ORDER BY number"
FIRST = f"(SELECT min(id) FROM trials WHERE sweep_id = {NEWEST})"
PARAMETERS = f"SELECT name FROM parameters WHERE trial_id = {FIRST}"
METRICS = f"SELECT metrics FROM epochs WHERE trial_id = {FIRST} ORDER BY epoch DESC LIMIT 1"


def sweep_names(ctx: Any, incomplete: str) -> list[str]:
    """Return the sweeps of the database whose names begin so."""
    return _beginning(incomplete, [row[0] for row in _rows(ctx, SWEEPS)])


def trial_names(ctx: Any, incomplete: str) -> list[str]:
    """Return trials that begin so: numbers of the newest sweep, NAME/ of all, NAME/TRIAL after a name."""
    name, slash, _ = incomplete.rpartition("/")
    numbers = [str(row[0]) for row in _rows(ctx, TRIALS, name or None)]
    if slash:
        return _beginning(incomplete, [f"{name}/{number}" for number in numbers])
    return _beginning(incomplete, [*numbers, *(f"{row[0]}/" for row in _rows(ctx, SWEEPS))])


def metric_names(ctx: Any, incomplete: str) -> list[str]:
    """Return the metrics of the sweep that the command names, or of the newest."""
    import json

    from sweep.metrics import NATIVE_METRICS

    others = [json.loads(row[0]) for row in _rows(ctx, METRICS, _named(ctx)) if row[0]]
    return _beginning(incomplete, [*NATIVE_METRICS, *(name for metrics in others for name in metrics)])


def parameter_names(ctx: Any, incomplete: str) -> list[str]:
    """Return the parameters of the sweep that the command names, or of the newest, by their short names."""
    full = [row[0] for row in _rows(ctx, PARAMETERS, _named(ctx))]
    if not full:
        return []
    from sweep.space.names import RESERVED, short_name

    return _beginning(incomplete, [short_name(name, dict.fromkeys(full), RESERVED) for name in full])


def experiments(ctx: Any, incomplete: str) -> list[str]:
    """Return the experiments that come with sweep, and the experiment files and folders here, that begin so."""
    from sweep.experiment.file import shipped_files

    here = Path(incomplete).parent if incomplete else Path()
    files: list[str] = []
    with suppress(OSError):
        found = [path for path in here.iterdir() if path.suffix == ".toml" or path.is_dir()]
        files = sorted(f"{path}/" if path.is_dir() else str(path) for path in found if not path.name.startswith("."))
    return _beginning(incomplete, [*shipped_files(), *files])


def _beginning(incomplete: str, names: Sequence[str]) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def _named(ctx: Any) -> str | None:
    """Return the sweep that the command line names so far."""
    given = ctx.params.get("name")
    return given if isinstance(given, str) else None


def _rows(ctx: Any, query: str, sweep: str | None = None) -> list[tuple[Any, ...]]:
    """Return the rows of a query, none where the database cannot be read."""
    from sweep.results.opening import database_url

    with suppress(Exception):  # completion never fails
        url = database_url(ctx.params.get("db"))
        if "://" not in url:
            with closing(sqlite3.connect(f"{Path(url).absolute().as_uri()}?mode=ro", uri=True)) as connection:
                return connection.execute(query, {"sweep": sweep}).fetchall()
        return _rows_of_url(url, query, sweep)
    return []


def _rows_of_url(url: str, query: str, sweep: str | None) -> list[tuple[Any, ...]]:
    from sqlalchemy import text

    from sweep.store.connection import Database

    database = Database(url)
    if database.is_sqlite and not database.exists:
        return []
    with database.reading() as connection:
        return [tuple(row) for row in connection.execute(text(query), {"sweep": sweep})]
