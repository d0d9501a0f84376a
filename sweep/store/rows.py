"""Rows: what the tables hold of sweeps, trials and epochs, as records and back.

This module alone knows that four metrics have columns of their own; all others are JSON in `epochs.metrics`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect, Table, and_, insert, select, update

from sweep.errors import StoreError
from sweep.metrics import Objective
from sweep.records import BatchLosses, Divergence, Epoch, Scalar, Seeds, SweepRecord, Trial, TrialRecord, Weights
from sweep.store.columns import milliseconds
from sweep.store.digests import seal_new, sweep_digest
from sweep.store.schema import batches, epochs, parameters, sweeps, trials
from sweep.store.views import note_parameters

NATIVE_COLUMNS = ("train_loss", "train_accuracy", "test_loss", "test_accuracy")
"""Metrics that have a column of their own, in the order of the table."""
EPOCH_COLUMNS = ("trial_id", "epoch", *NATIVE_COLUMNS, "seconds")
ANY_EPOCH_COLUMNS = (*EPOCH_COLUMNS, "metrics")
BATCH_COLUMNS = ("trial_id", "epoch", "step", "loss")
PARAMETER_COLUMNS = ("trial_id", "name", "type", "number", "text")
"""What is written, in the order of its table."""
SAME = (
    *("name", "description", "seed", "epochs", "experiment", "overrides", "fingerprint", "datasets"),
    *("data_folder", "experiment_folder", "environment", "repeats", "format", "planned_trials", "ended"),
)
"""Fields of a sweep's record that are columns as they are, besides those that the store itself gives."""

CHUNK = 1_000
"""Trials that are inserted at a time."""

_native = itemgetter(*NATIVE_COLUMNS)


def insert_sweep(connection: Connection, record: SweepRecord, drawn: Sequence[Trial]) -> int:
    """Insert a sweep, its trials and their parameters; return the id of the sweep."""
    objective = record.objective
    head = {name: getattr(record, name) for name in SAME} | {
        "objective": objective.metric,
        "direction": objective.direction,
        "objective_epoch": objective.epoch,
        "tie_break": objective.tie_break,
    }
    sweep_id: int = connection.execute(
        insert(sweeps).values(trials=len(drawn), created=milliseconds(datetime.now(UTC)), **head).returning(sweeps.c.id)
    ).scalar_one()
    insert_trials(connection, sweep_id, drawn)
    seal_sweep(connection, sweep_id)
    return sweep_id


def seal_sweep(connection: Connection, sweep_id: int) -> None:
    """Write the digest over the row of a sweep."""
    connection.execute(update(sweeps).where(sweeps.c.id == sweep_id).values(digest=sweep_digest(connection, sweep_id)))


def insert_trials(connection: Connection, sweep_id: int, drawn: Sequence[Trial]) -> None:
    """Insert trials of a sweep, queued, with their parameters."""
    for start in range(0, len(drawn), CHUNK):
        _insert_chunk(connection, sweep_id, drawn[start : start + CHUNK])
    note_parameters(connection, sweep_id, (trial.parameters for trial in drawn))


def _insert_chunk(connection: Connection, sweep_id: int, drawn: Sequence[Trial]) -> None:
    connection.execute(insert(trials), [trial_row(sweep_id, trial) for trial in drawn])
    numbers = [trial.number for trial in drawn]
    new = and_(trials.c.sweep_id == sweep_id, trials.c.number.between(min(numbers), max(numbers)))
    ids = dict(connection.execute(select(trials.c.number, trials.c.id).where(new)).all())
    insert_parameters(connection, {ids[trial.number]: trial.parameters for trial in drawn})
    seal_new(connection, new)


def sweep_record(row: Mapping[Any, Any]) -> SweepRecord:
    """Return a sweep from its row."""
    values = {name: row[name] for name in (*SAME, "id", "trials", "created")}
    return SweepRecord(**values, objective=objective_of(row))


def objective_of(row: Mapping[Any, Any]) -> Objective:
    """Return the objective of a sweep from its row."""
    return Objective(row["objective"], row["direction"], row["objective_epoch"], row["tie_break"])


def trial_row(sweep_id: int, trial: Trial) -> dict[str, Any]:
    """Return the row of a queued trial."""
    return {
        "sweep_id": sweep_id,
        "number": trial.number,
        "repeat": trial.repeat,
        "status": "queued",
        "attempt": 0,
        "configuration": trial.configuration,
        "planned_epochs": trial.planned_epochs,
        "round": trial.round or None,
        "target_epochs": trial.target_epochs,
        "told": None if trial.told is None else list(trial.told),
        "redraws": trial.redraws or None,
        "network_parameters": trial.network_parameters,
        "multiplications": trial.multiplications,
        "forked_from": trial.forked_from,
        "seed_weights": trial.seeds.weights,
        "seed_shuffling": trial.seeds.shuffling,
        "seed_dropout": trial.seeds.dropout,
    }


def trial_record(row: Mapping[Any, Any]) -> TrialRecord:
    """Return a trial from its row."""
    same = ("number", "repeat", "status", "attempt", "crashes", "owner", "started", "finished", "seconds", "error")
    also = ("traceback", "log", "configuration", "planned_epochs", "best_value", "best_epoch", "tie_value")
    since = ("target_epochs", "exempt", "network_parameters", "multiplications", "taken_from", "finding", "forked_from")
    return TrialRecord(
        **{name: row[name] for name in (*same, *also, "last_epoch", "ranked_epochs", *since)},
        round=row["round"] or 0,
        redraws=row["redraws"] or 0,
        told=None if row["told"] is None else tuple(row["told"]),
        divergence=_divergence(row),
        seeds=seeds_of(row),
        weights=kept_file(row, "weights"),
        checkpoint=kept_file(row, "checkpoint"),
    )


def _divergence(row: Mapping[Any, Any]) -> Divergence | None:
    if row["diverged_epoch"] is None:
        return None
    return Divergence(*(row[f"diverged_{part}"] for part in ("epoch", "step", "place", "kind")))


def seeds_of(row: Mapping[Any, Any]) -> Seeds:
    """Return the seeds of a trial from its row."""
    return Seeds(row["seed_weights"], row["seed_shuffling"], row["seed_dropout"])


def kept_file(row: Mapping[Any, Any], name: str) -> Weights | None:
    """Return the `weights` or the `checkpoint` of a trial from its row."""
    return Weights(row[name], row[f"{name}_epoch"], row[f"{name}_sha256"]) if row[name] else None


def file_columns(name: str, kept: Weights | None) -> dict[str, Any]:
    """Return the columns of the `weights` or the `checkpoint` of a trial."""
    file, epoch, sha256 = (kept.file, kept.epoch, kept.sha256) if kept else (None, None, None)
    return {name: file, f"{name}_epoch": epoch, f"{name}_sha256": sha256}


def insert_parameters(connection: Connection, drawn: Mapping[int, Mapping[str, Scalar]]) -> None:
    """Insert the drawn values of trials, by the trials' ids."""
    rows = [
        (trial_id, name, type(value).__name__, *_number_or_text(value))
        for trial_id, values in drawn.items()
        for name, value in values.items()
    ]
    _upsert(connection, parameters, PARAMETER_COLUMNS, rows)


def _number_or_text(value: Scalar) -> tuple[float | None, str | None]:
    return (None, value) if isinstance(value, str) else (float(value) + 0.0, None)


def drawn_value(kind: str, number: float, text: str | None) -> Scalar | None:
    """Return a drawn value in its own type, so that false stays apart from 0."""
    types: dict[str, Callable[[float], Scalar]] = {"bool": bool, "int": int, "float": float}
    return types[kind](number) if kind in types else text


def upsert_epochs(connection: Connection, trial_id: int, new: Sequence[Epoch]) -> None:
    """Insert epochs of a trial, or replace those that are stored already.

    Raises:
        StoreError: when a metric without a column of its own is not finite; nothing is written then.
    """
    try:
        rows = [(trial_id, each.number, *_only_native(each), each.seconds + 0.0) for each in new]
        _upsert(connection, epochs, EPOCH_COLUMNS, rows)
    except KeyError:  # some epoch has other metrics than our four
        any_rows = [(trial_id, each.number, *_columns(each), each.seconds + 0.0, _others(each)) for each in new]
        _upsert(connection, epochs, ANY_EPOCH_COLUMNS, any_rows)


def _only_native(epoch: Epoch) -> tuple[float, float, float, float]:
    """Return the values of the four metrics with columns.

    Raises:
        KeyError: when the epoch lacks one of them, or has others.
    """
    if len(epoch.metrics) != len(NATIVE_COLUMNS):
        raise KeyError
    one, two, three, four = _native(epoch.metrics)
    return one + 0.0, two + 0.0, three + 0.0, four + 0.0


def _columns(epoch: Epoch) -> list[float | None]:
    return [epoch.metrics[name] + 0.0 if name in epoch.metrics else None for name in NATIVE_COLUMNS]


def _others(epoch: Epoch) -> str | None:
    """Return the metrics without a column as JSON; None where there are none."""
    others = {name: value + 0.0 for name, value in epoch.metrics.items() if name not in NATIVE_COLUMNS}
    try:
        return json.dumps(others, allow_nan=False) if others else None
    except ValueError:
        raise StoreError(f"epoch {epoch.number} has a metric that is not finite, which is never stored") from None


def upsert_batches(connection: Connection, trial_id: int, new: Sequence[BatchLosses]) -> None:
    """Insert losses of mini-batches of a trial, or replace those that are stored already."""
    rows = [(trial_id, each.epoch, step, loss + 0.0) for each in new for step, loss in enumerate(each.losses, start=1)]
    _upsert(connection, batches, BATCH_COLUMNS, rows)


def _upsert(connection: Connection, table: Table, names: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows, or replace those with the same primary key.

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
    else:  # its module takes as long to import as ranking a sweep
        from sqlalchemy.dialects.postgresql import insert as insertion  # type: ignore[assignment]
    statement = insertion(table)
    keys = [column.name for column in table.primary_key]
    changed = {name: statement.excluded[name] for name in names if name not in keys}
    replacing = statement.on_conflict_do_update(index_elements=keys, set_=changed)
    return str(replacing.compile(dialect=dialect, column_keys=names))


def read_epochs(connection: Connection, trial_id: int) -> tuple[Epoch, ...]:
    """Return the epochs of a trial, in order."""
    columns = [epochs.c[name] for name in ANY_EPOCH_COLUMNS[1:]]
    query = select(*columns).where(epochs.c.trial_id == trial_id).order_by(epochs.c.epoch)
    return tuple(
        Epoch(number, seconds, _metrics(figures, others))
        for number, *figures, seconds, others in connection.execute(query)
    )


def _metrics(figures: Sequence[float | None], others: dict[str, float] | None) -> dict[str, float]:
    named = zip(NATIVE_COLUMNS, figures, strict=True)
    return {name: float(value) for name, value in named if value is not None} | (others or {})
