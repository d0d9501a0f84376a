"""Independent draws from the distributions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from sweep.space.distributions import Distribution, Tree
from sweep.space.samplers.base import Point, Sampler, Space, random_point


@dataclass(frozen=True, slots=True)
class Random(Sampler):
    """Independent draws from the distributions."""

    def points(self, space: Space, seed: int) -> Iterator[Point]:
        """Yield points without end."""
        return (random_pick(seed, number) for number in count())


def random_pick(seed: int, trial: int) -> Point:
    """Return the point of one trial, each parameter drawn independently from its distribution."""

    def pick(name: str, distribution: Distribution, depth: int) -> Tree:
        return distribution.at(random_point(seed, trial, name + "|option" * depth))

    return pick
