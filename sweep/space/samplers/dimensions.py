"""The dimensions of a space: one for each distribution of its tree, in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sweep.space.distributions import Choice, Distribution, Tree
from sweep.space.samplers.base import Point, value_at
from sweep.space.trees import children

Key = tuple[str, int]
"""Full name and depth of a distribution, as `sweep.space.trees.Pick` is given them."""


def dimensions(tree: Tree) -> list[Key]:
    """Return the key of each distribution of a tree once, those inside options included.

    Distributions that are never drawn together, as they stand in the same place of different options, share one.
    """
    return list(dict.fromkeys(_keys(tree, "", 0)))


def _keys(tree: Tree, path: str, depth: int) -> Iterator[Key]:
    if isinstance(tree, Distribution):
        yield path, depth
        for option in tree.options if isinstance(tree, Choice) else ():
            yield from _keys(option, path, depth + 1)
    else:
        for child_path, value in children(tree, path):
            yield from _keys(value, child_path, 0)


def at(keys: Sequence[Key], coordinates: Sequence[float], seed: int, number: int) -> Point:
    """Return point `number`, with a coordinate in [0, 1) for each dimension."""
    by_key = dict(zip(keys, map(float, coordinates), strict=True))

    def pick(name: str, distribution: Distribution, depth: int) -> Tree:
        return value_at(distribution, by_key[name, depth], seed, number)

    return pick


def picked(values: Mapping[Key, Any]) -> Point:
    """Return the point with a given value, or option, for each dimension that it has."""

    def pick(name: str, distribution: Distribution, depth: int) -> Tree:
        return values[name, depth]

    return pick
