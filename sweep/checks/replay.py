"""Training a stored trial again from its seeds, and comparing every figure with the stored one, bit for bit.

A change of our own arithmetic moves last bits; `Replay.moved` names those that concern the trial.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from sweep.checks.again import stored_trainer
from sweep.errors import Call, SweepError
from sweep.experiment.imported import refuse_imported
from sweep.metrics import NATIVE_METRICS
from sweep.observer import Observer, Silent
from sweep.records import Divergence, Epoch, SweepRecord, TrialRecord
from sweep.runner.prepare import prepare_again
from sweep.store import Store
from sweep.store.correctness import pack, unpack
from sweep.system.arithmetic import ARITHMETIC, arithmetic_of, moved_since
from sweep.system.environment import environment, one_blas_thread
from sweep.training.build import is_deterministic
from sweep.training.divergence import Diverged
from sweep.training.products import PRODUCTS
from sweep.training.trainer import Trainer
from sweep.trial.weights import keeping

FINISHED = ("completed", "diverged")
"""Statuses of trials that have ended by themselves; of others only the stored epochs can be compared."""
LOSS = "loss of mini-batch"
CORRECT = "correct examples"
CLOSE = 1e-4
"""Largest relative difference of figures that agree, but for last bits that the arithmetic has moved."""


@dataclass(frozen=True)
class Correct:
    """Which examples a classifier has right."""

    packed: bytes
    """As the database has it."""

    def __str__(self) -> str:
        """Return how many are right, and a digest that tells which."""
        right = unpack(self.packed)
        return f"{right.sum():,} of {len(right):,} right, SHA-256 {hashlib.sha256(self.packed).hexdigest()[:16]}"

    def difference(self, other: Correct) -> float:
        """Return the share of the examples that one of both alone has right; infinite of other examples."""
        one, two = unpack(self.packed), unpack(other.packed)
        return float((one != two).mean()) if len(one) == len(two) else math.inf


@dataclass(frozen=True)
class Outcome:
    """The figures of a training."""

    epochs: tuple[Epoch, ...]
    losses: dict[tuple[int, int], float]
    """Losses of mini-batches by (epoch, step), as far as they are recorded."""
    divergence: Divergence | None
    correct: tuple[int, Correct] | None = None
    """The epoch that stands for the trial, and which examples are right then, where that is stored."""

    @property
    def frame(self) -> pd.DataFrame:
        """One row for each epoch: epoch, the metrics, seconds."""
        rows = [{"epoch": each.number, **each.metrics, "seconds": each.seconds} for each in self.epochs]
        return pd.DataFrame(rows, columns=["epoch", *_names(self.epochs), "seconds"])

    @property
    def figures(self) -> dict[int, dict[str, Any]]:
        """Everything that must be the same in each training of the trial, by epoch and name; not the times."""
        found: dict[int, dict[str, Any]] = {}
        for epoch in self.epochs:
            found[epoch.number] = {name: epoch.metrics[name] for name in _names(self.epochs) if name in epoch.metrics}
        for (number, step), loss in self.losses.items():
            found.setdefault(number, {})[f"{LOSS} {step}"] = loss
        if self.correct:
            found.setdefault(self.correct[0], {})[CORRECT] = self.correct[1]
        if self.divergence:
            found.setdefault(self.divergence.epoch, {})["divergence"] = described(self.divergence)
        return found


def _names(epochs: Sequence[Epoch]) -> list[str]:
    """Return the names of the metrics, ours in the order of tables."""
    names = dict.fromkeys(name for epoch in epochs for name in epoch.metrics)
    return [*(name for name in NATIVE_METRICS if name in names), *(n for n in names if n not in NATIVE_METRICS)]


def described(divergence: Divergence) -> str:
    """Return where a trial diverged within its epoch."""
    return f"{divergence.kind} in {divergence.place}, step {divergence.step}"


@dataclass(frozen=True)
class Replay:
    """A trial as stored, and as trained again."""

    name: str
    """Sweep and number, such as `mnist-widths/12`."""
    status: str
    stored: Outcome
    now: Outcome
    changes: pd.DataFrame
    """Differences to the environment in which the sweep began: what, then, now."""
    arithmetic: int = ARITHMETIC
    """Version of the arithmetic with which the sweep began."""
    moved: tuple[str, ...] = ()
    """What has changed in the arithmetic since then and moves the last bits of this trial."""

    @property
    def is_finished(self) -> bool:
        """Whether the trial has ended by itself; of others only the stored epochs were trained."""
        return self.status in FINISHED

    @property
    def different(self) -> list[int]:
        """The epochs that differ in any bit, or that only one side has, in order."""
        # Equal floats have equal bits, but for the sign of zero, which SQLite does not keep.
        then, now = self.stored.figures, self.now.figures
        return [epoch for epoch in sorted({*then, *now}) if then.get(epoch) != now.get(epoch)]

    @property
    def largest_difference(self) -> float:
        """The largest relative difference of a stored figure and the present one; infinite if one is missing."""
        return max((self.difference_in(epoch) for epoch in self.different), default=0.0)

    def difference_in(self, epoch: int) -> float:
        """Return the largest relative difference of the figures of an epoch; infinite if one is missing."""
        then, now = (outcome.figures.get(epoch, {}) for outcome in (self.stored, self.now))
        return max(_relative_differences(then, now), default=0.0)

    def beside(self, epoch: int) -> pd.DataFrame:
        """Return the figures of an epoch in full precision: figure, stored, now.

        Of the losses of mini-batches only the first that differs is included, and which examples are right only if that
        differs.
        """
        then, now = (outcome.figures.get(epoch, {}) for outcome in (self.stored, self.now))
        names = [*{**then, **now}]
        losses = [name for name in names if name.startswith(LOSS)]
        wrong = [name for name in losses if then.get(name) != now.get(name)]
        shown = [name for name in names if name not in losses and (name != CORRECT or then.get(name) != now.get(name))]
        shown += wrong[:1]
        rows = [(name, _exact(then.get(name)), _exact(now.get(name))) for name in shown]
        return pd.DataFrame(rows, columns=["figure", "stored", "now"])


def _relative_differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[float]:
    """Yield the relative difference of each figure of an epoch."""
    for name in {*then, *now}:
        before, after = then.get(name), now.get(name)
        if before == after:
            yield 0.0
        elif isinstance(before, float | int) and isinstance(after, float | int):
            yield abs(before - after) / max(abs(before), abs(after))
        elif isinstance(before, Correct) and isinstance(after, Correct):
            yield before.difference(after)
        else:
            yield math.inf


def _exact(value: object) -> str:
    if value is None:
        return "missing"
    return str(value) if isinstance(value, str | Correct) else repr(value)


def replay(
    record: SweepRecord,
    number: int,
    store: Store,
    *,
    data: Path | None = None,
    observer: Observer | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Replay:
    """Train a trial again in this process, with one BLAS thread; nothing is written to the database.

    A trial that has not ended by itself is trained as far as its stored epochs.

    Args:
        data: folder of the data set's files; by default where the sweep found them.
        progress: called with (epochs done, all epochs).

    Raises:
        SweepError: when there is no such trial, its trainer is not deterministic, it has no epochs yet, or its data
            set is missing or another one.
    """
    refuse_imported(record)
    name, row = f"{record.name}/{number}", store.trial(record.id, number)
    _check_deterministic(name, row.configuration)
    last = None if row.status in FINISHED else row.last_epoch
    if last is None and row.status not in FINISHED:
        raise SweepError(f"{name} is {row.status} and has no epochs yet; train it with: ", Call("resume", record.name))
    stored = _stored(store, record.id, row, last)
    folders = prepare_again(record, data, observer or Silent())
    with one_blas_thread():
        trainer = stored_trainer(record, row, store, folders)
        correct_at = (stored.correct[0], str(record.objective.judged_part)) if stored.correct else None
        now = _train(trainer, keeping(row.configuration).batches, last, correct_at, progress)
    version = arithmetic_of(record.environment)
    moved = tuple(moved_since(version, row.configuration))
    return Replay(name, row.status, stored, now, _changes(record, bool(moved)), version, moved)


def _check_deterministic(name: str, configuration: Mapping[str, Any]) -> None:
    """Refuse a user's own trainer that is not said to give the same figures for the same seed."""
    if not is_deterministic(configuration):
        raise SweepError(
            f"{name} is not trained again for comparison, since its trainer need not give the same figures; if it does "
            "for the same seed, run the sweep with deterministic = true in its trainer table"
        )


def _stored(store: Store, sweep_id: int, row: TrialRecord, last: int | None) -> Outcome:
    """Return the stored figures of a trial; of a running one up to the `last` epoch of its row."""
    end = last if row.status == "running" else None
    epochs = store.trial_epochs(sweep_id, row.number)
    losses = store.batches(sweep_id, row.number)[["epoch", "step", "loss"]]
    return Outcome(
        tuple(epoch for epoch in epochs if end is None or epoch.number <= end),
        {(epoch, step): loss for epoch, step, loss in losses.itertuples(index=False) if end is None or epoch <= end},
        row.divergence if row.status == "diverged" else None,
        _stored_correct(store, sweep_id, row, epochs),
    )


def _stored_correct(
    store: Store, sweep_id: int, row: TrialRecord, epochs: Sequence[Epoch]
) -> tuple[int, Correct] | None:
    """Return at which of the stored epochs which examples are right; None where that is not known, or may change."""
    if row.status == "running" or row.best_epoch not in [epoch.number for epoch in epochs]:
        return None
    found = store.correctness(sweep_id, [row.number])
    return (row.best_epoch, Correct(pack(found[row.number]))) if found else None


def _train(
    trainer: Trainer,
    record_batches: bool,
    last: int | None,
    correct_at: tuple[int, str] | None,
    progress: Callable[[int, int], None],
) -> Outcome:
    """Train to the end, or up to the `last` epoch; look at what is right in a part of the data at an epoch."""
    end = trainer.planned_epochs if last is None else last
    epochs: list[Epoch] = []
    losses: dict[tuple[int, int], float] = {}
    found: tuple[int, Correct] | None = None

    def keep_losses(epoch: int) -> None:
        if record_batches:
            losses.update({(epoch, step): loss for step, loss in enumerate(trainer.batch_losses, start=1)})

    try:
        for epoch in trainer.epochs():
            epochs.append(epoch)
            keep_losses(epoch.number)
            if correct_at and epoch.number == correct_at[0]:
                right = trainer.correct(correct_at[1])
                found = None if right is None else (epoch.number, Correct(pack(right)))
            progress(epoch.number, end)
            if epoch.number == last:
                break
    except Diverged as error:
        keep_losses(error.divergence.epoch)
        return Outcome(tuple(epochs), losses, error.divergence, found)
    return Outcome(tuple(epochs), losses, None, found)


def _changes(record: SweepRecord, is_moved: bool) -> pd.DataFrame:
    """Return the differences of the environments; that of the arithmetic only if it moves bits of the trial."""
    now = environment()
    version = str(arithmetic_of(record.environment)) if is_moved else now["arithmetic"]
    then = {key: value for key, value in record.environment.items() if key != PRODUCTS}  # it is taken again
    then |= {"arithmetic": version}
    rows = [(key, then.get(key, ""), now.get(key, "")) for key in {**then, **now} if then.get(key) != now.get(key)]
    return pd.DataFrame(rows, columns=["what", "then", "now"])
