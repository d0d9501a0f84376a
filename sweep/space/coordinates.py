"""Unit coordinates of drawn values, and the columns that a model of a space is fitted to.

A coordinate tells where a value lies in the range of its parameter, whatever the density in it: 0 at the low end, 1 at
the high one, in the logarithm for logarithmic ranges, and the middle of its part for an integer. A choice whose options
are at least three numbers in order is such a range of equal parts; that of another choice is the index of the option.
NaN stands for a parameter that is not there, as another option of the choice around it was drawn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from sweep.records import Scalar
from sweep.space.distributions import Choice, Distribution, Integer, Tree, Uniform
from sweep.space.trees import children

Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

OPTION = 0.7
"""What stands in the column of the option that was drawn; 0 in those of the others."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in a tree at which a value can be drawn."""

    name: str
    """Full name of the parameter."""
    depth: int
    """As for `sweep.space.trees.Pick`."""
    distribution: Distribution
    """What is drawn from there."""
    parent: int | None = None
    """Index of the slot of the choice around it, of which it belongs to one option; None outside of choices."""
    option: int = 0
    """Index of that option."""

    @property
    def stream(self) -> str:
        """Return the name by which its random numbers are told apart, as in random draws."""
        return self.name + "|option" * self.depth

    @property
    def is_numeric(self) -> bool:
        """Whether its coordinate is a position in a range."""
        return not isinstance(self.distribution, Choice) or is_ordered(self.distribution)


def slots(tree: Tree) -> list[Slot]:
    """Return all slots of a parsed tree, that of a choice before those inside of it."""
    found: list[Slot] = []

    def walk(tree: Tree, path: str, depth: int, parent: int | None, option: int) -> None:
        if isinstance(tree, Distribution):
            found.append(Slot(path, depth, tree, parent, option))
            if isinstance(tree, Choice):
                own = len(found) - 1
                for index, value in enumerate(tree.options):
                    walk(value, path, depth + 1, own, index)
        else:
            for child_path, value in children(tree, path):
                walk(value, child_path, 0, parent, option)

    walk(tree, "", 0, None, 0)
    return found


def is_ordered(choice: Choice) -> bool:
    """Tell whether the options are at least three numbers that rise or fall."""
    options = choice.options
    if len(options) < 3 or any(isinstance(o, bool) or not isinstance(o, int | float) for o in options):
        return False
    return all(a < b for a, b in pairwise(options)) or all(a > b for a, b in pairwise(options))


def position(distribution: Uniform | Integer, value: float) -> float:
    """Return where in its range a value lies, from 0 to 1; 0.5 in a range of one value."""
    low, high = float(distribution.low), float(distribution.high)
    if isinstance(distribution, Integer):
        half = distribution.step / 2
        low, high = low - half, high + half
    if low == high:
        return 0.5
    if distribution.log:
        return math.log(value / low) / math.log(high / low)
    return (value / 2 - low / 2) / (high / 2 - low / 2)  # halves, as the width can be beyond all floats


def from_parameters(places: Sequence[Slot], parameters: Mapping[str, Scalar]) -> list[float]:
    """Return the coordinate of each slot, given the drawn values by full name."""
    found: list[float] = []
    for slot in places:
        is_there = slot.parent is None or found[slot.parent] == _code(places[slot.parent], slot.option)
        value = parameters.get(slot.name)
        found.append(math.nan if value is None or not is_there else _coordinate(slot, value))
    return found


def _coordinate(slot: Slot, value: Scalar) -> float:
    distribution = slot.distribution
    if isinstance(distribution, Choice):
        index = _option(distribution, value)
        return math.nan if index is None else _code(slot, index)
    return position(distribution, float(value)) if _holds(distribution, value) else math.nan


def _code(slot: Slot, index: int) -> float:
    """Return the coordinate of an option of a choice."""
    if isinstance(slot.distribution, Choice) and slot.is_numeric:
        return (index + 0.5) / len(slot.distribution.options)
    return float(index)


def _option(choice: Choice, value: Scalar) -> int | None:
    """Return the index of the first option that shows as this value; None where there is none."""
    for index, (option, label) in enumerate(zip(choice.options, choice.labels, strict=True)):
        if isinstance(option, Distribution):
            if _holds(option, value):
                return index
        elif label == value and isinstance(label, str | bool) == isinstance(value, str | bool):
            return index
    return None


def _holds(distribution: Distribution, value: Scalar) -> bool:
    """Tell whether a distribution can draw what shows as this value."""
    if isinstance(distribution, Choice):
        return _option(distribution, value) is not None
    if isinstance(value, str | bool) or not distribution.low <= value <= distribution.high:
        return False
    return isinstance(distribution, Uniform) or (value - distribution.low) % distribution.step == 0


def from_uniform(places: Sequence[Slot], draws: Mapping[str, Array]) -> Array:
    """Return the coordinates, a row a point and a column a slot, given the points by stream as numbers in [0, 1)."""
    columns: list[Array] = []
    for slot in places:
        uniform = draws[slot.stream]
        column = np.array(list(map(_of_quantile(slot), uniform.tolist())))
        if slot.parent is not None:
            column[columns[slot.parent] != _code(places[slot.parent], slot.option)] = np.nan
        columns.append(column)
    return np.stack(columns, axis=1)


def _of_quantile(slot: Slot) -> Callable[[float], float]:
    """Return the function from a quantile's number to the coordinate of its value."""
    distribution = slot.distribution
    if isinstance(distribution, Choice):
        codes: dict[int, float] = {}
        for index, option in enumerate(distribution.options):
            codes.setdefault(id(option), _code(slot, index))  # the first of equal options, as from parameters
        return lambda u: codes[id(distribution.at(u))]
    return lambda u: position(distribution, distribution.at(u))


def columns(places: Sequence[Slot], coordinates: Array) -> dict[str, Array]:
    """Return the columns that stand for coordinates, by name.

    A position is spread over [-1, 1]. A choice has one column for each option, one in all for two options. What is not
    there gets the mean of its columns over its values: it neither speaks for nor against a point.
    """
    found: dict[str, Array] = {}
    for slot, coordinate in zip(places, coordinates.T, strict=True):
        for name, column in _columns(slot, coordinate):
            # Slots of several options can have one name.
            alike = sum(other.rstrip("'") == name for other in found)
            found[name + "'" * alike] = column
    return found


def _columns(slot: Slot, coordinate: Array) -> Iterator[tuple[str, Array]]:
    is_missing = np.isnan(coordinate)
    if slot.is_numeric:
        yield slot.name, np.where(is_missing, 0.0, 2 * coordinate - 1)
    elif isinstance(slot.distribution, Choice):
        labels = slot.distribution.labels
        for index, label in enumerate(labels[1:] if len(labels) == 2 else labels, len(labels) == 2):
            drawn = np.where(coordinate == index, OPTION, 0.0)
            yield f"{slot.name}={label}", np.where(is_missing, OPTION / len(labels), drawn)


def shares_choice(one: str, other: str) -> bool:
    """Tell whether two columns are of options of the same choice, so that their product is always 0."""
    return "=" in one and "=" in other and one.split("=", maxsplit=1)[0] == other.split("=", maxsplit=1)[0]
