"""Trees of values in which distributions stand: parsed, drawn from, and covered.

A tree is what a TOML file holds: tables, lists and scalars.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import zip_longest

from sweep.records import Scalar
from sweep.space.distributions import (
    DISTRIBUTION_KEYS,
    Choice,
    Distribution,
    Integer,
    Tree,
    Uniform,
    parse_distribution,
)


@lru_cache(maxsize=4096)  # a draw asks for the same paths again
def join(path: str, key: str) -> str:
    """Return the dotted path of a key within a path; an unusual key is quoted."""
    key = key if re.fullmatch(r"[\w-]+", key) else repr(key)
    return f"{path}.{key}" if path else key


@lru_cache(maxsize=4096)  # so that the names of all trials are the same objects, which take memory once
def element(path: str, index: int) -> str:
    """Return the dotted path of a value of a list within a path."""
    return f"{path}[{index}]"


def parse_tree(tree: Tree, path: str = "") -> Tree:
    """Replace every table that describes a distribution, at any depth, by the distribution.

    Raises:
        ValueError: when one is wrong; the message begins with its dotted path.
    """
    if isinstance(tree, dict):
        if not any(key in tree for key in DISTRIBUTION_KEYS):
            return {key: parse_tree(value, join(path, key)) for key, value in tree.items()}
        if isinstance(tree.get("choice"), list):
            # An option stands where the choice stands, so what is drawn inside it is named without its index.
            tree = {**tree, "choice": [parse_tree(option, path) for option in tree["choice"]]}
        try:
            return parse_distribution(tree)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None
    if isinstance(tree, list):
        return [parse_tree(value, element(path, index)) for index, value in enumerate(tree)]
    return tree


def unparse_tree(tree: Tree) -> Tree:
    """Replace every distribution by the table that describes it, as before `parse_tree`."""
    if isinstance(tree, Distribution):
        return unparse_tree(tree.table())
    if isinstance(tree, Mapping):
        return {key: unparse_tree(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [unparse_tree(value) for value in tree]
    return tree


def distributions(tree: Tree, path: str = "") -> Iterator[tuple[str, Distribution]]:
    """Yield (full name, distribution) for each in a parsed tree, also inside options."""
    if isinstance(tree, Distribution):
        yield path, tree
        if isinstance(tree, Choice):
            for option in tree.options:
                yield from distributions(option, path)
    else:
        for child_path, value in children(tree, path):
            yield from distributions(value, child_path)


def leaves(tree: Tree, path: str = "") -> Iterator[tuple[str, Tree]]:
    """Yield (full name, value) for each value of a tree that is not a table or a list."""
    if isinstance(tree, dict | list):
        for child_path, value in children(tree, path):
            yield from leaves(value, child_path)
    else:
        yield path, tree


def children(tree: Tree, path: str = "") -> list[tuple[str, Tree]]:
    """Return (full name, value) for each item of a table or a list, nothing for other values."""
    if isinstance(tree, dict):
        return [(join(path, key), value) for key, value in tree.items()]
    if isinstance(tree, list):
        return [(element(path, index), value) for index, value in enumerate(tree)]
    return []


FIXED = frozenset({str, int, float, bool})
"""Types of most values in a table, which need no look for distributions."""
Pick = Callable[[str, Distribution, int], Tree]
"""A function (full name, distribution, depth) -> one of its values or options. The depth is 0, but for a distribution
that is itself an option, which has the name of the choice around it: 1 more than that choice's."""


def draw(tree: Tree, pick: Pick, drawn: dict[str, Scalar], path: str = "", depth: int = 0) -> Tree:
    """Replace every distribution by the value that `pick` returns, noted in `drawn` by name."""
    if isinstance(tree, Distribution):
        value = pick(path, tree, depth)
        drawn[path] = tree.label(value) if isinstance(tree, Choice) else value
        return value if type(value) in FIXED else draw(value, pick, drawn, path, depth + 1)
    if isinstance(tree, dict):
        return {
            key: value if type(value) in FIXED else draw(value, pick, drawn, join(path, key))
            for key, value in tree.items()
        }
    if isinstance(tree, list):
        return [draw(value, pick, drawn, element(path, index)) for index, value in enumerate(tree)]
    return tree


def cover(tree: Tree) -> list[Tree]:
    """Return trees without distributions in which every end and every option occurs."""
    if isinstance(tree, Choice):
        return [covered for option in tree.options for covered in cover(option)]
    if isinstance(tree, Uniform | Integer):
        return [tree.at(0.0), tree.at(1.0)]
    if isinstance(tree, dict):
        return [dict(zip(tree, values, strict=True)) for values in _side_by_side(tree.values())]
    if isinstance(tree, list):
        return [list(values) for values in _side_by_side(tree)]
    return [tree]


def _side_by_side(trees: Iterable[Tree]) -> list[tuple[Tree, ...]]:
    """Return rows of one value for each tree; a shorter column repeats its first value."""
    columns = [cover(tree) for tree in trees]
    missing = object()
    return [
        tuple(columns[i][0] if value is missing else value for i, value in enumerate(row))
        for row in zip_longest(*columns, fillvalue=missing)
    ] or [()]
