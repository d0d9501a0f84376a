"""What samplers share whose points fill a space more evenly than independent draws; SciPy makes the points."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from itertools import repeat
from typing import TYPE_CHECKING, Any, ClassVar
from zlib import crc32

from sweep.errors import ExperimentError
from sweep.space.samplers.base import Point, Sampler, Space
from sweep.space.samplers.dimensions import at, dimensions

if TYPE_CHECKING:
    import numpy as np
    from scipy.stats.qmc import QMCEngine

CHUNK = 64
"""Points that are made at a time; a power of 2, in which Sobol's points are balanced."""


class LowDiscrepancy(Sampler):
    """A scrambled sequence of points of the unit cube, one dimension for each distribution.

    A distribution inside an option has a dimension of its own, which is used where the option is chosen. The scramble
    depends on the seed; other versions of SciPy may scramble in other ways, which changes no trial that is stored.
    """

    kind: ClassVar[str]
    """Its name in an experiment file."""
    most_dimensions: ClassVar[int] = 10_000
    """The most that the method allows."""

    @abstractmethod
    def engine(self, count: int, rng: np.random.Generator) -> QMCEngine:
        """Return what makes points of so many dimensions."""

    def points(self, space: Space, seed: int) -> Iterator[Point]:
        """Yield points without end.

        Raises:
            ExperimentError: when the space has more dimensions than the method allows.
        """
        import numpy as np

        keys = dimensions(space.tree)
        if len(keys) > self.most_dimensions:
            raise ExperimentError(
                f"the sampler '{self.kind}' has at most {self.most_dimensions:,} dimensions, and the space has "
                f"{len(keys):,} distributions; give sampler = 'random'"
            )
        if not keys:
            return repeat(at([], [], seed, 0))
        stream = np.random.default_rng([seed, crc32(type(self).__name__.encode())])
        rows = enumerate(self.rows(self.engine(len(keys), stream), space))
        return (at(keys, row, seed, number) for number, row in rows)

    def external(self, space: Space) -> Mapping[str, Any]:
        """Return the names of the dimensions, whose order in the file decides which coordinate each has."""
        return {"dimensions": dimensions(space.tree)}

    def rows(self, engine: QMCEngine, space: Space) -> Iterator[Any]:
        """Yield the coordinates of one point after the other, without end."""
        while True:
            yield from engine.random(CHUNK)
