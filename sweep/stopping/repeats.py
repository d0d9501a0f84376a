"""Rules for configurations that are trained several times: which of them get no more trainings."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, inf
from statistics import fmean
from typing import Annotated

from annotated_types import Ge, Gt, Lt

from sweep.metrics import Objective


@dataclass(frozen=True, slots=True)
class Repeats:
    """The trainings of one configuration so far."""

    trial: int
    """Number of its first training."""
    values: Sequence[float]
    """Value of the objective of each training that was completed, in any order."""
    lost: int = 0
    """How many diverged or failed: they count as worse than all others."""
    waiting: int = 0
    """How many have not begun."""

    @property
    def finished(self) -> int:
        """How many have ended."""
        return len(self.values) + self.lost


@dataclass(frozen=True, slots=True)
class NoMoreRepeats:
    """The decision that a configuration gets no more trainings."""

    trial: int
    """Number of its first training."""
    value: float
    """The p-value."""
    threshold: float
    """The largest p-value at which it is decided."""
    reason: str
    """One clause that says why."""


class RepeatRule(ABC):
    """A way to decide which configurations are not worth more trainings; a frozen dataclass, as a `Rule` is.

    Trainings are to begin in the order of their repeats: the first ones of all configurations, then the second ones.
    """

    @abstractmethod
    def decide(self, configurations: Sequence[Repeats], objective: Objective) -> list[NoMoreRepeats]:
        """Return for which configurations the trainings that have not begun are left out."""


@dataclass(frozen=True, slots=True)
class Wilcoxon(RepeatRule):
    """Train a configuration no more once its trainings are clearly worse than those of the best configuration.

    The best one has the best mean of those with enough trainings. The others are compared with it by the rank-sum test
    of Wilcoxon, "Individual Comparisons by Ranking Methods" (1945), one-sided and exact, ties included; the seeds of
    two configurations have nothing to do with each other, so that the test for pairs is not for them. Since the best
    one is best by luck, too, and many are compared with it, more than the level of the equally good ones are left out.
    """

    level: Annotated[float, Gt(0), Lt(1)] = 0.05
    """Largest p-value at which a configuration is left out; three trainings against three reach 0.05, and no less."""
    trainings: Annotated[int, Ge(2)] = 3
    """Fewest trainings of both configurations that are compared."""

    def decide(self, configurations: Sequence[Repeats], objective: Objective) -> list[NoMoreRepeats]:
        """Compare each configuration that has trainings left with the best one."""
        sign = 1 if objective.is_max else -1
        known = [each for each in configurations if each.finished >= self.trainings]
        whole = [each for each in known if not each.lost]
        if not whole:
            return []
        best = max(whole, key=lambda each: (sign * fmean(each.values), -each.trial))
        found = []
        for each in known:
            if each is best or not each.waiting:
                continue
            p = rank_sum(_signed(each, sign), _signed(best, sign))
            if p <= self.level:
                reason = (
                    f"its {each.finished} trainings are worse than those of trial {best.trial} (rank sum, p = {p:.2g})"
                )
                found.append(NoMoreRepeats(each.trial, p, self.level, reason))
        return found


def _signed(repeats: Repeats, sign: int) -> list[float]:
    """Return values of which more is better."""
    return [*(sign * value for value in repeats.values), *[-inf] * repeats.lost]


def rank_sum(lower: Sequence[float], higher: Sequence[float]) -> float:
    """Return the probability of ranks as low as those of `lower`, if both came from one distribution.

    It is the share of all ways to draw as many of the values together whose ranks have at most the same sum; equal
    values have their mean rank.

    >>> rank_sum([1, 2, 3], [4, 5, 6])
    0.05
    """
    together = [*lower, *higher]
    ranks = [sum(other < value for other in together) + sum(other <= value for other in together) for value in together]
    ways = {(0, 0): 1}  # (how many are drawn, sum of their doubled ranks) -> in how many ways
    for rank in ranks:
        more: dict[tuple[int, int], int] = dict(ways)
        for (number, total), count in ways.items():
            key = number + 1, total + rank
            more[key] = more.get(key, 0) + count
        ways = more
    observed = sum(ranks[: len(lower)])
    as_low = sum(n for (number, total), n in ways.items() if number == len(lower) and total <= observed)
    return as_low / comb(len(together), len(lower))
