"""Training configurations again with other seeds, in a sweep of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sweep.engines import RunOptions, open_engine
from sweep.errors import SweepError
from sweep.experiment.imported import refuse_imported
from sweep.experiment.parents import parent_of
from sweep.records import SweepRecord
from sweep.runner.prepare import prepare_again, warn_of_changes
from sweep.runner.rungs import UNENDED
from sweep.runner.train import resumable, train_queued
from sweep.runner.twins import Twin, add_twins, find_twins, further_seeds
from sweep.store import Store
from sweep.system.processes import is_lost

PARENT, SEED = "parent", "seed"
"""What is kept with each training: the trial that has the same configuration, and which other seed it has, from 1."""


def reseed(
    record: SweepRecord, numbers: Sequence[int], seeds: int, name: str, store: Store, options: RunOptions
) -> SweepRecord:
    """Train the configurations of some trials with `seeds` other seeds each, as far as they are not trained yet.

    The seeds are those that further repeats of the configurations would have. Returns the record of the sweep of these
    trainings.

    Args:
        record: the sweep of the trials.
        numbers: those of the trials.
        seeds: how many each of them has in the end, at least.
        name: that of the sweep of the trainings, which is made if there is none.
        store: where both are.
        options: execution options.

    Raises:
        SweepError: when there is no such trial, the data set has changed, or training had to stop; then what was done
            is kept.
    """
    refuse_imported(record)
    if (parent := parent_of(record)) is not None:
        raise SweepError(f"the trials of {record.name} were made from those of {parent}; train those again instead")
    twins = find_twins(record, name, store)
    if twins is not None:
        store.requeue(twins.id, is_lost)
    new = _missing(record, numbers, seeds, twins, store)
    if twins is not None and not new and not _is_unended(twins, store):
        options.observer.note(f"all of these are trained already, in {name}")
        return twins
    with resumable(name, store):
        warn_of_changes(record, options.observer)
        folders = prepare_again(record, options.data_folder, options.observer)
        if new:
            twins = add_twins(record, name, new, store, folders, once=(PARENT, SEED))
        assert twins is not None
        with open_engine(options, store, len(new) or twins.trials) as engine:
            train_queued(twins, store, folders, engine, options)
    return store.sweep(name)


def _is_unended(record: SweepRecord, store: Store) -> bool:
    return any(each.status in UNENDED for each in store.competitors(record.id))


def _missing(
    record: SweepRecord, numbers: Sequence[int], seeds: int, twins: SweepRecord | None, store: Store
) -> list[Twin]:
    """Return the trainings that are not stored yet."""
    kept = store.parameters(twins.id).values() if twins else ()
    has = Counter(str(each.get(PARENT)) for each in kept)
    found = []
    for number in dict.fromkeys(numbers):
        row, parent = store.trial(record.id, number), f"{record.name}/{number}"
        for seed in range(has[parent], seeds):
            labels = {PARENT: parent, SEED: str(seed + 1)}
            found.append(Twin(number, row.configuration, further_seeds(record, number, seed), labels))
    return found
