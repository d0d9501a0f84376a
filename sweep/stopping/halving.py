"""Successive halving: at each rung all trials wait for each other, and the best part of them goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Annotated, Any, Literal

from annotated_types import Ge
from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from sweep.metrics import Objective
from sweep.stopping.rungs import Decision, RungRule, Standing, has_reached, ranked, rungs, spearman, value_at, wording

CANDIDATES = (2, 3, 4, 5, 6, 8, 10, 12)
"""Epochs of which `first = "auto"` chooses the first rung."""
SHORTEST = 10
"""Fewest planned epochs with which `first = "auto"` stops anything."""
AGREEMENT = 0.85
"""Spearman's correlation between the ranks at half a candidate's epochs and at the candidate from which it is taken."""


def _check_first(value: Any) -> Any:
    """Refuse what is neither an epoch nor "auto", in one sentence for both."""
    is_epoch = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    if is_epoch or value == "auto":
        return value
    raise PydanticCustomError(
        "values", 'must be an integer of at least 1, or "auto", not {given}', {"given": repr(value)}
    )


FirstRung = Annotated[int | Literal["auto"], BeforeValidator(_check_first)]


@dataclass(frozen=True, slots=True)
class Halving(RungRule):
    """Let the best of each rung go on once all that entered it have come there.

    Of n configurations that entered a rung, ceil(n / factor) go on; those that diverged, failed or were stopped rank
    last and never go on. Which trials are trained at the same time makes no difference. A training that is planned to
    end before a rung counts there with its value. The rule is that of Jamieson and Talwalkar, "Non-stochastic Best
    Arm Identification and Hyperparameter Optimization" (2016), with the number of configurations given.
    """

    factor: Annotated[int, Ge(2)] = 2
    """One of so many goes on at each rung, and each rung is so many times as late as the one before."""
    first: FirstRung = 3
    """Epoch of the first rung; "auto" takes the first of 2, 3, 4, 5, 6, 8, 10 and 12 at which the ranks have settled:
    their correlation (Spearman) with those at half of these epochs is at least 0.85."""

    def start(self, place: int, planned: int) -> int | None:
        """Return the first rung, or the first candidate for it, where it is before the end."""
        if self.first == "auto":
            return CANDIDATES[0] if planned >= SHORTEST else None
        return self.first if self.first < planned else None

    def least_epochs(self) -> int:
        """Return the fewest epochs of which the first rung is not the end."""
        return SHORTEST if self.first == "auto" else self.first + 1

    def decide(self, group: Sequence[Standing], objective: Objective) -> list[Decision]:
        """Return the decisions of the first rung at which a configuration is paused, if all have come there."""
        paused = [each for each in group if each.state == "paused"]
        if not paused:
            return []
        step = min(each.promotions for each in paused)
        if self.first == "auto":
            epoch = next(each.epoch for each in paused if each.promotions == step)
            selecting = self._selecting_from(group, step, epoch, objective)
        else:
            selecting = 0
        planned = max(each.planned for each in group)
        return _at_step(step, self._epochs(selecting, planned), selecting, self.factor, group, objective)

    def _epochs(self, selecting: int, planned: int) -> list[int]:
        """Return the epochs of all pauses, given at which of them trials are first stopped."""
        if self.first != "auto":
            return rungs(self.first, self.factor, planned)
        waits = [epoch for epoch in CANDIDATES[:selecting] if epoch < planned]
        if selecting == len(CANDIDATES):
            return waits
        return [*waits, *rungs(CANDIDATES[selecting], self.factor, planned)]

    def _selecting_from(self, group: Sequence[Standing], step: int, epoch: int, objective: Objective) -> int:
        """Return the index of the candidate that is the first rung, given where configurations are paused.

        Where they are paused at a candidate, it is this one or a later one. A rung after the first one tells it: with
        the same number of pauses, an earlier first rung leads to a later epoch.
        """
        if step < len(CANDIDATES) and CANDIDATES[step] == epoch:
            here = [each for each in group if each.epoch >= epoch and not _is_lost(each, step)]
            half = [value_at(each, ceil(epoch / 2), objective) for each in here]
            agreement = spearman(half, [value_at(each, epoch, objective) for each in here])
            return step if agreement is not None and agreement >= AGREEMENT else step + 1
        possible = range(min(step, len(CANDIDATES)))
        return next(each for each in possible if CANDIDATES[each] * self.factor ** (step - each) == epoch)


def _is_lost(standing: Standing, step: int) -> bool:
    """Tell whether a configuration was lost before it was let go on at a pause."""
    return standing.state == "lost" and standing.promotions <= step


def _at_step(
    step: int, epochs: Sequence[int], selecting: int, factor: int, group: Sequence[Standing], objective: Objective
) -> list[Decision]:
    """Return the decisions at a pause, the earlier ones being decided."""
    entered = list(group)
    for earlier in range(step):
        going_on = _going_on(entered, earlier, epochs, selecting, factor, objective)
        entered = [each for each in entered if each.promotions > earlier or _is_completed_among(each, going_on)]
    if any(each.state == "training" and each.promotions <= step for each in entered):
        return []
    going_on = _going_on(entered, step, epochs, selecting, factor, objective)
    deciding = [each for each in entered if each.state == "paused" and each.promotions == step]
    epoch, numbers = epochs[step], {each.trial for each in going_on}
    found = []
    for each in deciding:
        value, goes_on = value_at(each, epoch, objective), each.trial in numbers
        threshold = value_at(going_on[-1], epoch, objective) if has_reached(going_on[-1], epoch) else value
        target = min([*epochs[step + 1 : step + 2], each.planned]) if goes_on else None
        if step < selecting:
            reason = _wait(epochs, step)
        else:
            part = f"the best {ceil(len(entered) / factor)} of {len(entered)} at epoch {epoch}"
            reason = f"{wording(objective, value)} is {'' if goes_on else 'not '}among {part}"
        found.append(Decision(each.trial, epoch, value, threshold, target, reason))
    return sorted(found, key=lambda decision: decision.trial)


def _is_completed_among(standing: Standing, others: Sequence[Standing]) -> bool:
    """Tell whether a configuration that is completed is one of some."""
    return standing.state == "completed" and any(standing is other for other in others)


def _going_on(
    entered: Sequence[Standing], step: int, epochs: Sequence[int], selecting: int, factor: int, objective: Objective
) -> list[Standing]:
    """Return those that go on from a pause, best first."""
    able = ranked((each for each in entered if not _is_lost(each, step)), epochs[step], objective)
    return able if step < selecting else able[: ceil(len(entered) / factor)]


def _wait(epochs: Sequence[int], step: int) -> str:
    """Return why all go on from a candidate for the first rung."""
    epoch = epochs[step]
    unlike = f"the ranks at epoch {epoch} do not agree yet with those at epoch {ceil(epoch / 2)}"
    if step + 1 < len(epochs):
        return f"{unlike}, so that all go on to epoch {epochs[step + 1]}"
    return f"{unlike}, and there is no later candidate for the first rung, so that no trial is stopped"
