"""Training the best configurations again with fresh seeds, the same ones for all, in a sweep of their own."""

from __future__ import annotations

from collections.abc import Sequence

from sweep.engines import RunOptions
from sweep.errors import Call, SweepError
from sweep.experiment.parents import parent_of
from sweep.records import SweepRecord
from sweep.runner.fresh import SEED, fresh_twin, is_unended, training_twins
from sweep.runner.reseed import PARENT
from sweep.runner.twins import Twin, find_twins
from sweep.store import Store
from sweep.system.processes import is_lost


def finalists_name(name: str) -> str:
    """Return the name of the sweep of the trainings of a sweep's finalists."""
    return f"{name}.finalists"


def train_finalists(
    record: SweepRecord, numbers: Sequence[int], seeds: int, store: Store, options: RunOptions
) -> SweepRecord:
    """Train the configurations of some trials with the fresh seeds 1 to `seeds`, as far as they are not trained yet.

    Returns the record of the sweep of these trainings.

    Args:
        record: the sweep of the trials.
        numbers: those of the trials, one of each configuration.
        seeds: how many each of them has in the end, at least.
        store: where both are.
        options: execution options.

    Raises:
        SweepError: when there is no such trial, the data set has changed, or training had to stop; then what was done
            is kept.
    """
    check_is_drawn(record)
    name = finalists_name(record.name)
    twins = find_twins(record, name, store)
    if twins is not None:
        store.requeue(twins.id, is_lost)
    wanted = _wanted(record, numbers, seeds, store)
    missing = _missing(wanted, twins, store)
    if twins is not None and not missing and not is_unended(twins, store):
        options.observer.note(f"all of these are trained already, in {name}")
        return twins
    again = Call("finalists", record.name, arguments=(("n", len(numbers)), ("seeds", seeds)))
    with training_twins(record, name, (PARENT, SEED), store, options, missing or len(wanted), again) as train:
        train(wanted)
    return store.sweep(name)


def check_is_drawn(record: SweepRecord) -> None:
    """Raise SweepError for a sweep whose trials were made from those of another one."""
    if (parent := parent_of(record)) is not None:
        raise SweepError(f"the trials of {record.name} were made from those of {parent}; name {parent} instead")


def _wanted(record: SweepRecord, numbers: Sequence[int], seeds: int, store: Store) -> list[Twin]:
    """Return all trainings, seed by seed, so that the configurations have equally many when they are interrupted."""
    rows = {number: store.trial(record.id, number) for number in numbers}
    return [
        fresh_twin(record, number, row.configuration, seed, {PARENT: f"{record.name}/{number}"})
        for seed in range(1, seeds + 1)
        for number, row in rows.items()
    ]


def _missing(wanted: Sequence[Twin], twins: SweepRecord | None, store: Store) -> int:
    """Return how many of the trainings are not stored yet."""
    kept = store.parameters(twins.id).values() if twins else ()
    there = {(str(each.get(PARENT)), str(each.get(SEED))) for each in kept}
    return sum((twin.labels[PARENT], twin.labels[SEED]) not in there for twin in wanted)
