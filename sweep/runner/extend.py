"""Going on with completed trials: more epochs, from their kept weights, as if there had been no stop."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sweep.errors import SweepError, UsageError
from sweep.experiment.sections import Configuration
from sweep.observer import Observer, Silent
from sweep.records import SweepRecord, TrialRecord
from sweep.runner.prepare import prepare_again, warn_of_changes
from sweep.runner.run import Means, engine_for, train_queued
from sweep.store import Store
from sweep.system.files import within
from sweep.training.build import dataset_key, opened, settings
from sweep.training.loop import Trainer
from sweep.trial.weights import identity, restore


def continue_trials(
    record: SweepRecord,
    numbers: Sequence[int],
    epochs: int,
    store: Store,
    *,
    data: Path | None = None,
    means: Means | None = None,
    observer: Observer | None = None,
) -> None:
    """Train completed trials of a sweep on from their kept weights until they have `epochs` epochs in all.

    The result is bit for bit that of trials that were so long from the beginning.

    Raises:
        SweepError: when a trial is not completed or as long already, or its weights are not there or not its own, and
            nothing is changed then; or when training had to stop, and all that was done is kept.
    """
    observer = observer or Silent()
    numbers = sorted(set(numbers))
    rows = [store.trial(record.id, number) for number in numbers]
    for row in rows:
        _refuse_what_cannot_go_on(f"{record.name}/{row.number}", row, epochs)
    means = means or Means()
    warn_of_changes(record, observer)
    folders = prepare_again(record, data, observer)
    for row in rows:
        kept_trainer(record, row, store, folders)
    with engine_for(means, store, observer, len(numbers)) as engine:
        store.extend(record.id, numbers, epochs)
        train_queued(record, store, folders, engine, means, observer, only=numbers)


def kept_trainer(record: SweepRecord, row: TrialRecord, store: Store, folders: dict[str, str]) -> Trainer:
    """Return the trainer of a trial as it stood at the epoch of its kept weights; `row` is from `Store.trial`.

    Raises:
        WeightsError: when the file is missing, damaged or of another trial.
        SweepError: when no weights were kept.
    """
    name = f"{record.name}/{row.number}"
    if row.weights is None:
        raise SweepError(
            f"no weights of {name} are kept; train it with training.keep_weights = 'best' or 'last' in the experiment, "
            "or --set training.keep_weights=best on the command line"
        )
    configuration = Configuration.model_validate(row.configuration)
    folder = folders[dataset_key(row.configuration["data"]["dataset"])]
    dataset = opened(folder)
    trainer = Trainer(dataset, settings(configuration, dataset, folder, row.seeds))
    file = within(store.folder, row.weights.file)
    restore(file, row.weights.epoch, trainer, identity(row.configuration, row.seeds, dataset.sha256))
    return trainer


def _refuse_what_cannot_go_on(name: str, row: TrialRecord, epochs: int) -> None:
    training = Configuration.model_validate(row.configuration).training
    if row.status != "completed":
        hint = f"finish it first with: sweep resume {name.rpartition('/')[0]}"
        if row.status in ("diverged", "failed"):
            hint = "there is nothing to go on with"
        raise SweepError(f"{name} is {row.status}, not completed; {hint}")
    if training.epochs is None:
        raise SweepError(f"{name} ends after training.iterations, perhaps within an epoch; only whole epochs can go on")
    if training.epochs >= epochs:
        raise UsageError(f"{name} has {training.epochs} epochs already; ask for more than that with --epochs")
    if training.schedule.kind == "cosine":
        raise SweepError(
            f"{name} has a cosine schedule, whose learning rates depend on the number of epochs from the first one on; "
            f"train it anew with --set epochs={epochs}"
        )
