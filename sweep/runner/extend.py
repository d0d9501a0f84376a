"""Extending completed trials: more epochs, from their kept weights, with the bits of a longer training."""

from __future__ import annotations

from collections.abc import Sequence

from sweep.data import data_options, options_key
from sweep.engines import RunOptions, open_engine
from sweep.errors import Argument, Call, SweepError, UsageError
from sweep.experiment.sections import Configuration
from sweep.records import SweepRecord, TrialRecord
from sweep.runner.prepare import prepare_again, warn_of_changes
from sweep.runner.train import train_queued
from sweep.store import Store
from sweep.system.files import within
from sweep.training.build import opened, settings
from sweep.training.loop import NetworkTrainer
from sweep.trial.weights import identity, restore


def extend(record: SweepRecord, numbers: Sequence[int], epochs: int, store: Store, options: RunOptions) -> None:
    """Train completed trials of a sweep from their kept weights until they have `epochs` epochs in all.

    The result is bit for bit that of trials that were so long from the beginning.

    Raises:
        SweepError: when a trial is not completed or as long already, or its weights are not there or not its own, and
            nothing is changed then; or when training had to stop, and all that was done is kept.
    """
    numbers = sorted(set(numbers))
    rows = [store.trial(record.id, number) for number in numbers]
    for row in rows:
        _check_extensible(record.name, row, epochs)
    warn_of_changes(record, options.observer)
    folders = prepare_again(record, options.data_folder, options.observer)
    for row in rows:
        kept_trainer(record, row, store, folders)
    with open_engine(options, store, len(numbers)) as engine:
        store.extend(record.id, numbers, epochs)
        train_queued(record, store, folders, engine, options, only=numbers)


def kept_trainer(record: SweepRecord, row: TrialRecord, store: Store, folders: dict[str, str]) -> NetworkTrainer:
    """Return the trainer of a trial at the epoch of its kept weights; `row` is from `Store.trial`.

    Raises:
        WeightsError: when the file is missing, damaged or of another trial.
        SweepError: when no weights were kept.
    """
    if row.weights is None:
        raise SweepError(
            f"no weights of {record.name}/{row.number} are kept; train it with training.keep_weights = 'best' or "
            "'last' in the experiment, or ",
            Argument("overrides", "training.keep_weights=best"),
        )
    configuration = Configuration.model_validate(row.configuration)
    folder = folders[options_key(data_options(row.configuration["data"]))]
    dataset = opened(folder)
    trainer = NetworkTrainer(dataset, settings(configuration, dataset, folder, row.seeds))
    file = within(store.folder, row.weights.file)
    restore(file, row.weights.epoch, trainer, identity(row.configuration, row.seeds, dataset.sha256))
    return trainer


def _check_extensible(sweep: str, row: TrialRecord, epochs: int) -> None:
    training = Configuration.model_validate(row.configuration).training
    name = f"{sweep}/{row.number}"
    if row.status in ("diverged", "failed"):
        raise SweepError(f"{name} is {row.status}, not completed; there is nothing to go on with")
    if row.status != "completed":
        raise SweepError(f"{name} is {row.status}, not completed; finish it first with: ", Call("resume", sweep))
    if training.epochs is None:
        raise SweepError(f"{name} ends after training.iterations, perhaps within an epoch; only whole epochs can go on")
    if training.epochs >= epochs:
        raise UsageError(
            f"{name} has {training.epochs} epochs already; ask for more than that with ", Argument("epochs")
        )
    if training.schedule.kind == "cosine":
        raise SweepError(
            f"{name} has a cosine schedule, whose learning rates depend on the number of epochs from the first one on; "
            "train it anew with ",
            Argument("overrides", f"epochs={epochs}"),
        )
