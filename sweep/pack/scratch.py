"""A pack's tables in a database of their own, where all that a sweep's database is asked can be asked of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import select, text, update

from sweep.errors import PackError, StoreError
from sweep.pack.cells import csv_line
from sweep.pack.checklist import checklist
from sweep.pack.tables import TABLES, columns_text, load_table, member
from sweep.store import Store
from sweep.store.digests import trial_digests
from sweep.store.schema import batches, sweeps, trials

DIGESTS = "digests.csv"
"""Digests of the trials whose losses of mini-batches are left out, over all else."""
RANKING = ("rank", "trial", "metric", "value", "epoch", "tie_value")
"""Columns of the leaderboard in a pack."""


@contextmanager
def scratch(sources: Mapping[str, Iterator[str]]) -> Iterator[Store]:
    """Load tables into a temporary database.

    Args:
        sources: the lines of each table's file by its name; that of the mini-batches may be missing.

    Raises:
        SweepError: when a table is missing, or its rows are not what a database of a sweep holds.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="sweep-pack-"))
        store = stack.enter_context(closing(Store(str(Path(folder, "pack.db")), create=True)))
        try:
            _load(store, sources)
        except StoreError as error:
            reason = getattr(error.__cause__, "orig", None) or error.__cause__ or error
            raise PackError(f"the tables are not those of a sweep: {reason}") from None
        yield store


def _load(store: Store, sources: Mapping[str, Iterator[str]]) -> None:
    with store.database.writing() as connection:
        for table in TABLES:
            if member(table) in sources:
                load_table(connection, table, sources[member(table)], member(table))
            elif table is not batches:
                raise PackError(f"the pack is not whole: it has no {member(table)}")
        if len(connection.execute(select(sweeps.c.id)).all()) != 1:
            raise PackError(f"{member(sweeps)} must have one row: that of the sweep")


def file_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a file of ours."""
    with path.open(encoding="utf-8", newline="") as stream:
        yield from stream


def digests(store: Store) -> dict[int, str]:
    """Return the digest of each trial, by number, over what the database holds."""
    with store.database.reading() as connection:
        numbers = {row.id: row.number for row in connection.execute(select(trials.c.id, trials.c.number))}
        return {numbers[trial_id]: digest for trial_id, digest in trial_digests(connection, trials.c.id.is_not(None))}


def stored_digests(store: Store) -> dict[int, str | None]:
    """Return the digest of each trial, by number, that is stored with it."""
    with store.database.reading() as connection:
        query = select(trials.c.number, trials.c.digest).order_by(trials.c.number)
        return {row.number: row.digest for row in connection.execute(query)}


def replace_digests(store: Store, others: Mapping[int, str]) -> None:
    """Store other digests with some trials: those over what is packed of them."""
    with store.database.writing() as connection:
        for number, digest in others.items():
            connection.execute(update(trials).where(trials.c.number == number).values(digest=digest))


def derived(store: Store) -> dict[str, str]:
    """Return the members of a pack that follow from its tables, by name."""
    record = store.sweep()
    return {
        "checklist.md": checklist(store, record),
        "columns.json": columns_text(),
        "experiment.toml": record.experiment,
        "leaderboard.csv": _leaderboard(store),
    }


def _leaderboard(store: Store) -> str:
    with store.database.reading() as connection:
        rows = connection.execute(text(f"SELECT {', '.join(RANKING)} FROM leaderboard ORDER BY rank")).all()
    cells = [
        ["" if value is None else value if isinstance(value, str) else repr(value) for value in row] for row in rows
    ]
    return "".join(map(csv_line, [list(RANKING), *cells]))
