"""Rows: what goes into the tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Dialect, Table, insert, select, update

from sweep.records import BatchLosses, Epoch, Scalar, SweepRecord, Trial
from sweep.store.digests import seal_all, seal_drawn, sweep_digest
from sweep.store.schema import batches, epochs, parameters, sweeps, trials

NATIVE_COLUMNS = ("train_loss", "train_accuracy", "test_loss", "test_accuracy")
"""Metrics that have a column of their own."""
EPOCH_COLUMNS = ("trial_id", "epoch", *NATIVE_COLUMNS, "seconds")
BATCH_COLUMNS = ("trial_id", "epoch", "step", "loss")
"""What is written, in the order in which it stands in its table."""


def insert_sweep(connection: Connection, record: SweepRecord, drawn: Sequence[Trial]) -> int:
    """Insert a sweep, its trials and their parameters; return the sweep's id."""
    skipped = ("id", "trials", "created")
    head = {name: getattr(record, name) for name in record.__slots__ if name not in skipped}
    sweep_id: int = connection.execute(
        insert(sweeps).values(trials=len(drawn), created=datetime.now(UTC), **head).returning(sweeps.c.id)
    ).scalar_one()
    connection.execute(insert(trials), [trial_row(sweep_id, trial) for trial in drawn])
    ids = dict(connection.execute(select(trials.c.number, trials.c.id).where(trials.c.sweep_id == sweep_id)).all())
    rows = [
        parameter_row(ids[trial.number], name, value) for trial in drawn for name, value in trial.parameters.items()
    ]
    if rows:
        connection.execute(insert(parameters), rows)
    seal_drawn(connection, trials.c.sweep_id == sweep_id)
    seal_all(connection, trials.c.sweep_id == sweep_id)
    connection.execute(update(sweeps).where(sweeps.c.id == sweep_id).values(digest=sweep_digest(connection, sweep_id)))
    return sweep_id


def trial_row(sweep_id: int, trial: Trial) -> dict[str, Any]:
    """Return the row of a trial that waits for its first attempt."""
    return {
        "sweep_id": sweep_id,
        "number": trial.number,
        "status": "queued",
        "attempt": 0,
        "configuration": trial.configuration,
        "seed_weights": trial.seeds.weights,
        "seed_shuffling": trial.seeds.shuffling,
        "seed_dropout": trial.seeds.dropout,
    }


def parameter_row(trial_id: int, name: str, value: Scalar) -> dict[str, Any]:
    """Return the row of a drawn value."""
    is_text = isinstance(value, str)
    return {
        "trial_id": trial_id,
        "name": name,
        "type": type(value).__name__,
        "number": None if is_text else float(value),
        "text": value if is_text else None,
    }


def upsert_epochs(connection: Connection, trial_id: int, new: Sequence[Epoch]) -> None:
    """Insert epochs of a trial, in place of those that are there already."""
    _upsert(connection, epochs, EPOCH_COLUMNS, [(trial_id, each.number, *_measured(each)) for each in new])


def _measured(epoch: Epoch) -> tuple[float, ...]:
    return *(epoch.metrics[name] + 0.0 for name in NATIVE_COLUMNS), epoch.seconds + 0.0


def upsert_batches(connection: Connection, trial_id: int, new: Sequence[BatchLosses]) -> None:
    """Insert losses of mini-batches of a trial, in place of those that are there already."""
    rows = [(trial_id, each.epoch, step, loss + 0.0) for each in new for step, loss in enumerate(each.losses, start=1)]
    _upsert(connection, batches, BATCH_COLUMNS, rows)


def _upsert(connection: Connection, table: Table, names: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows, in place of those with the same primary key.

    They go to the driver as they are, since SQLAlchemy takes longer to look at each of their values than SQLite to
    store them; so numbers must be as `Number` makes them.
    """
    if rows:
        connection.exec_driver_sql(_replacing(table, names, connection.dialect), rows)


@lru_cache(maxsize=8)
def _replacing(table: Table, names: tuple[str, ...], dialect: Dialect) -> str:
    """Return the statement that takes rows of such columns."""
    if dialect.name == "sqlite":
        from sqlalchemy.dialects.sqlite import insert as insertion
    else:  # whose drivers take as long to import as a sweep to be ranked
        from sqlalchemy.dialects.postgresql import insert as insertion  # type: ignore[assignment]
    statement = insertion(table)
    keys = [column.name for column in table.primary_key]
    changed = {name: statement.excluded[name] for name in names if name not in keys}
    replacing = statement.on_conflict_do_update(index_elements=keys, set_=changed)
    return str(replacing.compile(dialect=dialect, column_keys=names))


def read_epochs(connection: Connection, trial_id: int) -> tuple[Epoch, ...]:
    """Return the epochs of a trial, in order."""
    columns = [epochs.c[name] for name in EPOCH_COLUMNS[1:]]
    query = select(*columns).where(epochs.c.trial_id == trial_id).order_by(epochs.c.epoch)
    return tuple(
        Epoch(number, seconds, dict(zip(NATIVE_COLUMNS, map(float, figures), strict=True)))
        for number, *figures, seconds in connection.execute(query)
    )
