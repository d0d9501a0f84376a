"""The trace of a training: its arrays at every step up to the divergence, from training again."""

from __future__ import annotations

import io
import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sweep.checks.again import stored_trainer
from sweep.checks.growth import Growth, first_growth
from sweep.errors import Argument, SweepError, UsageError
from sweep.experiment.experiment import Experiment
from sweep.observer import Observer, Silent
from sweep.records import Divergence, SweepRecord, TrialRecord, Weights
from sweep.runner.prepare import plan, prepare_again, prepare_datasets
from sweep.store import Store
from sweep.system.environment import one_blas_thread
from sweep.system.files import write_whole
from sweep.training import tracing
from sweep.training.build import build, dataset_of
from sweep.training.checkpoint import Snapshot
from sweep.training.dead_units import dead_shares
from sweep.training.divergence import Diverged
from sweep.training.loop import NetworkTrainer
from sweep.training.tracing import Recording
from sweep.training.trainer import Setup
from sweep.trial.weights import provenance, restore

BEFORE = 50
"""Steps before the divergence that are recorded."""
OTHERWISE = 100
"""Steps that are recorded where a training does not diverge."""
Tell = Callable[[int, int], None]
"""Called with (epochs done, all epochs)."""


@dataclass(frozen=True)
class Range:
    """The steps that are asked for."""

    start: int | None = None
    """The first step, counted over the whole training from 1."""
    steps: int | None = None
    """Number of steps; before the divergence where `start` is None."""

    def __post_init__(self) -> None:
        """Refuse numbers below 1."""
        for argument, number in (("from_step", self.start), ("steps", self.steps)):
            if number is not None and number < 1:
                raise UsageError(Argument(argument), f" must be at least 1, not {number}")

    def bounds(self, diverged: int | None, total: int) -> tuple[int, int]:
        """Return the first and the last step to record of a training.

        Args:
            diverged: the step in which it diverges, None where it does not.
            total: number of its steps.

        Raises:
            UsageError: when the range begins after its end.
        """
        end = total if diverged is None else diverged
        if self.start is not None and self.start > end:
            has = f"has {total} steps in all" if diverged is None else f"diverges in step {diverged}"
            raise UsageError(Argument("from_step"), f" {self.start} is too late: the training {has}")
        if diverged is None:
            first = self.start or 1
            return first, min(end, first + (self.steps or OTHERWISE) - 1)
        first = self.start or max(1, end - (self.steps or BEFORE))
        return first, min(end, first + self.steps - 1) if self.start and self.steps else end


@dataclass(frozen=True)
class Trace:
    """The steps of a training, and what they show."""

    name: str
    """Sweep and number, such as `mnist-widths/12`."""
    recording: Recording
    layers: tuple[str, ...]
    """The layers with weights, from the first to the last."""
    dead: dict[str, float]
    """The share of dead or saturated units of each activation before the last step; see `dead_shares`."""
    stored: Divergence | None
    """Where the trial had diverged when it was trained before, if it was."""
    steps_in_epoch: int

    @property
    def frame(self) -> pd.DataFrame:
        """One row for each step; see `Recording.frame`."""
        return self.recording.frame

    @property
    def divergence(self) -> Divergence | None:
        """Where the steps ended, if they diverged."""
        return self.recording.divergence

    @property
    def diverged_step(self) -> int | None:
        """The step of the divergence, counted over the whole training."""
        return step_of(self.divergence, self.steps_in_epoch) if self.divergence else None

    @property
    def is_as_stored(self) -> bool:
        """Whether the steps end in the stored divergence, or before it."""
        if self.stored is None or self.divergence == self.stored:
            return True
        return self.divergence is None and int(self.frame["step"].iloc[-1]) < step_of(self.stored, self.steps_in_epoch)

    @property
    def first_not_finite(self) -> str | None:
        """The array that left the finite numbers first, such as `u of output`; None where none has."""
        if self.divergence is None:
            return None
        return array_words(self.divergence.place, self.layers, dict(self.frame.iloc[-1]))

    @property
    def growth(self) -> Growth | None:
        """The array that had begun to grow without return; None where none has, or where nothing diverged."""
        return first_growth(self.frame, tracing.columns(self.layers)) if self.divergence else None

    def columns(self, layers: Sequence[str] = ()) -> list[str]:
        """Return the columns of some layers; by default those of the last one, and dz of the one below it.

        Raises:
            UsageError: when there is no such layer, or it has no weights.
        """
        if not layers:
            last = [f"{self.layers[-1]}/{kind}" for kind in ("u", "W", "dW")]
            return [*last, *(f"{below}/dz" for below in self.layers[-2:-1])]
        return [f"{self._layer(given)}/{kind}" for given in layers for kind in tracing.KINDS]

    def _layer(self, given: str) -> str:
        found = [name for name in self.layers if given in (name, name.partition("/")[0])]
        if not found:
            raise UsageError(f"there is no layer {given!r} with weights; choose from {', '.join(self.layers)}")
        return found[0]


def step_of(divergence: Divergence, steps_in_epoch: int) -> int:
    """Return the step of a divergence, counted over the whole training; at most 0 for one before the first step."""
    return (divergence.epoch - 1) * steps_in_epoch + divergence.step


def array_words(place: str, layers: Sequence[str], row: Mapping[str, float]) -> str:
    """Return the array of the place of a divergence in words.

    >>> array_words("output/forward", ["output"], {}), array_words("hidden[0]/relu/forward", ["output"], {})
    ('u of output', 'z, the output of hidden[0]/relu')

    Args:
        place: the computation that gave a value that is not finite; see `Divergence`.
        layers: the layers with weights.
        row: what was recorded of the step; of two arrays that one computation gives the infinite one is named.
    """
    if place.startswith("evaluation/"):
        return f"{array_words(place.removeprefix('evaluation/'), layers, {})} in the evaluation after it"
    layer, _, moment = place.rpartition("/")
    is_weighted = layer in layers
    if moment == "forward":
        return f"u of {layer}" if is_weighted else f"z, the output of {layer}"
    if moment == "backward":
        is_own = is_weighted and math.isinf(row.get(f"{layer}/dW", 0.0))
        return f"dW of {layer}" if is_own else f"the gradient that {layer} passes down"
    if moment == "update":
        return f"W of {layer}, or what the optimizer keeps of it"
    if moment == tracing.LOSS:
        return "the loss" if math.isinf(row.get(moment, math.inf)) else f"dz of {layers[-1]}"
    return place


def trace(
    record: SweepRecord,
    number: int,
    store: Store,
    wanted: Range,
    *,
    data: Path | None = None,
    keep_arrays: bool = False,
    observer: Observer | None = None,
    progress: Tell = lambda done, total: None,
) -> Trace:
    """Train a stored trial again in this process and record its steps; nothing is written to the database.

    It goes on from the kept weights of an epoch before them where there are any, else from the start.

    Args:
        wanted: the steps; by default the 50 before the divergence, or the first 100.
        data: folder of the data set's files; by default where the sweep found them.
        keep_arrays: whether the arrays of the last finite step are kept; see `Recording.arrays`.
        observer: told what is prepared, and of weights that cannot be used.
        progress: called with (epochs done, all epochs).

    Raises:
        SweepError: when there is no such trial, it has a trainer of the user's own, it diverged before its first step,
            or its data set is missing or another one.
        UsageError: when the range begins after the end of the training.
    """
    name, row, observer = f"{record.name}/{number}", store.trial(record.id, number), observer or Silent()
    if "network" not in row.configuration:
        raise SweepError(_of_own_trainer(name, row, record, store))
    if row.divergence and row.divergence.epoch == 0:
        raise SweepError(_before_first(name, row.divergence))
    if row.status not in ("completed", "diverged"):
        observer.note(f"note: {name} is {row.status}, so it is not known where it diverges, if it does")
    folders = prepare_again(record, data, observer)
    with one_blas_thread():
        trainer = _network_trainer(stored_trainer(record, row, store, folders))
        diverged = step_of(row.divergence, tracing.steps_in_epoch(trainer)) if row.divergence else None
        first, last = wanted.bounds(diverged, tracing.steps_in_all(trainer))
        before = (first - 1) // tracing.steps_in_epoch(trainer)
        _go_on(trainer, record, row, store, folders, before, observer)
        _train_to(trainer, before, progress)
        return _recorded(name, trainer, first, last, keep_arrays, row.divergence)


def trace_configuration(
    experiment: Experiment,
    number: int,
    wanted: Range,
    *,
    data: Path | None = None,
    keep_arrays: bool = False,
    observer: Observer | None = None,
    progress: Tell = lambda done, total: None,
) -> Trace:
    """Train a trial of an experiment that need not be stored, and record its steps; nothing is written.

    Without a first step it is trained to its end before, to know whether and where it diverges.

    Args:
        number: which of the experiment's draws.
        wanted, data, keep_arrays, observer, progress: as of `trace`.

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
            first, last = wanted.bounds(None, total)
            _train_to(trainer, (first - 1) // length, progress)
            return _recorded(name, trainer, first, last, keep_arrays, None)
        divergence, snapshots = _trained(name, trainer, wanted, progress)
        first, last = wanted.bounds(step_of(divergence, length) if divergence else None, total)
        trainer.restore(next(each for each in snapshots if each.epoch == (first - 1) // length))
        return _recorded(name, trainer, first, last, keep_arrays, divergence)


def _setup(experiment: Experiment, number: int, data: Path | None, observer: Observer) -> Setup:
    """Return what the trainer of one of an experiment's draws is made of."""
    if not experiment.is_native:
        raise UsageError(f"{experiment.name} has a trainer of its own, whose arrays sweep cannot see")
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


def _recorded(
    name: str, trainer: NetworkTrainer, first: int, last: int, keep_arrays: bool, stored: Divergence | None
) -> Trace:
    recording = tracing.record(trainer, first, last, keep_arrays=keep_arrays)
    if recording.divergence and recording.frame.empty:
        raise _too_late(recording.divergence, tracing.steps_in_epoch(trainer))
    layers = tuple(tracing.weighted_layers(trainer))
    return Trace(name, recording, layers, dead_shares(trainer), stored, tracing.steps_in_epoch(trainer))


def _network_trainer(trainer: Any) -> NetworkTrainer:
    assert isinstance(trainer, NetworkTrainer)
    return trainer


def _train_to(trainer: NetworkTrainer, epoch: int, progress: Tell) -> None:
    """Train without instruments to the end of an epoch.

    Raises:
        SweepError: when it diverges before.
    """
    if trainer.state.epoch >= epoch:
        return
    try:
        for done in trainer.epochs():
            progress(done.number, epoch)
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
    trainer: NetworkTrainer,
    record: SweepRecord,
    row: TrialRecord,
    store: Store,
    folders: dict[str, str],
    before: int,
    observer: Observer,
) -> None:
    """Set a trainer to the latest kept state of its trial up to the end of epoch `before`, if there is one."""
    dataset = dataset_of(Setup.stored(record, row, folders, store.files))
    belongs_to = provenance(row.configuration, row.seeds, dataset.sha256 if dataset else None)
    for file in _usable([row.weights, row.checkpoint], before):
        try:
            restore(store.folder, file, trainer, belongs_to)
            return
        except SweepError as error:
            observer.note(f"note: {error}; so the training is traced without it")


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
        return f"{words}; it is {row.status} and has no epochs yet"
    losses = [name for name in epochs[-1].metrics if "loss" in name]
    metric = losses[0] if losses else record.objective.metric
    last = [f"{epoch.metrics[metric]:.4g}" for epoch in epochs[-3:] if metric in epoch.metrics]
    return f"{words}; {metric} was {', '.join(last)} in its last {'epoch' if len(last) == 1 else 'epochs'}"


def write_arrays(trace: Trace, path: Path) -> int:
    """Write the arrays of the last finite step to an .npz file, each by the name of its column; return the step.

    Raises:
        UsageError: when the name of the file ends in something else.
        SweepError: when there is no such step, or the file cannot be written.
    """
    recording = trace.recording
    if path.suffix.lower() != ".npz":
        raise UsageError(f"cannot write the arrays to '{path}': its name must end in .npz")
    if recording.finite_step is None:
        raise SweepError("in no recorded step all arrays are finite; begin earlier with ", Argument("from_step"))
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, step=np.array(recording.finite_step), **recording.arrays)
    write_whole(path, content.getvalue())
    return recording.finite_step
