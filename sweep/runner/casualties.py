"""Trials that diverged, trained again up to there: the state before, and how long their gradients usually were."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from statistics import median
from typing import Any

import numpy as np

from sweep.errors import Call, SweepError
from sweep.nn.instruments import observe
from sweep.nn.layer import OuterProduct
from sweep.observer import Observer
from sweep.records import BatchLosses, Divergence, Epoch, SweepRecord, TrialRecord
from sweep.runner.twins import ForkPoint
from sweep.store import Store
from sweep.store.correctness import pack
from sweep.system.environment import one_blas_thread
from sweep.training.build import build, dataset_of
from sweep.training.checkpoint import Snapshot
from sweep.training.divergence import Diverged
from sweep.training.loop import NetworkTrainer
from sweep.training.trainer import Setup, Trainer
from sweep.trial.weights import provenance, restore


@dataclass(frozen=True)
class Casualty:
    """A trial that diverged, and what is known from training it again."""

    fork: ForkPoint | None
    """The trial after its last whole epoch; None where that is the untrained network, or the state is not known."""
    norm: float | None
    """The usual norm of its gradient, rounded; None where it is not known."""


def revisit(
    record: SweepRecord, row: TrialRecord, store: Store, folders: Mapping[str, str], observer: Observer
) -> Casualty:
    """Train a diverged trial of our networks again, from its kept weights if there are any, until it diverges.

    Raises:
        SweepError: when its configuration is damaged.
    """
    name, divergence = f"{record.name}/{row.number}", row.divergence
    assert divergence is not None
    stored = store.trial_epochs(record.id, row.number)
    setup = Setup.stored(record, row, folders, store.files)
    try:
        trainer = build(setup)
    except (ValueError, LookupError, TypeError) as error:
        raise SweepError(f"the configuration of {name} is damaged; look into it with: ", Call("doctor")) from error
    assert isinstance(trainer, NetworkTrainer)
    _from_weights(name, row, setup, trainer, store, observer)
    norms = GradientNorms()
    trainer.settings = replace(trainer.settings, network=observe(trainer.settings.network, norms))
    with one_blas_thread():
        replayed = _replayed(trainer, divergence.epoch)
    if not _is_same(replayed, stored, divergence):
        observer.note(
            f"warning: {name} does not diverge here as it did, as its sweep was begun in another environment; its "
            "twins fork from what it does here"
        )
    fork = _fork(row, replayed, stored, _losses(record, row, store, divergence.epoch))
    fork = fork and replace(fork, correct=_correct(record, row, fork, stored, store))
    return Casualty(fork, norms.usual(is_untrained=divergence.epoch == 1))


def _from_weights(name: str, row: TrialRecord, setup: Setup, trainer: Trainer, store: Store, observer: Observer) -> int:
    """Set a trainer to the kept weights of its trial; return their epoch, 0 where it begins at the beginning."""
    assert row.divergence is not None
    if row.weights is None or not 0 < row.weights.epoch < row.divergence.epoch:
        return 0
    dataset = dataset_of(setup)
    try:
        restore(
            store.folder,
            row.weights,
            trainer,
            provenance(row.configuration, row.seeds, dataset.sha256 if dataset else None),
        )
    except SweepError as error:
        observer.note(f"warning: {error}; {name} is trained again from its start instead")
        return 0
    return row.weights.epoch


@dataclass
class _Replayed:
    """What training again up to the divergence has given."""

    epochs: dict[int, Epoch] = field(default_factory=dict)
    snapshot: Snapshot | None = None
    """After the last epoch before the divergence."""
    divergence: Divergence | None = None


def _replayed(trainer: NetworkTrainer, diverged: int) -> _Replayed:
    """Train until the divergence, which is to come in the epoch `diverged`, or to the end of that epoch."""
    found = _Replayed()
    if trainer.state.epoch == diverged - 1 > 0:
        found.snapshot = trainer.snapshot()
    try:
        for epoch in trainer.epochs():
            if epoch.number >= diverged:
                break
            found.epochs[epoch.number] = epoch
            if epoch.number == diverged - 1 > 0:
                found.snapshot = trainer.snapshot()
    except Diverged as error:
        found.divergence = error.divergence
    return found


def _is_same(replayed: _Replayed, stored: Sequence[Epoch], divergence: Divergence) -> bool:
    """Tell whether training again has given what is stored, bit for bit."""
    return replayed.divergence == divergence and all(_is_stored(epoch, stored) for epoch in replayed.epochs.values())


def _fork(
    row: TrialRecord, replayed: _Replayed, stored: Sequence[Epoch], losses: Sequence[BatchLosses]
) -> ForkPoint | None:
    """Return where twins go on; the epochs are the stored ones as far as they came again."""
    if replayed.snapshot is None:
        return None
    known = {epoch.number: epoch for epoch in stored} | {
        number: epoch for number, epoch in replayed.epochs.items() if not _is_stored(epoch, stored)
    }
    epochs = [known[number] for number in range(replayed.snapshot.epoch + 1)]
    return ForkPoint(row.seeds, replayed.snapshot, epochs, losses)


def _is_stored(epoch: Epoch, stored: Sequence[Epoch]) -> bool:
    return any((each.number, each.metrics) == (epoch.number, epoch.metrics) for each in stored)


def _correct(
    record: SweepRecord, row: TrialRecord, fork: ForkPoint, stored: Sequence[Epoch], store: Store
) -> bytes | None:
    """Return which examples are right at the epoch that stands for the twins; None where it is not the stored one."""
    chosen = record.objective.choose(fork.epochs)
    if chosen is None or chosen.number != row.best_epoch or not _is_stored(chosen, stored):
        return None
    found = store.correctness(record.id, [row.number])
    return pack(found[row.number]) if found else None


def _losses(record: SweepRecord, row: TrialRecord, store: Store, diverged: int) -> list[BatchLosses]:
    """Return the stored losses of the mini-batches of the epochs before the divergence."""
    frame = store.batches(record.id, row.number)
    before = frame[frame["epoch"] < diverged]
    return [BatchLosses(int(str(epoch)), tuple(rows["loss"])) for epoch, rows in before.groupby("epoch")]


class GradientNorms:
    """Collects the norm of the gradient of each step, over all parameters; an instrument of a network."""

    def __init__(self) -> None:
        self.norms: list[float] = []
        self._sum: float | None = None

    def __call__(self, place: str, *results: Any) -> None:
        """Take the results of one computation; the loss comes before the gradients of its step."""
        if place == "loss":
            self._end_step()
        elif place.endswith("/backward") and results[1] is not None:
            with np.errstate(all="ignore"):
                self._sum = (self._sum or 0.0) + squared_norm(results[1])

    def _end_step(self) -> None:
        if self._sum is not None:
            self.norms.append(math.sqrt(self._sum))
        self._sum = None

    def usual(self, *, is_untrained: bool = False) -> float | None:
        """Return the median over the first half of the steps before one that is not finite, in two digits.

        Pascanu et al. (2013) take the average norm over many steps for the threshold of clipping, and find that values
        from half of it to ten times as much work. In the first half a blow-up has mostly not begun, and the median is
        not moved by single steps that are already far off.

        Args:
            is_untrained: whether the steps are the first of a training that blows up within its first epoch. Of these
                the first alone is taken, as the second may be off already.
        """
        self._end_step()
        finite = list(takewhile(math.isfinite, self.norms))
        early = finite[:1] if is_untrained else finite[: (len(finite) + 1) // 2]
        return float(f"{median(early):.1e}") if early else None


def squared_norm(gradient: Any) -> float:
    """Return the sum of the squares of a gradient, in float64.

    That of an outer product left·rightᵀ is the sum of the products of the elements of leftᵀ·left and rightᵀ·right.
    """
    if isinstance(gradient, OuterProduct):
        left, right = gradient.left.astype(np.float64), gradient.right.astype(np.float64)
        return float(((left.T @ left) * (right.T @ right)).sum())
    flat = np.asarray(gradient, np.float64).ravel()
    return float(flat @ flat)
