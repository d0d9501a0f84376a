"""Resuming a sweep that was interrupted."""

from __future__ import annotations

from sweep.engines import RunOptions, open_engine
from sweep.records import SweepRecord
from sweep.runner.prepare import prepare_again, warn_of_changes
from sweep.runner.train import resumable, train_queued
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
        queued = store.queued(record.id)
        if not queued:
            options.observer.note(f"nothing is left to train in {record.name}")
            return record
        warn_of_changes(record, options.observer)
        folders = prepare_again(record, options.data_folder, options.observer)
        with open_engine(options, store, len(queued)) as engine:
            train_queued(record, store, folders, engine, options)
    return record
