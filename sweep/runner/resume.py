"""Resuming a sweep that was interrupted."""

from __future__ import annotations

import sys

from sweep.engines import RunOptions, open_engine
from sweep.experiment.file import experiment_of
from sweep.records import SweepRecord
from sweep.runner.draws import Datasets
from sweep.runner.growth import Growth
from sweep.runner.prepare import prepare_again, warn_of_changes
from sweep.runner.rescue import conclude
from sweep.runner.train import resumable, train_queued
from sweep.runner.twins import parent_of
from sweep.store import Store
from sweep.system.processes import is_lost


def resume(name: str | None, store: Store, options: RunOptions, *, retry_failed: bool = False) -> SweepRecord:
    """Train the queued and interrupted trials, and those that have lost their worker.

    Returns the sweep's record.

    Args:
        name: the sweep; None for the newest.
        retry_failed: whether to train failed trials again, too.

    Raises:
        SweepError: when there is no such sweep, its data set has changed, or it had to stop again.
    """
    record = store.sweep(name)
    with resumable(record.name, store):
        store.requeue(record.id, is_lost)
        if retry_failed:
            store.retry(record.id)
        left = _left(record, store, options)
        if not left:
            options.observer.note(f"nothing is left to train in {record.name}")
            return record
        warn_of_changes(record, options.observer)
        folders = prepare_again(record, options.data_folder, options.observer)
        growth = Growth(experiment_of(record), record, store, Datasets.stored(record, folders, options), options)
        with open_engine(options, store, left) as engine:
            train_queued(record, store, folders, engine, options, growth=growth)
            if parent_of(record) is not None:
                conclude(record, store, folders, engine, options)
    return store.sweep(record.name)


def _left(record: SweepRecord, store: Store, options: RunOptions) -> int:
    """Return how many trials are still to be trained, those that have paused and those not drawn yet included."""
    counts = store.progress(record.id).counts
    undrawn = max(0, (record.planned_trials or 0) - record.trials)
    if options.has_budget and record.planned_trials is None and experiment_of(record).is_endless:
        undrawn = sys.maxsize
    return counts.get("queued", 0) + counts.get("paused", 0) + undrawn
