"""What a worker tells the store: the epochs of one attempt at a trial, in batches, and how it ended."""

from __future__ import annotations

import time
from pathlib import Path

from sweep.records import BatchLosses, Divergence, Epoch, Status, Weights
from sweep.store import Claim, Store, digest

FLUSH_SECONDS = 1.0
"""Epochs are written at most this often; a killed worker loses no more than that."""


class Recorder:
    """Writes the epochs of one attempt in batches, and keeps what is needed for the trial's summary."""

    def __init__(self, store: Store, claim: Claim) -> None:
        self._store = store
        self._claim = claim
        self._epochs = list(claim.epochs)
        self._written = len(self._epochs)
        self._losses: list[BatchLosses] = []
        self._best = max(self._epochs, key=lambda epoch: epoch.test_accuracy, default=None)
        self._started = self._flushed = time.perf_counter()

    @property
    def folder(self) -> Path:
        """Where the files that belong to the database lie."""
        return self._store.folder

    def start_over(self) -> None:
        """Forget the epochs of earlier attempts; each is written again."""
        self._epochs, self._written, self._best = [], 0, None

    def add(self, epoch: Epoch) -> bool:
        """Take an epoch and tell whether it is the best; write all that waits if the last write was a while ago."""
        self._epochs.append(epoch)
        is_best = self._best is None or epoch.test_accuracy > self._best.test_accuracy
        if is_best:
            self._best = epoch
        now = time.perf_counter()
        if now - self._flushed >= FLUSH_SECONDS:
            self._store.record(self._claim, self._epochs[self._written :], self._best, self._losses)
            self._written, self._losses = len(self._epochs), []
            self._flushed = now
        return is_best

    def add_losses(self, losses: BatchLosses) -> None:
        """Take the losses of an epoch's mini-batches, to be written with the next epochs."""
        if losses.losses:
            self._losses.append(losses)

    def finish(
        self,
        status: Status,
        divergence: Divergence | None = None,
        error: str | None = None,
        trace: str | None = None,
        weights: Weights | None = None,
    ) -> Status:
        """Write all that waits, and how the trial ended."""
        self._store.finish(
            self._claim,
            status,
            self._epochs[self._written :],
            self._best,
            self._losses,
            seconds=time.perf_counter() - self._started,
            weights=weights,
            digest=digest(self._epochs),
            divergence=divergence,
            error=error,
            traceback=trace,
        )
        return status
