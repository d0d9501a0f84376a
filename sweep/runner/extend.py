"""Extending completed trials by more epochs, with the bits of a longer training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sweep.engines import RunOptions, open_engine
from sweep.errors import Argument, Call, SweepError, UsageError, counted
from sweep.experiment.imported import refuse_imported
from sweep.experiment.sections.base import kind_table
from sweep.nn.bounds import LARGEST
from sweep.records import LOST, SweepRecord, TrialRecord
from sweep.runner.prepare import prepare_again, warn_of_changes
from sweep.runner.train import resumable, train_queued
from sweep.store import Store
from sweep.training.build import build, dataset_of
from sweep.training.trainer import Setup, Trainer
from sweep.trial.origins import fork_of
from sweep.trial.weights import provenance, restore


def extend(record: SweepRecord, numbers: Sequence[int], epochs: int | None, store: Store, options: RunOptions) -> None:
    """Train completed trials, and those that a rule has stopped, on until they have `epochs` epochs.

    A completed trial goes on from its kept weights. The result is bit for bit that of trials that were so long from the
    beginning. No stopping rule ends them any more.

    Args:
        epochs: None for those that are planned, of trials that were stopped early.

    Raises:
        SweepError: when a trial is neither completed nor stopped early or as long already, its weights are not there or
            not its own, or the trial that it forks from is not there, and nothing is changed then; or when training had
            to stop, and all that was done is kept.
    """
    if epochs is not None and epochs > LARGEST:
        raise UsageError(Argument("epochs"), f" must be at most {LARGEST}, not {epochs}")
    refuse_imported(record)
    numbers = sorted(set(numbers))
    rows = [store.trial(record.id, number) for number in numbers]
    for row in rows:
        _check_extensible(record.name, row, epochs)
    with resumable(record.name, store):
        warn_of_changes(record, options.observer)
        folders = prepare_again(record, options.data_folder, options.observer)
        for row in rows:
            fork_of(row.forked_from, row.seeds, store, folders)  # whose parent its trainer is made of, too
            if row.status != "pruned":  # which goes on from its checkpoint, or begins again
                kept_trainer(record, row, store, folders)
        with open_engine(options, store, len(numbers)) as engine:
            store.extend(record.id, numbers, epochs)
            train_queued(record, store, folders, engine, options, only=numbers)


def kept_trainer(record: SweepRecord, row: TrialRecord, store: Store, folders: Mapping[str, str]) -> Trainer:
    """Return the trainer of a trial at the epoch of its kept weights.

    Raises:
        WeightsError: when the file is missing, damaged or of another trial.
        SweepError: when no weights were kept.
    """
    if row.weights is None:
        raise _nothing_kept(f"{record.name}/{row.number}", row)
    setup = Setup.stored(record, row, folders, store.files)
    trainer, dataset = build(setup), dataset_of(setup)
    belongs_to = provenance(row.configuration, row.seeds, dataset.sha256 if dataset else None)
    restore(store.folder, row.weights, trainer, belongs_to)
    return trainer


def _nothing_kept(name: str, row: TrialRecord) -> SweepError:
    trainer = row.configuration.get("trainer")
    if row.status not in ("completed", "diverged", "pruned"):
        return SweepError(f"no weights of {name} are kept, since it is {row.status}")
    if trainer:
        if trainer.get("kind") == "command":
            return SweepError(f"{name} was trained by a command, whose state sweep does not keep")
        return SweepError(f"no state of {name} is kept; save it in the training function with trial.save(...)")
    if row.forked_from and row.best_epoch is not None:
        return SweepError(
            f"no weights of {name} are kept, since its best epoch, {row.best_epoch}, is before it forks from "
            f"{row.forked_from.rpartition('@')[0]}; take those of that trial"
        )
    if row.error:
        return SweepError(f"no weights of {name} are kept ({row.error})")
    return SweepError(
        f"no weights of {name} are kept; train it with training.keep_weights = 'best' or 'last' in the experiment, or ",
        Argument("overrides", "training.keep_weights=best"),
    )


def _check_extensible(sweep: str, row: TrialRecord, epochs: int | None) -> None:
    name = f"{sweep}/{row.number}"
    if row.status in LOST:
        raise SweepError(f"{name} is {row.status}, not completed; there is nothing to go on with")
    if row.status == "pruned" and epochs in (None, row.planned_epochs):
        return
    if epochs is None:
        example = Argument("epochs", "100")
        raise UsageError(f"{name} is {row.status}; say how many epochs it shall have in all, such as ", example)
    if row.status not in ("completed", "pruned"):
        raise SweepError(f"{name} is {row.status}, not completed; finish it first with: ", Call("resume", sweep))
    training = row.configuration.get("training", {})
    if training.get("iterations") is not None:
        raise SweepError(f"{name} ends after training.iterations, perhaps within an epoch; only whole epochs can go on")
    if row.planned_epochs >= epochs:
        has = f"{name} has {counted(row.planned_epochs, 'epoch')} already"
        raise UsageError(f"{has}; ask for more than that with ", Argument("epochs"))
    schedule = kind_table(training.get("schedule", "constant"))
    if "cosine" in (schedule["kind"], kind_table(schedule.get("then", "constant"))["kind"]):
        raise SweepError(
            f"{name} has a cosine schedule, whose learning rates depend on the number of epochs from the first one on; "
            "train it anew with ",
            Argument("overrides", f"epochs={epochs}"),
        )
