"""What an adaptive sampler is: one whose points depend on the results of earlier ones."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from sweep.metrics import Objective
from sweep.records import Scalar
from sweep.space.samplers.base import Point, Sampler, Space


@dataclass(frozen=True, slots=True)
class Result:
    """How a configuration has done, as an adaptive sampler is told."""

    number: int
    """Number of the configuration, from 0."""
    parameters: Mapping[str, Scalar]
    """Drawn values by full name; the labels of choices."""
    value: float | None
    """Value of the objective, the mean over its repeats; None where it has diverged or failed."""
    stopped_after: int | None = None
    """Epochs after which a stopping rule ended it; None where it was trained to its end."""


class Adaptive(Sampler):
    """A way to choose points that depends on the results of earlier ones."""

    needs_rounds: ClassVar[bool]
    """Whether it waits until all configurations drawn so far have ended."""

    @abstractmethod
    def more(
        self,
        space: Space,
        seed: int,
        drawn: int,
        results: Sequence[Result],
        told: Sequence[Sequence[int]],
        objective: Objective,
    ) -> Sequence[Point]:
        """Return the points that can be drawn now, of numbers from `drawn` on; none where it waits for results.

        Args:
            drawn: number of configurations that are drawn already.
            results: of all that have ended, in the order in which they are told.
            told: of each drawn configuration, the numbers of the results that were told just before it was drawn.
        """

    def points(self, space: Space, seed: int) -> Iterator[Point]:
        """Yield the points that are drawn before there is any result."""
        return iter(self.more(space, seed, 0, (), (), Objective()))
