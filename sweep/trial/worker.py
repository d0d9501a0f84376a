"""One trial, from start to end, in a worker process: claim it, train it, record it, finish it.

Whatever happens to a trial, it leaves a record, and the worker goes on to the next.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sweep.data import data_options, options_key
from sweep.errors import StaleAttempt, StoreBusy, StoreError, SweepError, WeightsError
from sweep.experiment.sections import Configuration
from sweep.records import BatchLosses, Divergence, Seeds, Status, Weights
from sweep.store import Claim, Store
from sweep.store.connection import patiently
from sweep.system.files import is_full, within
from sweep.training.build import opened, settings
from sweep.training.divergence import Diverged
from sweep.training.loop import NetworkTrainer
from sweep.trial.process import Interrupted, interruptible, is_stopped, worker_owner
from sweep.trial.recorder import Recorder
from sweep.trial.weights import Keeper, identity, restore


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a worker needs to know to train one trial."""

    database: str = field(repr=False)
    """URL of the store, a password included, which belongs in no log."""
    sweep_id: int
    sweep: str
    """Name of the sweep."""
    number: int
    datasets: dict[str, str]
    """Cached folder of each data set, by `options_key`."""
    run: str = ""
    """Name of this run of the sweep, by which it can be stopped where there are no signals."""


def run_trial(assignment: Assignment) -> Status | None:
    """Train one trial and return how it ended; None where another worker has it."""
    store = open_store(assignment.database)
    claim = store.claim(assignment.sweep_id, assignment.number, worker_owner())
    if claim is None:
        return None
    recorder = Recorder(store, claim)
    with recorder.beating():
        try:
            with interruptible():
                return _train(assignment, claim, recorder)
        except StaleAttempt:
            return None
        except Interrupted:
            return _give_back(recorder)


def _give_back(recorder: Recorder) -> Status | None:
    try:
        return recorder.finish("interrupted")
    except StaleAttempt:  # the signal came just after the trial's last write
        return None


def _train(assignment: Assignment, claim: Claim, recorder: Recorder) -> Status:
    try:
        configuration = Configuration.model_validate(claim.configuration)
        folder = assignment.datasets[options_key(data_options(claim.configuration["data"]))]
        dataset = opened(folder)
        trainer = NetworkTrainer(dataset, settings(configuration, dataset, folder, Seeds(*claim.seeds)))
        whose = identity(claim.configuration, claim.seeds, dataset.sha256)
        keeper = Keeper(configuration.training, recorder.folder, assignment.sweep, claim, whose)
        _go_on(trainer, claim, recorder, whose)
        course = Course(assignment.run, trainer, recorder, keeper, configuration.training.record_batches)
        divergence = course.train_to_end()
    except (Interrupted, StoreError):
        raise
    except BaseException as error:  # a trial may do anything, sys.exit and MemoryError included
        return recorder.finish("failed", error=_described(error), trace=traceback.format_exc())
    return course.finish(divergence)


def _described(error: BaseException) -> str:
    message = f"{type(error).__name__}: {error}".strip(": ")
    return f"out of memory ({message})" if isinstance(error, MemoryError) else message


def _go_on(trainer: NetworkTrainer, claim: Claim, recorder: Recorder, whose: Mapping[str, Any]) -> None:
    """Start from the file of an earlier attempt if there is one; else from the first weights, with the same bits."""
    start = claim.start
    if start is None:
        return
    try:
        if [epoch.number for epoch in claim.epochs] != list(range(start.epoch + 1)):
            raise WeightsError("not all epochs up to that of the weights are recorded")
        restore(within(recorder.folder, start.file), start.epoch, trainer, whose)
    except SweepError:
        recorder.start_over()


@dataclass
class Course:
    """The training of one trial, with all that is recorded on the way."""

    run: str
    trainer: NetworkTrainer
    recorder: Recorder
    keeper: Keeper
    record_batches: bool
    problem: str | None = None
    """Why a file could not be written; that costs no figure."""

    def train_to_end(self) -> Divergence | None:
        """Train and record every epoch; return where the trial diverged, if it did."""
        try:
            for epoch in self.trainer.epochs():
                is_best = self.recorder.add(epoch, self._losses(epoch.number))
                self.keeper.see(self.trainer, is_best)
                if self.keeper.is_due(epoch.number) and epoch.number < self.trainer.settings.epochs:
                    self._write_checkpoint()
                self.recorder.flush_if_due()
                if is_stopped(self.run):
                    raise Interrupted
        except Diverged as error:
            self.recorder.add_losses(self._losses(error.divergence.epoch))
            return error.divergence
        return None

    def _losses(self, epoch: int) -> BatchLosses | None:
        return BatchLosses(epoch, tuple(self.trainer.batch_losses)) if self.record_batches else None

    def _write_checkpoint(self) -> None:
        files = self._write(self.trainer)
        try:
            self.recorder.flush(**files)
        except StaleAttempt:
            self.keeper.discard(files)
            raise
        self.keeper.settle(files)

    def _write(self, trainer: NetworkTrainer | None = None) -> dict[str, Weights]:
        """Write what is to be kept, waiting while there is no space left; what cannot be written costs no figure."""

        def once() -> dict[str, Weights]:
            try:
                return self.keeper.write(trainer)
            except WeightsError as error:
                if is_full(error):
                    raise StoreBusy(str(error)) from error
                raise

        try:
            return patiently(once)
        except (WeightsError, StoreError) as error:
            self.problem = f"the weights are not kept: {error}"
            return {}

    def finish(self, divergence: Divergence | None) -> Status:
        """Write the kept weights and how the trial ended."""
        files = self._write()
        weights = files.get("weights")
        try:
            status: Status = "diverged" if divergence else "completed"
            self.recorder.finish(status, divergence, self.problem, weights=weights)
        except StaleAttempt:
            self.keeper.discard(files)
            raise
        self.keeper.settle({**files, "checkpoint": None})
        return status


@lru_cache(maxsize=1)
def open_store(url: str) -> Store:
    """Return the store at a URL, opened once in a process."""
    return Store(url)
