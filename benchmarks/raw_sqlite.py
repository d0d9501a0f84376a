"""The floor of writing: what SQLite itself takes for the rows and the transactions of the store."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from benchmarks.database import KINDS, new_sweep, write_trial
from benchmarks.measurement import Tasks
from sweep.store import Store
from sweep.store.connection import BUSY_SECONDS

CLAIMED = ("attempt", "owner", "heartbeat", "started")
"""Columns that are written when a trial is claimed, besides its status."""
ENDED = (
    *("status", "heartbeat", "finished", "seconds", "best_value", "best_epoch", "tie_value", "last_epoch", "digest"),
    *("error", "traceback", "finding", "ranked_epochs", "correct", "checkpoint", "checkpoint_epoch"),
    "checkpoint_sha256",
)
"""Columns that are written when it is completed, many of them with nothing."""
CLAIM = f"UPDATE trials SET status = 'running', {', '.join(f'{name} = ?' for name in CLAIMED)} WHERE id = ?"
END = f"UPDATE trials SET {', '.join(f'{name} = ?' for name in ENDED)} WHERE id = ?"


class Rows(NamedTuple):
    """What is written of a trial."""

    claimed: tuple[Any, ...]
    ended: tuple[Any, ...]
    epochs: list[tuple[Any, ...]]
    """Without the trial's id, which comes first in the table."""


def floor_tasks() -> Tasks:
    """Return the same tasks as `stores.writer_tasks`, done by Python's driver alone, with rows that sweep has made."""
    kinds = _rows_of_sweep()
    insertion = f"INSERT INTO epochs VALUES (?{', ?' * len(kinds[0].epochs[0])})"
    opened: list[sqlite3.Connection] = []

    def open_(path: str) -> None:
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        connection.execute("PRAGMA foreign_keys = ON")
        opened[:] = [connection]

    def write(trials: range) -> None:
        execute, executemany = opened[0].execute, opened[0].executemany
        for number in trials:
            trial_id, rows = number + 1, kinds[number % KINDS]
            execute("PRAGMA synchronous = NORMAL")
            execute("BEGIN IMMEDIATE")
            execute(CLAIM, (*rows.claimed, trial_id))
            execute("COMMIT")
            execute("PRAGMA synchronous = FULL")
            execute("BEGIN IMMEDIATE")
            execute(END, (*rows.ended, trial_id))
            executemany(insertion, [(trial_id, *row) for row in rows.epochs])
            execute("COMMIT")

    return {"create": lambda path, trials: new_sweep(Path(path), trials), "open": open_, "write": write}


def _rows_of_sweep() -> list[Rows]:
    """Let sweep write a trial of each kind; return what it has written."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "written.db"
        sweep_id = new_sweep(path, KINDS)
        with closing(Store(str(path))) as store:
            for number in range(KINDS):
                write_trial(store, sweep_id, number)
        with closing(sqlite3.connect(path)) as connection:
            return [_rows(connection, number + 1) for number in range(KINDS)]


def _rows(connection: sqlite3.Connection, trial_id: int) -> Rows:
    """Return what is stored of a trial."""

    def columns(names: Sequence[str]) -> tuple[Any, ...]:
        query = f"SELECT {', '.join(names)} FROM trials WHERE id = ?"
        return tuple(connection.execute(query, [trial_id]).fetchone())

    epochs = connection.execute("SELECT * FROM epochs WHERE trial_id = ? ORDER BY epoch", [trial_id])
    return Rows(columns(CLAIMED), columns(ENDED), [row[1:] for row in epochs])
