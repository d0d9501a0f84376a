"""The digests of schema 3, for revisions: theirs must not change when `sweep.store.digests` does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, Connection, DateTime, TableClause, column, select, table
from sqlalchemy.types import TypeEngine

TYPES: dict[str, TypeEngine[Any]] = {
    **dict.fromkeys(["created", "heartbeat", "started", "finished"], DateTime(timezone=True)),
    **dict.fromkeys(["overrides", "datasets", "environment", "configuration", "metrics"], JSON()),
}
"""Types of the columns whose values a driver gives as text."""


def _table(name: str, columns: str) -> TableClause:
    return table(name, *(column(each, TYPES.get(each)) for each in columns.split()))


SWEEPS = _table(
    "sweeps",
    "id name description created trials epochs seed experiment overrides fingerprint datasets data_folder "
    "experiment_folder environment",
)
TRIALS = _table(
    "trials",
    "id sweep_id number status attempt deaths owner heartbeat started finished seconds error traceback diverged_epoch "
    "diverged_step diverged_place diverged_kind seed_weights seed_shuffling seed_dropout configuration best_value "
    "best_epoch best_loss last_epoch drawn_digest weights weights_epoch checkpoint checkpoint_epoch",
)
PARAMETERS = _table("parameters", "trial_id name type number text")
EPOCHS = _table("epochs", "trial_id epoch train_loss train_accuracy test_loss test_accuracy seconds metrics")
BATCHES = _table("batches", "trial_id epoch step loss")

DRAWN = ("sweep_id", "number", "seed_weights", "seed_shuffling", "seed_dropout", "configuration")


def sweep_digest(connection: Connection, sweep_id: int) -> str:
    """Return the SHA-256 over the row of a sweep."""
    return _sha256([connection.execute(select(SWEEPS).where(SWEEPS.c.id == sweep_id)).one()])


def drawn_digest(connection: Connection, trial_id: int) -> str:
    """Return the SHA-256 over what was drawn for a trial, parameters included."""
    drawn = select(*(TRIALS.c[name] for name in DRAWN)).where(TRIALS.c.id == trial_id)
    return _sha256([connection.execute(drawn).one(), *_details(connection, PARAMETERS, trial_id, "name")])


def trial_digest(connection: Connection, trial_id: int) -> str:
    """Return the SHA-256 over all that is kept of a trial."""
    lines: list[Iterable[Any]] = [connection.execute(select(TRIALS).where(TRIALS.c.id == trial_id)).one()]
    for details, *key in ((PARAMETERS, "name"), (EPOCHS, "epoch"), (BATCHES, "epoch", "step")):
        lines += [[details.name], *_details(connection, details, trial_id, *key)]
    return _sha256(lines)


def _details(connection: Connection, details: TableClause, trial_id: int, *key: str) -> list[Any]:
    """Return the rows of a trial, sorted here, since databases order text in ways of their own."""
    rows = connection.execute(select(details).where(details.c.trial_id == trial_id))
    return sorted(rows, key=lambda row: tuple(row._mapping[name] for name in key))


def _sha256(rows: Iterable[Iterable[Any]]) -> str:
    result = hashlib.sha256()
    for row in rows:
        result.update(json.dumps([_plain(value) for value in row], sort_keys=True).encode())
        result.update(b"\n")
    return result.hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        value = value if value.tzinfo else value.replace(tzinfo=UTC)
        return value.astimezone(UTC).isoformat()
    return value
