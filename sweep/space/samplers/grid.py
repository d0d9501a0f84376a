"""All combinations of some values of each parameter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Annotated, Any, ClassVar

from annotated_types import Ge

from sweep.errors import ExperimentError, suggest
from sweep.records import Parameter
from sweep.space.distributions import Choice, Integer, Tree, Uniform
from sweep.space.samplers.base import Point, Sampler, Space
from sweep.space.samplers.dimensions import Key, picked
from sweep.space.trees import children

MOST = 1_000_000
"""The most points of a grid."""
DEFAULT = 5
"""Values of a numeric parameter that the file does not name."""

Count = Annotated[int, Ge(1)]
Levels = Callable[[str], int]
"""Full name of a parameter -> how many values of it there are."""


@dataclass(frozen=True, slots=True)
class Grid(Sampler):
    """All combinations of some values of each parameter, the last one varying fastest.

    The values of a number are quantiles at equal distances, its ends included; of integers that are fewer, all. Of a
    choice all options are taken, each with the values of the distributions in it.
    """

    levels: Count | dict[str, Count] = DEFAULT
    """Values of each number, or of some by full or short name; the others have 5."""

    needs_trials: ClassVar[bool] = False
    can_redraw: ClassVar[bool] = False

    def points(self, space: Space, seed: int) -> Iterator[Point]:
        """Yield all combinations.

        Raises:
            ExperimentError: when there are more of them than trials, or a name is not one of a number.
        """
        levels = self._levels(space.parameters)
        size = _size(space.tree, "", levels)
        if space.trials is not None and size > space.trials:
            raise ExperimentError(
                f"the grid has {size:,} points, more than trials = {space.trials}; leave out trials to train all, or "
                "give fewer values with levels"
            )
        if size > MOST:
            raise ExperimentError(f"the grid has {size:,} points, more than {MOST:,}; give fewer values with levels")
        return (picked(values) for values in _combinations(space.tree, "", 0, levels))

    def _levels(self, parameters: list[Parameter]) -> Levels:
        """Return how many values there are of a parameter."""
        given = self.levels
        if isinstance(given, int):
            return lambda name: given
        full = {parameter.short_name: parameter.name for parameter in parameters if not parameter.categorical}
        known = {**full, **{name: name for name in full.values()}}
        for name in given:
            if name not in known:
                hint = suggest(name, known) if known else "there is none"
                raise ExperimentError(f"sampler.levels names {name!r}, which is not a searched number; {hint}")
        by_name = {known[name]: count for name, count in given.items()}
        return lambda name: by_name.get(name, DEFAULT)


def _values(distribution: Uniform | Integer, count: int) -> list[Any]:
    """Return values of a number at equal distances in its quantiles, each once."""
    if isinstance(distribution, Integer):
        every = range(distribution.low, distribution.high + 1, distribution.step)
        if len(every) <= count:
            return list(every)
    places = [0.5] if count == 1 else [k / (count - 1) for k in range(count)]
    return list(dict.fromkeys(distribution.at(place) for place in places))


def _size(tree: Tree, path: str, levels: Levels) -> int:
    """Return how many combinations there are."""
    if isinstance(tree, Choice):
        return sum(_size(option, path, levels) for option in tree.options)
    if isinstance(tree, Uniform | Integer):
        return len(_values(tree, levels(path)))
    return prod(_size(value, child, levels) for child, value in children(tree, path))


def _combinations(tree: Tree, path: str, depth: int, levels: Levels) -> Iterator[dict[Key, Any]]:
    """Yield all combinations: the value, or the option, of each distribution that there is."""
    if isinstance(tree, Choice):
        for option in tree.options:
            for inside in _combinations(option, path, depth + 1, levels):
                yield {(path, depth): option, **inside}
    elif isinstance(tree, Uniform | Integer):
        yield from ({(path, depth): value} for value in _values(tree, levels(path)))
    else:
        parts = [list(_combinations(value, child, 0, levels)) for child, value in children(tree, path)]
        for chosen in product(*parts):
            yield {key: value for part in chosen for key, value in part.items()}
