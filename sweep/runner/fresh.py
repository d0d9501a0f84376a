"""Training twins with fresh seeds for everything at once, the same ones for all configurations that are compared.

Seed number j of a sweep stands for the initial weights, the order of the samples, dropout, and the split of the data.
As all configurations have the same seeds, what a split makes easier or harder for all of them cancels in differences
(common random numbers).
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sweep.data import KINDS, data_entry, data_options, options_key
from sweep.engines import RunOptions, open_engine
from sweep.errors import Call
from sweep.experiment.sections.base import kind_table
from sweep.metrics import Objective, metric
from sweep.records import SweepRecord
from sweep.runner.prepare import data_sha256, prepare_again, prepare_datasets, warn_of_changes
from sweep.runner.rungs import UNENDED
from sweep.runner.train import SweepInterrupted, TooManyFailures, resumable, train_queued
from sweep.runner.twins import Twin, add_twins, find_twins
from sweep.space.samplers.base import common_seeds, common_split
from sweep.store import Store
from sweep.system.processes import is_lost
from sweep.system.signals import Signalled

SEED = "seed"
"""The label of the number of the fresh seed of a training, from 1."""

Configuration = Mapping[str, Any]
Train = Callable[[Sequence[Twin]], SweepRecord | None]
"""Trains those of some twins that are not trained yet; returns the record of their sweep, None where a budget ended."""


def fresh_twin(
    record: SweepRecord, number: int, configuration: Configuration, seed: int, labels: Mapping[str, str], **more: Any
) -> Twin:
    """Return the twin of a trial with a configuration and the fresh seed of a number from 1 on."""
    split = common_split(record.seed, seed)
    own = with_split(configuration, record.objective, split)
    return Twin(number, own, common_seeds(record.seed, seed), {**labels, SEED: str(seed)}, **more)


def with_split(configuration: Configuration, objective: Objective, seed: int) -> dict[str, Any]:
    """Return a configuration with another split of its data.

    A validation part is drawn anew. Where there is none and trials are ranked by the test part, that is, of a table of
    which it is drawn at random; a test part that comes with its data set stays.
    """
    data = configuration.get("data")
    if data is None or not redraws(configuration, objective):
        return dict(configuration)
    if data.get("validation"):
        return {**configuration, "data": {**data, "split_seed": seed}}
    dataset = {**kind_table(data["dataset"]), "split_seed": seed}
    return {**configuration, "data": {**data, "dataset": dataset}}


def redraws(configuration: Configuration, objective: Objective) -> bool:
    """Tell whether a fresh seed draws another split of the data of a configuration."""
    data = configuration.get("data")
    if data is None:
        return False
    return bool(data.get("validation")) or (metric(objective.metric).part == "test" and _has_drawn_test_part(data))


def _has_drawn_test_part(data: Mapping[str, Any]) -> bool:
    kind = kind_table(data["dataset"])["kind"]
    return "split_seed" in inspect.signature(KINDS[kind].locate).parameters


@contextmanager
def training_twins(
    record: SweepRecord, name: str, once: Sequence[str], store: Store, options: RunOptions, most: int, again: Call
) -> Iterator[Train]:
    """Yield a function that trains twins of trials of a sweep, as far as they are not trained yet.

    Args:
        record: the sweep of the trials.
        name: that of the twins' sweep.
        once: the labels by which twins are the same.
        store: where both are.
        options: execution options.
        most: how many trainings there may be.
        again: the call that goes on after a signal.

    Raises:
        SweepError: when a data set has changed, or training had to stop; then what was done is kept.
    """
    end = None if options.duration is None else time.monotonic() + options.duration
    with _repeatable(name, again), resumable(name, store):
        warn_of_changes(record, options.observer)
        folders = prepare_again(find_twins(record, name, store) or record, options.data_folder, options.observer)
        with open_engine(options, store, most) as engine:

            def train(wanted: Sequence[Twin]) -> SweepRecord | None:
                datasets = _prepare(record, wanted, folders, options)
                twins = add_twins(record, name, wanted, store, folders, once=once, datasets=datasets)
                store.requeue(twins.id, is_lost)
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0:
                    return None
                train_queued(twins, store, folders, engine, replace(options, duration=left))
                return None if is_unended(twins, store) else store.sweep(name)

            yield train


def _prepare(
    record: SweepRecord, twins: Sequence[Twin], folders: dict[str, str], options: RunOptions
) -> list[dict[str, Any]]:
    """Bring the data sets of twins into the cache; return what is kept of each."""
    data = options.data_folder or (Path(record.data_folder) if record.data_folder else None)
    base = Path(record.experiment_folder) if record.experiment_folder else None
    entries: dict[str, dict[str, Any]] = {}
    for twin in twins:
        if (section := twin.configuration.get("data")) is not None:
            entries.setdefault(options_key(data_options(section)), data_entry(section))
    known = {options_key(data_options(entry)) for entry in record.datasets}
    new = {key: entry for key, entry in entries.items() if key not in known}
    for key, entry in new.items():
        if key not in folders:  # that no task is stated means one of classes, as in all stored sweeps
            folders |= prepare_datasets([entry], data, base, options.observer, task="classification")
    return [{**entry, "sha256": data_sha256(folders[key])} for key, entry in new.items()]


def is_unended(record: SweepRecord, store: Store) -> bool:
    """Tell whether a trial of a sweep has not ended yet."""
    return any(each.status in UNENDED for each in store.competitors(record.id))


@contextmanager
def _repeatable(name: str, call: Call) -> Iterator[None]:
    """Say that the same call goes on with what was stopped; resuming the twins would add none of the others.

    Raises:
        SweepError: with the sentence in which that is said.
    """
    try:
        yield
    except Signalled as signalled:
        raise SweepInterrupted(name, signalled.exit_code, call) from None
    except (SweepInterrupted, TooManyFailures) as error:
        error.args = tuple(call if part == Call("resume", name) else part for part in error.args)
        raise
