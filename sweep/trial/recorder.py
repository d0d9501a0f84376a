"""What a worker tells the store of one attempt at a trial: its epochs in batches, how it ended, that it still lives."""

from __future__ import annotations

import _thread
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sweep.errors import StoreError
from sweep.metrics import Objective
from sweep.records import BatchLosses, Divergence, Epoch, Status, Weights
from sweep.store import Claim, Ending, Store
from sweep.system.processes import silence_limit

FLUSH_SECONDS = 1.0
"""Epochs are written at most this often; a killed worker loses no more than that."""
BEATS = 6
"""So often an owner is heard of within the time after which it counts as dead."""


class Recorder:
    """Writes the epochs of one attempt in batches, and keeps what is needed for the trial's summary."""

    def __init__(self, store: Store, claim: Claim) -> None:
        self._store = store
        self._claim = claim
        self._epochs = list(claim.epochs)
        self._written = len(self._epochs)
        self._losses: list[BatchLosses] = []
        self._objective = Objective()
        self._best = self._objective.choose(self._epochs)
        self._started = self._flushed = time.perf_counter()

    @property
    def folder(self) -> Path:
        """Where the files that belong to the database lie."""
        return self._store.folder

    def start_over(self) -> None:
        """Forget the epochs of earlier attempts; each is written again."""
        self._epochs, self._written, self._best = [], 0, None

    def add(self, epoch: Epoch, losses: BatchLosses | None = None) -> bool:
        """Take an epoch and the losses of its mini-batches; tell whether it is the best so far."""
        self._epochs.append(epoch)
        self.add_losses(losses)
        is_best = self._objective.replaces(epoch, self._best)
        if is_best:
            self._best = epoch
        return is_best

    def add_losses(self, losses: BatchLosses | None) -> None:
        """Take the losses of an epoch's mini-batches."""
        if losses and losses.losses:
            self._losses.append(losses)

    def flush_if_due(self) -> None:
        """Write all that waits if the last write was a while ago."""
        if time.perf_counter() - self._flushed >= FLUSH_SECONDS:
            self.flush()

    def flush(self, weights: Weights | None = None, checkpoint: Weights | None = None) -> None:
        """Write all that waits, and which files were written beside the database."""
        new, losses = self._epochs[self._written :], self._losses
        self._store.record(self._claim, new, self._best, losses, weights=weights, checkpoint=checkpoint)
        self._written, self._losses = len(self._epochs), []
        self._flushed = time.perf_counter()

    def finish(
        self,
        status: Status,
        divergence: Divergence | None = None,
        error: str | None = None,
        trace: str | None = None,
        weights: Weights | None = None,
    ) -> Status:
        """Write all that waits, and how the trial ended."""
        ending = Ending(status, time.perf_counter() - self._started, weights, divergence, error, trace)
        self._store.finish(self._claim, ending, self._epochs[self._written :], self._best, self._losses)
        return status

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Tell the store now and then that the trial is still being trained, however long an epoch takes."""
        done = threading.Event()

        def beat() -> None:
            while not done.wait(silence_limit() / BEATS):
                with suppress(StoreError):  # the next beat may come through
                    self._store.beat(self._claim)

        _thread.start_new_thread(beat, ())  # `Thread.start` waits until it runs: on a busy machine that takes a while
        try:
            yield
        finally:
            done.set()
