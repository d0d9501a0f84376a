"""Databases of sweeps: small ones written as workers write them, large ones multiplied from these."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path

from sweep.experiment.file import load
from sweep.records import Epoch, SweepRecord
from sweep.store import Store
from sweep.system.environment import environment
from sweep.system.processes import owner
from sweep.trial.recorder import Recorder

EXPERIMENT = "mnist-widths"
EPOCHS = 50
ROWS = EPOCHS + 1
"""Of each trial: the untrained network is one."""
KINDS = 10
"""So many trials have figures of their own."""


def new_sweep(path: Path | str, trials: int, epochs: int = EPOCHS) -> int:
    """Make a database with a sweep of so many trials, queued; return the sweep's id."""
    experiment = load(EXPERIMENT, [f"trials={trials}", f"training.epochs={epochs}"])
    record = SweepRecord(
        name=experiment.name,
        description=experiment.header.description,
        seed=experiment.header.seed,
        epochs=epochs,
        experiment=experiment.text,
        overrides=list(experiment.overrides),
        fingerprint=experiment.fingerprint,
        datasets=[],
        data_folder=None,
        experiment_folder=None,
        environment=environment(),
    )
    store = Store(str(path), create=True)
    sweep_id = store.add_sweep(record, experiment.trials())
    store.close()
    return sweep_id


def write_trial(store: Store, sweep_id: int, number: int, every: int | None = None, epochs: int = EPOCHS) -> None:
    """Claim a trial, record all its epochs and finish it, through what a worker writes with.

    With `every`, a write is forced after so many epochs; without, they come as a worker's do, about once a second.
    """
    claim = store.claim(sweep_id, number, owner())
    if claim is None:
        raise RuntimeError(f"trial {number} was not queued")
    recorder = Recorder(store, claim)
    with recorder.sending_heartbeats():
        for epoch in _epochs(number % KINDS)[: epochs + 1]:
            recorder.add(epoch)
            if every is None:
                if recorder.is_flush_due():
                    recorder.flush()
            elif epoch.number % every == 0:
                recorder.flush()
        recorder.finish("completed")


@cache
def _epochs(kind: int) -> list[Epoch]:
    """Return what a trial might have reached; made once, so that nothing is computed while writes are timed."""
    rng, epochs = random.Random(kind), []
    for epoch in range(ROWS):
        loss = 2.3 / (1 + epoch) + rng.random()
        accuracies = {f"{part}_accuracy": 0.9 + rng.random() / 10 for part in ("train", "test")}
        epochs.append(Epoch(epoch, rng.random(), {"train_loss": loss, "test_loss": loss + 0.1, **accuracies}))
    return epochs


def finished_sweep(path: Path, trials: int, real: int = 100, epochs: int = EPOCHS) -> None:
    """Make a database with a sweep of so many finished trials, a multiple of `real` if there are more than that."""
    written = min(trials, real)
    sweep_id = new_sweep(path, written, epochs)
    store = Store(str(path))
    for number in range(written):
        write_trial(store, sweep_id, number, epochs=epochs)
    store.close()
    if trials > written:
        _multiply(path, written, trials // written)


def _multiply(path: Path, trials: int, factor: int) -> None:
    """Copy the trials of a sweep until there are `factor` times as many, by SQL.

    The copies differ in their best values; their digests are those of the originals, at which reading does not look.
    """
    changed = {
        "trials": {"id": "id + :shift", "number": "number + :shift", "best_value": "best_value - :copy * 1e-7"},
        "parameters": {"trial_id": "trial_id + :shift"},
        "epochs": {"trial_id": "trial_id + :shift"},
    }
    with closing(sqlite3.connect(path)) as connection, connection:
        copies = [{"copy": copy, "shift": copy * trials} for copy in range(1, factor)]
        for table, expressions in changed.items():
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            values = ", ".join(expressions.get(column, column) for column in columns)
            connection.execute(f"CREATE TEMP TABLE some AS SELECT * FROM {table}")
            connection.executemany(f"INSERT INTO {table} SELECT {values} FROM some ORDER BY 1, 2", copies)
            connection.execute("DROP TABLE some")
        connection.execute("UPDATE sweeps SET trials = trials * ?", [factor])
