"""Resuming a sweep that was interrupted."""

from __future__ import annotations

import sys

from sweep.engines import RunOptions, open_engine
from sweep.errors import Call, SweepError, counted
from sweep.experiment.file import experiment_of
from sweep.experiment.imported import refuse_imported
from sweep.experiment.parents import parent_of
from sweep.records import SweepRecord
from sweep.runner.draws import Datasets
from sweep.runner.growth import Growth
from sweep.runner.prepare import prepare_again, warn_of_changes
from sweep.runner.rescue import conclude, untried
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
    record = _record(name, store)
    refuse_imported(record)
    with resumable(record.name, store):
        store.requeue(record.id, is_lost)
        if retry_failed:
            store.retry(record.id)
        left = _left(record, store, options)
        if not left:
            options.observer.note(f"nothing is left to train in {record.name}")
            _tell_untried(record, store, options)
            return record
        warn_of_changes(record, options.observer)
        folders = prepare_again(record, options.data_folder, options.observer)
        growth = Growth(experiment_of(record), record, store, Datasets.stored(record, folders, options), options)
        with open_engine(options, store, left) as engine:
            train_queued(record, store, folders, engine, options, growth=growth)
            if parent_of(record) is not None:
                conclude(record, store, folders, engine, options)
    _tell_untried(record, store, options)
    return store.sweep(record.name)


def _record(name: str | None, store: Store) -> SweepRecord:
    """Return the record of the sweep; of twins that are not there yet say how they are trained."""
    parent = (name or "").removesuffix(".rescue")
    if name not in (None, parent) and parent in (names := store.names()) and name not in names:
        raise SweepError(f"no twins of trials of {parent} are trained; do so with: ", Call("rescue", parent))
    return store.sweep(name)


def _tell_untried(record: SweepRecord, store: Store, options: RunOptions) -> None:
    """Tell that there are casualties without twins, which a sweep of twins cannot add by itself."""
    parent, count = untried(record, store)
    if count:
        more = "" if record.name == f"{parent}.rescue" else f" --twins {record.name}"
        have = "that diverged has" if count == 1 else "that diverged have"
        options.observer.note(
            f"note: {counted(count, 'trial')} of {parent} {have} no twins yet; add them with: sweep rescue {parent} "
            f"--all{more}"
        )


def _left(record: SweepRecord, store: Store, options: RunOptions) -> int:
    """Return how many trials are still to be trained, those that have paused and those not drawn yet included."""
    counts = store.progress(record.id).counts
    undrawn = max(0, (record.planned_trials or 0) - record.trials)
    if options.has_budget and record.planned_trials is None and experiment_of(record).is_endless:
        undrawn = sys.maxsize
    return counts.get("queued", 0) + counts.get("paused", 0) + undrawn
