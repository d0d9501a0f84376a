"""The trace of a training: its arrays at every step up to the divergence, from training again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pandas as pd

from sweep.checks.again import stored_trainer
from sweep.checks.trace_result import BEFORE, OTHERWISE, Range, Trace, step_of
from sweep.errors import Argument, SweepError, UsageError
from sweep.experiment.experiment import Experiment
from sweep.experiment.imported import refuse_imported
from sweep.observer import Observer, Silent
from sweep.records import Divergence, SweepRecord, TrialRecord, Weights
from sweep.runner.prepare import plan, prepare_again, prepare_datasets
from sweep.store import Store
from sweep.system.environment import one_blas_thread
from sweep.training import tracing
from sweep.training.build import build, dataset_of
from sweep.training.checkpoint import Snapshot
from sweep.training.dead_units import dead_shares
from sweep.training.divergence import Diverged
from sweep.training.forks import ForkedTrainer, after_fork
from sweep.training.loop import NetworkTrainer
from sweep.training.products import chosen
from sweep.training.sharpness import sharpness_of
from sweep.training.trainer import Setup, Trainer
from sweep.trial.weights import provenance, restore

Tell = Callable[[int, int], None]
"""Called with (epochs done, all epochs)."""


def trace(
    record: SweepRecord,
    number: int,
    store: Store,
    wanted: Range,
    *,
    data: Path | None = None,
    keep_arrays: bool = False,
    with_sharpness: bool = False,
    observer: Observer | None = None,
    progress: Tell = lambda done, total: None,
) -> Trace:
    """Train a stored trial again in this process and record its steps; nothing is written to the database.

    It goes on from the kept weights of an epoch before them where there are any, else from the start.

    Args:
        wanted: the steps; by default the 50 before the divergence, or the first 100.
        data: folder of the data set's files; by default where the sweep found them.
        keep_arrays: whether the arrays of the last finite step are kept; see `Recording.arrays`.
        with_sharpness: whether the sharpness is computed, too; then it is trained from the start.
        observer: told what is prepared, and of weights that cannot be used.
        progress: called with (epochs done, all epochs).

    Raises:
        SweepError: when there is no such trial, it has a trainer of the user's own, it diverged before its first step,
            or its data set is missing or another one.
        UsageError: when the range begins after the end of the training.
    """
    refuse_imported(record)
    name, row, observer = f"{record.name}/{number}", store.trial(record.id, number), observer or Silent()
    if "network" not in row.configuration:
        raise SweepError(_of_own_trainer(name, row, record, store))
    if row.divergence and row.divergence.epoch == 0:
        raise SweepError(_before_first(name, row.divergence))
    if row.status not in ("completed", "diverged"):
        observer.note(f"note: {name} is {row.status}, so it is not known where it diverges, if it does")
    folders = prepare_again(record, data, observer)
    with one_blas_thread():
        stored = stored_trainer(record, row, store, folders)
        trainer = _network_trainer(stored)
        diverged = step_of(row.divergence, tracing.steps_in_epoch(trainer)) if row.divergence else None
        first, last = _bounds(wanted, diverged, tracing.steps_in_all(trainer), with_sharpness)
        before = (first - 1) // tracing.steps_in_epoch(trainer)
        if isinstance(stored, ForkedTrainer):
            own = stored.epoch * tracing.steps_in_epoch(trainer) + 1
            if wanted.start is not None and first < own:
                raise _before_fork(name, row, own)
            first, before = max(first, own), max(before, stored.epoch)
        sharpness = SharpnessOfEpochs() if with_sharpness else None
        _go_on(stored, record, row, store, folders, 0 if sharpness else before, observer)
        _train_to(trainer, before, progress, sharpness)
        found = _recorded(name, trainer, first, last, keep_arrays, row.divergence, sharpness)
        return replace(found, finding=row.finding)


def trace_configuration(
    experiment: Experiment,
    number: int,
    wanted: Range,
    *,
    data: Path | None = None,
    keep_arrays: bool = False,
    with_sharpness: bool = False,
    observer: Observer | None = None,
    progress: Tell = lambda done, total: None,
) -> Trace:
    """Train a trial of an experiment that need not be stored, and record its steps; nothing is written.

    Without a first step it is trained to its end before, to know whether and where it diverges.

    Args:
        number: which of the experiment's draws.
        wanted, data, keep_arrays, with_sharpness, observer, progress: as of `trace`.

    Raises:
        SweepError: as of `trace`.
        UsageError: when there is no such draw, or the range begins after the end of the training.
    """
    setup = _setup(experiment, number, data, observer or Silent())
    name = f"{experiment.name}/{number}"
    with one_blas_thread():
        trainer = _network_trainer(build(setup))
        length, total = tracing.steps_in_epoch(trainer), tracing.steps_in_all(trainer)
        if wanted.start is not None:
            (first, last), divergence = _bounds(wanted, None, total, with_sharpness), None
        else:
            divergence, snapshots = _trained(name, trainer, wanted, progress)
            diverged = step_of(divergence, length) if divergence else None
            first, last = _bounds(wanted, diverged, total, with_sharpness)
            before = 0 if with_sharpness else (first - 1) // length
            trainer.restore(next(each for each in snapshots if each.epoch == before))
        sharpness = SharpnessOfEpochs() if with_sharpness else None
        _train_to(trainer, (first - 1) // length, progress, sharpness)
        return _recorded(name, trainer, first, last, keep_arrays, divergence, sharpness)


def _bounds(wanted: Range, diverged: int | None, total: int, with_sharpness: bool) -> tuple[int, int]:
    """Return the first and the last step to record: with the sharpness of all epochs, by default the last steps."""
    if with_sharpness and diverged is None and wanted == Range():
        return max(1, total - OTHERWISE + 1), total
    return wanted.bounds(diverged, total)


def _setup(experiment: Experiment, number: int, data: Path | None, observer: Observer) -> Setup:
    """Return what the trainer of one of an experiment's draws is made of."""
    if not experiment.is_native:
        raise UsageError(f"{experiment.name} has a trainer of its own, whose arrays sweep cannot see")
    if number < 0:
        raise UsageError(f"the number of a trial is at least 0, not {number}")
    trial = next(islice(experiment.draws(), number, None), None)
    if trial is None:
        raise UsageError(f"{experiment.name} draws no trial {number}; the first one is 0")
    folders = prepare_datasets([trial.configuration["data"]], data, experiment.folder, observer)
    (trial,) = plan([trial], folders, observer)
    return Setup(
        number=number,
        configuration=trial.configuration,
        seeds=trial.seeds,
        planned_epochs=trial.planned_epochs,
        objective=experiment.objective,
        datasets=folders,
        experiment_folder=experiment.folder,
        files=Path(),
        sweep=experiment.name,
        products=chosen(),
    )


def _trained(
    name: str, trainer: NetworkTrainer, wanted: Range, progress: Tell
) -> tuple[Divergence | None, list[Snapshot]]:
    """Train to the end; return where it diverged, and snapshots of the start and of the last epochs that may be asked.

    Raises:
        SweepError: when it diverged before its first step.
    """
    start = trainer.snapshot()
    epochs = -(-(wanted.steps or BEFORE) // tracing.steps_in_epoch(trainer)) + 1
    latest: deque[Snapshot] = deque(maxlen=epochs)
    try:
        for epoch in trainer.epochs():
            latest.append(trainer.snapshot())
            progress(epoch.number, trainer.planned_epochs)
    except Diverged as error:
        if error.divergence.epoch == 0:
            raise SweepError(_before_first(name, error.divergence)) from None
        return error.divergence, [start, *latest]
    return None, [start]


class SharpnessOfEpochs:
    """Keeps the sharpness of each epoch that it is called after."""

    def __init__(self) -> None:
        self._rows: list[dict[str, float]] = []

    def __call__(self, trainer: NetworkTrainer) -> None:
        """Compute that of a trainer at the end of an epoch, or before the first one."""
        found = sharpness_of(trainer)
        self._rows.append({"epoch": trainer.state.epoch, **(found.metrics if found else {})})

    def frame(self) -> pd.DataFrame:
        """Return it; see `Trace.sharpness`."""
        return pd.DataFrame(self._rows, columns=["epoch", "sharpness", "instability"])


def _recorded(
    name: str,
    trainer: NetworkTrainer,
    first: int,
    last: int,
    keep_arrays: bool,
    stored: Divergence | None,
    sharpness: SharpnessOfEpochs | None,
) -> Trace:
    recording = tracing.record(trainer, first, last, keep_arrays=keep_arrays, after_epoch=sharpness or _ignore)
    if recording.divergence and recording.frame.empty:
        raise _too_late(recording.divergence, tracing.steps_in_epoch(trainer))
    layers = tuple(tracing.weighted_layers(trainer))
    found = sharpness.frame() if sharpness else None
    return Trace(name, recording, layers, dead_shares(trainer), stored, tracing.steps_in_epoch(trainer), found)


def _ignore(trainer: NetworkTrainer) -> None:
    """Do nothing after an epoch."""


def _network_trainer(trainer: Trainer) -> NetworkTrainer:
    own = after_fork(trainer)
    assert isinstance(own, NetworkTrainer)
    return own


def _train_to(
    trainer: NetworkTrainer, epoch: int, progress: Tell, after_epoch: Callable[[NetworkTrainer], None] | None
) -> None:
    """Train without instruments to the end of an epoch; call `after_epoch` before the first and after each one.

    Raises:
        SweepError: when it diverges before.
    """
    look = after_epoch or _ignore
    look(trainer)
    if trainer.state.epoch >= epoch:
        return
    try:
        for done in trainer.epochs():
            progress(done.number, epoch)
            if done.number > 0:
                look(trainer)
            if done.number == epoch:
                return
    except Diverged as error:
        raise _too_late(error.divergence, tracing.steps_in_epoch(trainer)) from None


def _too_late(divergence: Divergence, steps_in_epoch: int) -> SweepError:
    step = step_of(divergence, steps_in_epoch)
    return SweepError(
        f"the training diverges before these steps, in step {step} (epoch {divergence.epoch}); give an earlier ",
        Argument("from_step"),
        ", or none",
    )


def _go_on(
    trainer: Trainer,
    record: SweepRecord,
    row: TrialRecord,
    store: Store,
    folders: dict[str, str],
    before: int,
    observer: Observer,
) -> None:
    """Set a trainer to the latest kept state of its trial up to the end of epoch `before`; else to its fork, if any."""
    dataset = dataset_of(Setup.stored(record, row, folders, store.files))
    belongs_to = provenance(row.configuration, row.seeds, dataset.sha256 if dataset else None)
    for file in _usable([row.weights, row.checkpoint], before):
        try:
            restore(store.folder, file, trainer, belongs_to)
            return
        except SweepError as error:
            observer.note(f"note: {error}; so the training is traced without it")
    if isinstance(trainer, ForkedTrainer):
        trainer.reach_fork()


def _before_fork(name: str, row: TrialRecord, first: int) -> SweepError:
    return SweepError(
        f"{name} has gone on from {row.forked_from}, and the steps before are those of that trial: trace that, or "
        f"begin at step {first} with ",
        Argument("from_step", str(first)),
    )


def _usable(files: Sequence[Weights | None], before: int) -> list[Weights]:
    """Return the files of epochs after the start and up to `before`, the latest first."""
    found = [file for file in files if file is not None and 0 < file.epoch <= before]
    return sorted(found, key=lambda file: file.epoch, reverse=True)


def _before_first(name: str, divergence: Divergence) -> str:
    return (
        f"{name} has no step to be traced, since it diverged before the first one: {divergence.kind} in "
        f"{divergence.place}, with the weights that it begins with"
    )


def _of_own_trainer(name: str, row: TrialRecord, record: SweepRecord, store: Store) -> str:
    """Return what can be said of a trial with a trainer of the user's own."""
    words = f"{name} has a trainer of your own, whose arrays sweep cannot see"
    if row.divergence:
        words += f"; it diverged in epoch {row.divergence.epoch}: {row.divergence.kind} in {row.divergence.place}"
    epochs = store.trial_epochs(record.id, row.number)
    if not epochs:
        return f"{words}; it has no epochs to look at"
    losses = [name for name in epochs[-1].metrics if "loss" in name]
    metric = losses[0] if losses else record.objective.metric
    last = [f"{epoch.metrics[metric]:.4g}" for epoch in epochs[-3:] if metric in epoch.metrics]
    return f"{words}; {metric} was {', '.join(last)} in its last {'epoch' if len(last) == 1 else 'epochs'}"
