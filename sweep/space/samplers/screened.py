"""Rounds of random draws, each of which keeps to what a model of the results before it holds for the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Annotated, ClassVar

from pydantic import Field

from sweep.metrics import Objective
from sweep.space.samplers.adaptive import Adaptive, Result
from sweep.space.samplers.base import Point, Space, random_point
from sweep.space.samplers.random import check_checksums, random_pick

ROUND = 25
"""Configurations of a round where the file does not say how many there are in all."""

Chance = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True, slots=True)
class Screened(Adaptive):
    """Random draws in rounds; those of a later round are screened by a model of all earlier results.

    The first round is drawn as `random` draws. A trial of a later one is with probability `explore` such a draw, too,
    and else the first of its uniform points that the model counts among the best share `keep` of the space. Where
    nothing is continuous, a configuration that has a result, or is drawn in the same round, is passed over.
    """

    rounds: Annotated[int, Field(ge=1)] = 4
    """Equal rounds in which the trials of the file are drawn; the first one takes the remainder, too."""
    keep: Annotated[float, Field(ge=0.0001, le=1)] = 0.01
    """The share of the space in which later rounds are drawn."""
    explore: Chance = 0.15
    """The probability of a draw from the whole space."""

    needs_rounds: ClassVar[bool] = True

    def more(
        self,
        space: Space,
        seed: int,
        drawn: int,
        results: Sequence[Result],
        told: Sequence[Sequence[int]],
        objective: Objective,
    ) -> Sequence[Point]:
        """Return the points of the next round; none before all earlier ones have ended.

        Raises:
            ExperimentError: when two parameters would always be drawn alike.
        """
        check_checksums([parameter.name for parameter in space.parameters])
        results = [result for result in results if result.number < drawn]
        if len(results) < drawn:
            return ()
        numbers = range(drawn, self.end_of_round(drawn, space))
        if drawn < self._first(space.trials):
            return [random_pick(seed, number) for number in numbers]
        return self._screened(space, seed, numbers, results, objective)

    def _first(self, trials: int | None) -> int:
        """Return the size of the first round."""
        if trials is None:
            return ROUND
        return trials - (min(self.rounds, trials) - 1) * (trials // min(self.rounds, trials))

    def end_of_round(self, drawn: int, space: Space) -> int:
        """Return how many configurations are drawn once the next round is.

        What an extension adds to the trials of the file is one round.
        """
        trials, first = space.trials, self._first(space.trials)
        total = space.total if space.total is not None else trials
        if drawn < first:
            end = first
        elif trials is not None and drawn < trials:
            size = trials // min(self.rounds, trials)
            end = first + ceil((drawn + 1 - first) / size) * size
        else:
            end = total if total is not None and total > drawn else drawn + ROUND
        return end if total is None else min(end, max(total, drawn))

    def _screened(
        self, space: Space, seed: int, numbers: range, results: Sequence[Result], objective: Objective
    ) -> list[Point]:
        # NumPy is loaded once there are results, not with every experiment file.
        from sweep.space.coordinates import slots
        from sweep.space.screening import ATTEMPTS, accepted, keys_of, screened_model

        places = slots(space.tree)
        model = screened_model(places, results, objective, seed, numbers.start, self.keep)
        if model is None:
            return [random_pick(seed, number) for number in numbers]
        attempts, known = ceil(ATTEMPTS / self.keep), keys_of(places, results)
        return [
            random_pick(seed, number)
            if explores(seed, number, self.explore)
            else accepted(model, places, seed, number, attempts, known)
            for number in numbers
        ]


def explores(seed: int, number: int, probability: float) -> bool:
    """Tell whether a point is drawn from the whole space."""
    return random_point(seed, number, "whether to explore") < probability
