"""What a worker tells the store of one attempt at a trial: its epochs in batches, how it ended, that it still runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from sweep.errors import StoreError
from sweep.metrics import Objective
from sweep.records import BatchLosses, DecisionRecord, Divergence, Epoch, Status, Weights
from sweep.stopping import Curve
from sweep.store import Claim, Ending, Store
from sweep.store.correctness import pack
from sweep.system.processes import silence_limit
from sweep.training.trainer import Trainer

FLUSH_SECONDS = 1.0
"""Epochs are written at most this often; a killed worker loses no more than that."""
HEARTBEATS = 6
"""Heartbeats per silence timeout."""
_HEARTBEAT_THREADS = ThreadPoolExecutor(256, "heartbeats")
"""Threads that are kept from one trial to the next, since a new one is waited for until it runs."""


class Recorder:
    """Writes the epochs of one attempt in batches, and keeps what is needed for the trial's summary."""

    def __init__(self, store: Store, claim: Claim) -> None:
        self._store = store
        self._claim = claim
        self._epochs = list(claim.epochs)
        self._written = len(self._epochs)
        self._losses: list[BatchLosses] = []
        self._chosen = claim.objective.choose(self._epochs)
        self.correct = claim.correct
        """Which examples are right at the epoch that stands for the trial so far, packed; None where not known."""
        self._trainer: Trainer | None = None
        self._started = self._flushed = time.perf_counter()
        self._earlier_seconds = sum(epoch.seconds for epoch in claim.epochs)
        self._waiting_since: float | None = None

    @property
    def folder(self) -> Path:
        """Folder to which the files that the database names are relative."""
        return self._store.folder

    @property
    def files(self) -> Path:
        """Folder for the files of the database."""
        return self._store.files

    @property
    def epochs(self) -> Sequence[Epoch]:
        """All epochs of the trial so far, those of earlier attempts that it goes on from included."""
        return self._epochs

    @property
    def objective(self) -> Objective:
        """How the trials of the sweep are ranked."""
        return self._claim.objective

    def follow(self, trainer: Trainer) -> None:
        """Record what this trainer logs, and which examples it has right."""
        self._trainer = trainer

    @property
    def is_longer(self) -> bool:
        """Whether a training that was completed is gone on with."""
        return self._claim.ranked_epochs > 0

    @property
    def _log(self) -> str | None:
        return self._trainer.log if self._trainer else None

    def start_over(self) -> None:
        """Forget the epochs of earlier attempts, also in the store."""
        if self._epochs:
            self._store.clear_epochs(self._claim)
        self._epochs, self._written, self._earlier_seconds = [], 0, 0.0
        self._chosen = self.correct = None

    def go_on_with(self, correct: bytes | None) -> None:
        """Take which examples are right at the epoch that stands for the trial where it goes on, if that is known."""
        self.correct = self.correct or correct

    def add(self, epoch: Epoch, losses: BatchLosses | None = None) -> bool:
        """Take an epoch and the losses of its mini-batches; tell whether it stands for the trial now.

        A trainer that begins from the beginning again, instead of where it was to continue, starts the record over.
        """
        if self._epochs and epoch.number <= self._epochs[-1].number:
            self.start_over()
        self._epochs.append(epoch)
        self.add_losses(losses)
        is_chosen = self._claim.objective.replaces(epoch, self._chosen)
        if is_chosen:
            self._chosen, self.correct = epoch, self._now_correct()
        return is_chosen

    def _now_correct(self) -> bytes | None:
        """Return which examples are right after the last epoch, packed; None where that is not known."""
        part = self._claim.objective.judged_part
        correct = self._trainer.correct(part) if self._trainer and part else None
        return None if correct is None else pack(correct)

    def curve(self) -> Curve:
        """Return the values of the objective's metric after each epoch so far, with times and losses."""
        objective = self._claim.objective
        epochs = [epoch for epoch in self._epochs if epoch.number]
        values = [epoch.metrics[objective.metric] for epoch in epochs]
        losses = [epoch.metrics["train_loss"] for epoch in self._epochs if "train_loss" in epoch.metrics]
        return Curve(self._claim.number, values, objective, losses, [epoch.seconds for epoch in epochs])

    def others(self, epoch: int) -> Mapping[int, Sequence[float]]:
        """Return the values of the sweep's other trials that have had an epoch, up to that, by number."""
        return self._store.curves(self._claim.trial_id, self._claim.objective.metric, epoch)

    def add_losses(self, losses: BatchLosses | None) -> None:
        """Take the losses of an epoch's mini-batches."""
        if losses and losses.losses:
            self._losses.append(losses)

    def is_flush_due(self) -> bool:
        """Tell whether the last write was long enough ago."""
        return time.perf_counter() - self._flushed >= FLUSH_SECONDS

    def flush(self, weights: Weights | None = None, checkpoint: Weights | None = None) -> None:
        """Write all epochs that are not written yet, and which files were written beside the database."""
        new, losses = self._epochs[self._written :], self._losses
        files = {"weights": weights, "checkpoint": checkpoint}
        self._store.record(self._claim, new, self._chosen, losses, correct=self.correct, log=self._log, **files)
        self._written, self._losses = len(self._epochs), []
        self._flushed = time.perf_counter()

    def wait(self, trouble: str) -> None:
        """Record that the trial waits for something, which does not count as its training time."""
        if self._waiting_since is None:
            self._waiting_since = time.perf_counter()
            with suppress(StoreError):  # the database may be what has no room
                self._store.record_trouble(self._claim, trouble)

    def go_on(self) -> None:
        """Record that the trial waits no longer."""
        if self._waiting_since is not None:
            self._started += time.perf_counter() - self._waiting_since
            self._waiting_since = None

    def finish(
        self,
        status: Status,
        divergence: Divergence | None = None,
        error: str | None = None,
        trace: str | None = None,
        files: Mapping[str, Weights] | None = None,
        decision: DecisionRecord | None = None,
        finding: str | None = None,
    ) -> Status:
        """Write all epochs that are not written yet, and how the trial ended.

        Args:
            files: its `weights` and `checkpoint`, as far as there are new ones.
            decision: that of the rule which has stopped it.
            finding: what is wrong with how it learned.
        """
        seconds = self._earlier_seconds + time.perf_counter() - self._started
        ending = Ending(
            status,
            seconds,
            divergence=divergence,
            error=error,
            traceback=trace,
            log=self._log,
            decision=decision,
            finding=finding,
            **(files or {}),
        )
        new = self._epochs[self._written :]
        self._store.finish(self._claim, ending, new, self._chosen, self._losses, self.correct)
        return status

    @contextmanager
    def sending_heartbeats(self) -> Iterator[None]:
        """Tell the store now and then that the trial is still being trained, however long an epoch takes."""
        done = threading.Event()

        def send() -> None:
            while not done.wait(silence_limit() / HEARTBEATS):
                with suppress(StoreError):  # the next one may come through
                    self._store.heartbeat(self._claim)

        _HEARTBEAT_THREADS.submit(send)
        try:
            yield
        finally:
            done.set()
