"""What a rung rule is: trials pause at certain epochs, the rungs, where it decides which of them go on.

Unlike a `Rule`, it sees all configurations that compete. It is a pure function of how far they have come, so that it
may be asked at any time, by any process and again: it gives those decisions that can be made now.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import StatisticsError, correlation
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Le

from sweep.metrics import Objective

State = Literal["training", "paused", "completed", "lost"]


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a configuration has come."""

    trial: int
    """Number of its first training."""
    state: State
    """Training: queued or running; lost: diverged, failed, or stopped by any rule."""
    values: Sequence[float]
    """Value of the objective's metric after each epoch, from epoch 1; the mean over its repeats."""
    planned: int
    """Epochs of the whole training."""
    promotions: int
    """How often a rule has let it go on."""
    place: int | None = None
    """Its place in its group, from 0, those that are left out counted; None for its place among those given."""

    @property
    def epoch(self) -> int:
        """The number of the last epoch."""
        return len(self.values)


@dataclass(frozen=True, slots=True)
class Decision:
    """What a rule decides about a paused configuration."""

    trial: int
    epoch: int
    """The epoch after which it is paused."""
    value: float
    """What the rule looked at: its best value so far, or its last one, as the objective says."""
    threshold: float
    """The value of the worst one that goes on; equal values are ordered by trial number."""
    target: int | None
    """Epochs to which it goes on; None where it stops here."""
    reason: str
    """One clause that says why."""


@dataclass(frozen=True, slots=True)
class RungRule(ABC):
    """A way to decide which of the configurations that compete go on.

    A group is the set of configurations that compete: all of a sweep, a round of a sampler, or a later extension. A
    kind is a frozen dataclass as that of a `Rule` is, and one entry of the same `KINDS`.
    """

    is_asynchronous: ClassVar[bool] = False
    """Whether to ask it whenever a worker is free, as it does not wait until all trials have come to a rung."""

    audit: Annotated[float, Ge(0), Le(1)] = 0.0
    """Fraction of the trials to be stopped, drawn at random, that are trained to their end all the same."""

    @abstractmethod
    def start(self, place: int, planned: int) -> int | None:
        """Return the epoch after which the trial at a place of its group first pauses; None where it never does."""

    def least_epochs(self) -> int:
        """Return the fewest planned epochs with which a trial can be stopped."""
        return 1

    def warning(self, planned: int) -> str | None:
        """Return, as one clause, why no trial of so many planned epochs is stopped; None where one may be."""
        if planned >= self.least_epochs():
            return None
        return f"no trial is stopped: the rule needs at least {self.least_epochs()} epochs, not {planned}"

    @abstractmethod
    def decide(self, group: Sequence[Standing], objective: Objective) -> list[Decision]:
        """Return the decisions that can be made now, by trial number; none where the rule has to wait.

        The group is given in the order of trial numbers, without the trials that are trained to their end for an audit.
        All decisions of one call are to be carried out together.
        """


def value_at(standing: Standing, epoch: int, objective: Objective) -> float:
    """Return what stands for a configuration after an epoch: its best value so far, or its last one."""
    values = standing.values[:epoch]
    if objective.epoch == "last":
        return values[-1]
    return max(values) if objective.is_max else min(values)


def ranked(standings: Iterable[Standing], epoch: int, objective: Objective) -> list[Standing]:
    """Return configurations by their values after an epoch, best first.

    One that has fewer epochs was let go on from there and is trained again from its start: it comes first, since it
    keeps its place.
    """
    sign = -1 if objective.is_max else 1

    def key(standing: Standing) -> tuple[bool, float, int]:
        is_known = has_reached(standing, epoch)
        return is_known, sign * value_at(standing, epoch, objective) if is_known else 0.0, standing.trial

    return sorted(standings, key=key)


def has_reached(standing: Standing, epoch: int) -> bool:
    """Tell whether a configuration has the values up to an epoch, or up to its end before that."""
    return standing.epoch >= min(epoch, standing.planned)


def rungs(first: int, factor: int, planned: int) -> list[int]:
    """Return the epochs first, first · factor, first · factor², … that are less than the planned ones.

    >>> rungs(3, 2, 50)
    [3, 6, 12, 24, 48]
    """
    found = []
    while first < planned:
        found.append(first)
        first *= factor
    return found


def wording(objective: Objective, value: float) -> str:
    """Return how a reason names a value, such as "its best test_accuracy, 0.9"."""
    return f"its {objective.epoch} {objective.metric}, {value:.4g},"


def spearman(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Return Spearman's correlation of ranks, equal values at their mean rank; None where it is not defined.

    >>> spearman([1, 2, 3], [10, 30, 20])
    0.5
    """
    try:
        return correlation(_ranks(first), _ranks(second))
    except StatisticsError:  # fewer than two values, or all are equal
        return None


def _ranks(values: Sequence[float]) -> list[float]:
    """Return the rank of each value, from 1; the mean rank of those that are equal."""
    order = sorted(values)
    first = {value: index for index, value in reversed(list(enumerate(order)))}
    last = {value: index for index, value in enumerate(order)}
    return [(first[value] + last[value]) / 2 + 1 for value in values]
