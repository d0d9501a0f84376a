"""Random draws that keep to what a model written in a file holds for the best."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from math import ceil
from typing import Annotated, Any

from pydantic import Field

from sweep.space.samplers.base import Point, Sampler, Space
from sweep.space.samplers.random import check_checksums, random_pick
from sweep.space.samplers.screened import Chance, explores


@dataclass(frozen=True, slots=True)
class Screen(Sampler):
    """Random draws screened by a model that a file holds.

    A trial is with probability `explore` a draw from the whole space, and else the first of its uniform points whose
    score reaches the model's threshold. Parameters that the model does not have are drawn from their distributions.
    """

    file: Annotated[str, Field(min_length=1)]
    """Path of the model, relative to the folder of the experiment file; see `sweep.space.screens`."""
    explore: Chance = 0.15
    """The probability of a draw from the whole space."""

    def points(self, space: Space, seed: int) -> Iterator[Point]:
        """Yield points without end.

        Raises:
            ExperimentError: when the file cannot be read, or is a model of another space.
        """
        from sweep.space.coordinates import slots
        from sweep.space.screening import ATTEMPTS, accepted
        from sweep.space.screens import load

        check_checksums([parameter.name for parameter in space.parameters])
        screen, places = load(space.folder / self.file), slots(space.tree)
        screen.check(places, self.file)
        attempts = ceil(ATTEMPTS / screen.keep)
        return (
            random_pick(seed, number)
            if not places or explores(seed, number, self.explore)
            else accepted(screen.model, places, seed, number, attempts, set())
            for number in count()
        )

    def external(self, space: Space) -> Mapping[str, Any]:
        """Return the model."""
        from sweep.space.screens import load

        return {"screen": load(space.folder / self.file).text()}
