"""Independent draws from the distributions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from zlib import crc32

from sweep.errors import ExperimentError
from sweep.space.distributions import Distribution, Tree
from sweep.space.samplers.base import Point, Sampler, Space, random_point, value_at


@dataclass(frozen=True, slots=True)
class Random(Sampler):
    """Independent draws from the distributions."""

    def points(self, space: Space, seed: int) -> Iterator[Point]:
        """Yield points without end.

        Raises:
            ExperimentError: when two parameters would always be drawn alike.
        """
        check_checksums([parameter.name for parameter in space.parameters])
        return (random_pick(seed, number) for number in count())


def check_checksums(names: Iterable[str]) -> None:
    """Refuse two names of one checksum, by which draws are told apart."""
    first: dict[int, str] = {}
    for name in names:
        if (other := first.setdefault(crc32(name.encode()), name)) != name:
            raise ExperimentError(
                f"{other} and {name} have the same CRC-32, so both would be drawn alike; rename one of them"
            )


def random_pick(seed: int, trial: int, redraws: int = 0) -> Point:
    """Return the point of one trial, each parameter drawn independently from its distribution.

    Each number of redraws gives another point, whatever the sampler of the first one was.
    """
    redraw = f"|redraw {redraws}" if redraws else ""

    def pick(name: str, distribution: Distribution, depth: int) -> Tree:
        u = random_point(seed, trial, name + "|option" * depth + redraw)
        return value_at(distribution, u, seed, trial)

    return pick
