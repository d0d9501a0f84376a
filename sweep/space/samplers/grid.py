"""All combinations of some values of each parameter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Annotated, Any, ClassVar

from pydantic import SkipValidation

from sweep.errors import ExperimentError, suggest
from sweep.records import Parameter
from sweep.space.distributions import Choice, Integer, Tree, Uniform
from sweep.space.names import matches
from sweep.space.samplers.base import MOST_TRIALS, Point, Sampler, Space
from sweep.space.samplers.dimensions import Key, dimensions, picked
from sweep.space.trees import children, distributions, draw

DEFAULT = 5
"""Values of a numeric parameter that the file does not name."""

Levels = Callable[[str], int]
"""Full name of a parameter -> how many values of it there are."""


@dataclass(frozen=True, slots=True)
class Grid(Sampler):
    """All combinations of some values of each parameter, the last one varying fastest.

    The values of a number are quantiles at equal distances, its ends included; of integers that are fewer, all. Of a
    choice all options are taken, each with the values of the distributions in it. No configuration occurs twice.
    """

    levels: Annotated[int | dict[str, Any], SkipValidation] = DEFAULT
    """Values of each number, or of some by full or short name; the others have 5."""

    needs_trials: ClassVar[bool] = False
    can_redraw: ClassVar[bool] = False

    def __post_init__(self) -> None:
        for name, count in _by_name(self.levels).items():
            if isinstance(count, bool) or not isinstance(count, int) or count < 1:
                raise ValueError(
                    f"has {name} = {count!r}; give a number of values, at least 1, or a table of such numbers by "
                    "parameter, as in levels = { learning_rate = 7 }"
                )

    def points(self, space: Space, seed: int) -> Iterator[Point]:
        """Yield all combinations.

        Raises:
            ExperimentError: when there are more of them than trials, or a name is not one of a number.
        """
        levels = self._levels(space)
        bound = _bound(space.tree, "", levels)
        if bound > MOST_TRIALS:
            raise ExperimentError(
                f"the grid has {bound:,} points, more than {MOST_TRIALS:,}; give fewer values with levels"
            )
        found = list(_combinations(space.tree, "", 0, levels))
        if space.trials is not None and len(found) > space.trials:
            raise ExperimentError(
                f"the grid has {len(found):,} points, more than trials = {space.trials}; leave out trials to train "
                "all, or give fewer values with levels"
            )
        return map(picked, found)

    def external(self, space: Space) -> Mapping[str, Any]:
        """Return the names of the parameters, whose order in the file is that of the combinations."""
        return {"dimensions": dimensions(space.tree)}

    def _levels(self, space: Space) -> Levels:
        """Return how many values there are of a parameter."""
        if not isinstance(self.levels, dict):
            count = self.levels
            return lambda name: count
        numbers = {name for name, each in distributions(space.tree) if not isinstance(each, Choice)}
        by_name: dict[str, int] = {}
        for given, count in _by_name(self.levels).items():
            name = _number(given.removeprefix("levels."), numbers, space.parameters)
            if name in by_name:
                raise ExperimentError(f"sampler.levels names {name} twice; leave one of the names out")
            by_name[name] = count
        return lambda name: by_name.get(name, DEFAULT)


def _by_name(levels: Any, path: str = "levels") -> dict[str, Any]:
    """Return the value at each dotted path, which need not be in quotes in a file."""
    if not isinstance(levels, dict):
        return {path: levels}
    return {name: count for key, inner in levels.items() for name, count in _by_name(inner, f"{path}.{key}").items()}


def _number(given: str, numbers: set[str], parameters: list[Parameter]) -> str:
    """Return the full name of the number that a full or a short name means.

    Raises:
        ExperimentError: when it means none, or several.
    """
    found = matches(given, numbers)
    if len(found) == 1:
        return found[0]
    if found:
        raise ExperimentError(f"sampler.levels names {given!r}, which could be {' or '.join(sorted(found))}")
    known = numbers.union(each.short_name for each in parameters if each.name in numbers)
    hint = suggest(given, known) if known else "there is none"
    raise ExperimentError(f"sampler.levels names {given!r}, which is not a searched number; {hint}")


def _values(distribution: Uniform | Integer, count: int) -> list[Any]:
    """Return values of a number at equal distances in its quantiles, each once."""
    if isinstance(distribution, Integer) and _count(distribution) <= count:
        return list(range(distribution.low, distribution.high + 1, distribution.step))
    places = [0.5] if count == 1 else [k / (count - 1) for k in range(count)]
    return list(dict.fromkeys(distribution.at(place) for place in places))


def _count(distribution: Integer) -> int:
    return (distribution.high - distribution.low) // distribution.step + 1


def _bound(tree: Tree, path: str, levels: Levels) -> int:
    """Return how many combinations there are at most, without making them."""
    if isinstance(tree, Choice):
        return sum(_bound(option, path, levels) for option in tree.options)
    if isinstance(tree, Integer):
        return min(levels(path), _count(tree))
    if isinstance(tree, Uniform):
        return levels(path)
    return prod(_bound(value, child, levels) for child, value in children(tree, path))


def _combinations(tree: Tree, path: str, depth: int, levels: Levels) -> Iterator[dict[Key, Any]]:
    """Yield all combinations: the value, or the option, of each distribution that there is."""
    if isinstance(tree, Choice):
        inside = (
            {(path, depth): option, **values}
            for option in tree.options
            for values in _combinations(option, path, depth + 1, levels)
        )
        # Options can have values in common, as 0 and all integers from 0 on have.
        seen: dict[Any, dict[Key, Any]] = {}
        for each in inside:
            seen.setdefault(_identity(draw(tree, picked(each), {}, path, depth)), each)
        yield from seen.values()
    elif isinstance(tree, Uniform | Integer):
        yield from ({(path, depth): value} for value in _values(tree, levels(path)))
    else:
        parts = [list(_combinations(value, child, 0, levels)) for child, value in children(tree, path)]
        for chosen in product(*parts):
            yield {key: value for part in chosen for key, value in part.items()}


def _identity(tree: Tree) -> Any:
    """Return a value that is equal for trees that mean the same: 1 and 1.0 do, 1 and true do not."""
    if isinstance(tree, dict):
        return frozenset((key, _identity(value)) for key, value in tree.items())
    if isinstance(tree, list):
        return tuple(map(_identity, tree))
    return (bool, tree) if isinstance(tree, bool) else tree
