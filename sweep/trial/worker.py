"""One trial, from start to end, in a worker process: claim it, train it, record it, finish it.

Whatever happens to a trial, its status is recorded, and the worker continues with the next one.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from sweep.data.dataset import Dataset
from sweep.errors import DataError, StaleAttempt, StoreBusy, StoreError, SweepError, WeightsError
from sweep.nn.layers.matmul import Products
from sweep.records import BatchLosses, DecisionRecord, Divergence, Status, Weights
from sweep.stopping import Rule, decide, sentence
from sweep.store import Claim, Store
from sweep.store.retry import retry_while_busy
from sweep.system.files import is_full
from sweep.training.build import build, dataset_of
from sweep.training.divergence import Diverged
from sweep.training.forks import after_fork
from sweep.training.trainer import Fork, Setup, Trainer, TrainingError
from sweep.training.unlearned import finding
from sweep.trial.origins import fork_of
from sweep.trial.process import Interrupted, interruptible, is_stopped, worker_owner
from sweep.trial.recorder import Recorder
from sweep.trial.weights import TrialFiles, keeping, provenance, restore


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
    """Cached folder of each data set, by `sweep.data.options_key`."""
    run: str = ""
    """Name of this run of the sweep, by which it can be stopped where there are no signals."""
    experiment_folder: str | None = None
    """Folder of the experiment file, where a user's own function or program is looked for."""
    stopping: dict[str, Rule] = field(default_factory=dict)
    """The rules that may end the trial early, by kind."""
    products: Products = "wide"
    """How the sweep's networks multiply weights with samples, the same for all of its trials."""


def run_trial(assignment: Assignment) -> Status | None:
    """Train one trial and return how it ended; None where another worker has it."""
    store = open_store(assignment.database)
    claim = store.claim(assignment.sweep_id, assignment.number, worker_owner())
    if claim is None:
        return None
    recorder = Recorder(store, claim)
    with recorder.sending_heartbeats():
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
        setup = trial_setup(assignment, claim, recorder.files)
        trainer = build(replace(setup, fork=_fork(assignment, claim)))
        dataset = dataset_of(setup)
        belongs_to = provenance(claim.configuration, claim.seeds, dataset.sha256 if dataset else None)
        place = (recorder.files / assignment.sweep).relative_to(recorder.folder).as_posix()
        files = TrialFiles(keeping(claim.configuration), recorder.folder, place, claim, belongs_to)
        recorder.follow(trainer)
        _continue(trainer, claim, recorder, belongs_to)
        batches = keeping(claim.configuration).batches
        rules = {} if claim.is_exempt else assignment.stopping
        attempt = Attempt(assignment.run, trainer, recorder, files, rules, batches, dataset, claim.target_epochs)
        divergence = attempt.train_to_end()
    except (Interrupted, StoreError):
        raise
    except DataError:  # a fault of this machine, which no other trial would escape
        _give_back(recorder)
        raise
    except TrainingError as error:
        return recorder.finish("failed", error=str(error))
    except BaseException as error:  # a trial may do anything, sys.exit and MemoryError included
        return recorder.finish("failed", error=_described(error), trace=traceback.format_exc())
    return attempt.finish(divergence)


def trial_setup(assignment: Assignment, claim: Claim, files: Path) -> Setup:
    """Return what the trainer of a claimed trial is made of; `files` is the folder for the database's files."""
    return Setup(
        number=claim.number,
        configuration=claim.configuration,
        seeds=claim.seeds,
        planned_epochs=claim.planned_epochs,
        objective=claim.objective,
        datasets=assignment.datasets,
        experiment_folder=Path(assignment.experiment_folder) if assignment.experiment_folder else None,
        files=files,
        sweep=assignment.sweep,
        products=assignment.products,
    )


def _fork(assignment: Assignment, claim: Claim) -> Fork | None:
    if claim.forked_from is None:
        return None
    return fork_of(claim.forked_from, claim.seeds, open_store(assignment.database), assignment.datasets)


def _described(error: BaseException) -> str:
    message = f"{type(error).__name__}: {error}".strip(": ")
    return f"out of memory ({message})" if isinstance(error, MemoryError) else message


def _continue(trainer: Trainer, claim: Claim, recorder: Recorder, belongs_to: Mapping[str, Any]) -> None:
    """Start from the file of an earlier attempt if there is one; else from the beginning, with the same bits."""
    start = claim.start
    if start is None:
        return
    try:
        numbers = [epoch.number for epoch in claim.epochs]
        if numbers not in ([*range(start.epoch + 1)], [*range(1, start.epoch + 1)]):
            raise WeightsError("not all epochs up to that of the weights are recorded")
        recorder.go_on_with(restore(recorder.folder, start, trainer, belongs_to))
    except SweepError:
        recorder.start_over()


@dataclass
class Attempt:
    """The training of one trial, with all that is recorded of it."""

    run: str
    trainer: Trainer
    recorder: Recorder
    files: TrialFiles
    rules: Mapping[str, Rule]
    record_batches: bool
    dataset: Dataset | None = None
    """What it is trained on, where that is known."""
    target_epochs: int | None = None
    """Epochs after which it pauses."""
    is_paused: bool = False
    """Whether it has come to them."""
    stopped: DecisionRecord | None = None
    """The decision of a rule that has ended it early."""
    problem: str | None = None
    """Why a file could not be written; that costs no figure."""

    def train_to_end(self) -> Divergence | None:
        """Train and record every epoch until a rule stops it or it pauses; return where it diverged, if it did."""
        try:
            for epoch in self.trainer.epochs():
                is_chosen = self.recorder.add(epoch, self._losses(epoch.number))
                self.files.see(self.trainer, is_chosen)
                is_due = self.recorder.is_flush_due()
                if self.files.is_checkpoint_due(epoch.number, self.trainer.planned_epochs, is_due):
                    self._write_checkpoint()
                elif is_due:
                    self.recorder.flush()
                if self.rules and self._is_pruned(epoch.number):
                    break
                if self._is_to_pause(epoch.number):
                    self.is_paused = True
                    break
                if is_stopped(self.run):
                    raise Interrupted
        except Diverged as error:
            self.recorder.add_losses(self._losses(error.divergence.epoch))
            return error.divergence
        return None

    def _is_pruned(self, epoch: int) -> bool:
        """Ask the rules whether the trial ends after an epoch that is not its last."""
        if not 0 < epoch < self.trainer.planned_epochs:
            return False
        curve = self.recorder.curve()
        decided = decide(self.rules, curve, self.recorder.others)
        if decided:
            kind, stop = decided
            self.stopped = DecisionRecord(
                curve.trial, epoch, kind, "stop", stop.value, stop.threshold, None, stop.reason
            )
        return decided is not None

    def _why_stopped(self) -> str | None:
        if self.stopped is None:
            return None
        kind = self.stopped.rule
        return sentence(self.rules[kind].noun, kind, self.stopped.epoch, self.stopped.reason)

    def _is_to_pause(self, epoch: int) -> bool:
        return self.target_epochs is not None and self.target_epochs <= epoch < self.trainer.planned_epochs

    def _losses(self, epoch: int) -> BatchLosses | None:
        return BatchLosses(epoch, tuple(self.trainer.batch_losses)) if self.record_batches else None

    def _write_checkpoint(self) -> None:
        files = self._write(self.trainer)
        try:
            self.recorder.flush(**files)
        except StaleAttempt:
            self.files.discard(files)
            raise
        self.files.settle(files)

    def _write(self, checkpoint_of: Trainer | None = None) -> dict[str, Weights]:
        """Write what is to be kept, waiting while there is no space left; what cannot be written costs no figure."""

        def once() -> dict[str, Weights]:
            try:
                return self.files.write(checkpoint_of, self.recorder.correct)
            except WeightsError as error:
                if is_full(error):
                    self.recorder.wait(str(error))
                    raise StoreBusy(str(error)) from error
                raise

        try:
            return retry_while_busy(once)
        except (WeightsError, StoreError) as error:
            self.problem = f"the weights are not kept: {error}"
            return {}
        finally:
            self.recorder.go_on()

    def finish(self, divergence: Divergence | None) -> Status:
        """Write the kept weights and how the trial ended."""
        # The weights of the training by which the trial ranks stay, if a longer one has diverged.
        is_ranked_by_earlier = divergence and self.recorder.is_longer
        files = {} if is_ranked_by_earlier else self._write(self.trainer if self.is_paused else None)
        try:
            status: Status = (
                "diverged" if divergence else "pruned" if self.stopped else "paused" if self.is_paused else "completed"
            )
            error = "; ".join(filter(None, [self._why_stopped(), self.problem])) or None
            found = None if divergence else self._finding()
            self.recorder.finish(status, divergence, error, files=files, decision=self.stopped, finding=found)
        except StaleAttempt:
            self.files.discard(files)
            raise
        self.files.settle({"checkpoint": None, **files})
        return status

    def _finding(self) -> str | None:
        """Return what is wrong with how the trial learned; one that pauses may be stopped, and not be trained again."""
        return finding(after_fork(self.trainer), self.dataset, self.recorder.epochs, self.recorder.objective)


@lru_cache(maxsize=1)
def open_store(url: str) -> Store:
    """Return the store at a URL, opened once in a process."""
    store = Store(url)
    store.database.trains = True
    return store
