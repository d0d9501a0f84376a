"""Asynchronous successive halving, which waits for nobody: a trial goes on once it is among the best so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge

from sweep.metrics import Objective
from sweep.stopping.rungs import Decision, RungRule, Standing, has_reached, ranked, rungs, value_at, wording


@dataclass(frozen=True, slots=True)
class Asha(RungRule):
    """Let the best at the highest rung go on that is among the best floor(m / factor) of the m that have come there.

    Who goes on depends on which trials come first, and so on which are trained at the same time. Nothing is stopped
    before the end, when nobody is trained any more: if nobody has been trained to the end by then, the best at the
    highest rung is. Those that diverged or failed on the way to a rung rank last there. The rule is that of Li et al.,
    "A System for Massively Parallel Hyperparameter Tuning" (2020), algorithm 2.
    """

    is_asynchronous: ClassVar[bool] = True
    factor: Annotated[int, Ge(2)] = 2
    """One of so many goes on from each rung, and each rung is so many times as late as the one before."""
    first: Annotated[int, Ge(1)] = 3
    """Epoch of the first rung."""

    def start(self, place: int, planned: int) -> int | None:
        """Return the first rung, where it is before the end."""
        return self.first if self.first < planned else None

    def least_epochs(self) -> int:
        """Return the fewest epochs of which the first rung is not the end."""
        return self.first + 1

    def decide(self, group: Sequence[Standing], objective: Objective) -> list[Decision]:
        """Return one decision that lets a configuration go on, or those that stop all that are paused."""
        if not any(each.state == "paused" for each in group):
            return []
        epochs = rungs(self.first, self.factor, max(each.planned for each in group))
        highest_first = [_Rung.of(group, step, epochs, self.factor, objective) for step in reversed(range(len(epochs)))]
        for rung in highest_first:
            if able := rung.paused_among_best:
                return [rung.decision(able[0], objective, goes_on=True)]
        if any(each.state == "training" for each in group):
            return []
        if not any(each.state == "completed" for each in group):
            rung = next(rung for rung in highest_first if rung.paused)
            return [rung.run_to_the_end(rung.paused[0], objective)]
        stops = [rung.decision(each, objective, goes_on=False) for rung in highest_first for each in rung.paused]
        return sorted(stops, key=lambda decision: decision.trial)


@dataclass(frozen=True, slots=True)
class _Rung:
    """All that have come to a rung."""

    step: int
    """Its number, from 0."""
    epochs: Sequence[int]
    """Those of all rungs."""
    arrived: int
    """How many have come there; a training that is lost on the way counts, and one that ends before the rung."""
    ranked: Sequence[Standing]
    """Those of them that are not lost there, best first."""
    best: int
    """How many of them may go on."""

    @classmethod
    def of(
        cls, group: Sequence[Standing], step: int, epochs: Sequence[int], factor: int, objective: Objective
    ) -> _Rung:
        here = [each for each in group if each.promotions == step and each.state != "training"]
        gone = [each for each in group if each.promotions > step]
        able = [each for each in here if each.state != "lost"]
        arrived = len(here) + len(gone)
        return cls(step, epochs, arrived, ranked([*able, *gone], epochs[step], objective), arrived // factor)

    @property
    def paused(self) -> list[Standing]:
        """Those that wait there, best first."""
        return self._waiting(self.ranked)

    @property
    def paused_among_best(self) -> list[Standing]:
        """Those that may go on now, best first."""
        return self._waiting(self.ranked[: self.best])

    def _waiting(self, standings: Sequence[Standing]) -> list[Standing]:
        return [each for each in standings if each.state == "paused" and each.promotions == self.step]

    def decision(self, standing: Standing, objective: Objective, goes_on: bool) -> Decision:
        """Return the decision about one that waits there."""
        epoch = self.epochs[self.step]
        value = value_at(standing, epoch, objective)
        worst = self.ranked[: max(self.best, 1)][-1]
        threshold = value_at(worst, epoch, objective) if has_reached(worst, epoch) else value
        target = min([*self.epochs[self.step + 1 : self.step + 2], standing.planned]) if goes_on else None
        part = f"the best {self.best} of {self.arrived} so far at epoch {epoch}"
        reason = f"{wording(objective, value)} is {'' if goes_on else 'not '}among {part}"
        return Decision(standing.trial, epoch, value, threshold, target, reason)

    def run_to_the_end(self, standing: Standing, objective: Objective) -> Decision:
        """Return the decision that the best one is trained to its end."""
        epoch = self.epochs[self.step]
        value = value_at(standing, epoch, objective)
        reason = f"{wording(objective, value)} is the best at epoch {epoch}, and no trial has been trained to its end"
        return Decision(standing.trial, epoch, value, value, standing.planned, reason)
