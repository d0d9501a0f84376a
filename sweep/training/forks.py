"""Training that forks: as another configuration up to an epoch, then as its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sweep.errors import counted
from sweep.records import Epoch
from sweep.training.checkpoint import Snapshot
from sweep.training.divergence import Diverged
from sweep.training.trainer import Trainer, TrainingError


def transferred(snapshot: Snapshot, trainer: Trainer, *, reseeded: bool = False) -> Snapshot:
    """Return the snapshot of one trainer as the state of another, whose numbers may have another type.

    Args:
        snapshot: of the trainer that was forked from.
        trainer: one of the same layers and kind of optimizer, before its first epoch.
        reseeded: whether it keeps its own generators of random numbers, as its seeds are others.
    """
    own = trainer.snapshot()
    if own is None:
        return snapshot
    arrays = {
        name: array.astype(own.arrays[name].dtype) if name in own.arrays else array
        for name, array in snapshot.arrays.items()
    }
    generators = {"generators": own.state["generators"]} if reseeded and "generators" in own.state else {}
    return replace(snapshot, arrays=arrays, state={**snapshot.state, **generators})


def after_fork(trainer: Trainer) -> Trainer:
    """Return what trains after the fork, of a trainer that does not fork itself."""
    return trainer.own if isinstance(trainer, ForkedTrainer) else trainer


class ForkedTrainer:
    """Trains as another trainer, the parent, up to an epoch and then by itself; see `sweep.training.trainer.Trainer`.

    Once a snapshot is restored, it goes on by itself.
    """

    def __init__(self, trainer: Trainer, parent: Callable[[], Trainer], epoch: int, *, reseeded: bool = False) -> None:
        """Take the trainer after the fork, and what makes the parent where it has to be trained again."""
        self.own = trainer
        """The trainer after the fork."""
        self._parent = parent
        self.epoch = epoch
        """The last epoch of the parent."""
        self._is_reseeded = reseeded
        self._now = trainer
        self._has_forked = False
        self.planned_epochs = trainer.planned_epochs

    @property
    def batch_losses(self) -> Sequence[float]:
        """Mean loss of each mini-batch of the last epoch."""
        return self._now.batch_losses

    @property
    def log(self) -> str | None:
        """What a program has printed besides its metrics; None for others."""
        return self._now.log

    def epochs(self) -> Iterator[Epoch]:
        """Yield the epochs of the parent up to the fork, unless a snapshot was restored, and then its own.

        Raises:
            TrainingError: when the parent does not reach the fork.
        """
        if not self._has_forked:
            yield from self._epochs_of_parent()
        yield from self.own.epochs()

    def reach_fork(self) -> None:
        """Train the parent up to the fork, unless that or a snapshot has been reached.

        Raises:
            TrainingError: when the parent does not reach the fork.
        """
        if not self._has_forked:
            for _ in self._epochs_of_parent():
                pass

    def _epochs_of_parent(self) -> Iterator[Epoch]:
        parent = self._now = self._parent()
        reached = 0
        try:
            for epoch in parent.epochs():
                reached = epoch.number
                if reached == self.epoch:
                    break
                yield epoch
        except Diverged:
            pass
        snapshot = parent.snapshot()
        if reached < self.epoch or snapshot is None:
            raise TrainingError(
                f"it forks from another trial after epoch {self.epoch}, but that reaches only "
                f"{counted(reached, 'epoch')} on this machine; add the twin anew with: sweep rescue"
            )
        self.restore(transferred(snapshot, self.own, reseeded=self._is_reseeded))
        yield epoch
        self._now = self.own

    def correct(self, part: str) -> NDArray[np.bool_] | None:
        """Return which samples of a part were right after the last epoch; see `Trainer`."""
        return self._now.correct(part)

    def snapshot(self) -> Snapshot | None:
        """Return the state at the end of the last epoch; None of an epoch of the parent, which is another network's."""
        return self.own.snapshot() if self._now is self.own else None

    def check(self, snapshot: Snapshot) -> None:
        """Check that a snapshot is of the trainer after the fork; see `Trainer`."""
        self.own.check(snapshot)

    def restore(self, snapshot: Snapshot) -> None:
        """Set the trainer after the fork to the state of a snapshot; see `Trainer`."""
        self.own.restore(snapshot)
        self._has_forked = True
