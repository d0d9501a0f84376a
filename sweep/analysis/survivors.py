"""The completed configurations of a sweep in unit coordinates, and random points of the space that they stand for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sweep.analysis.ends import value_at
from sweep.records import Scalar
from sweep.space.coordinates import Array, Slot, from_uniform
from sweep.space.distributions import Choice, Integer
from sweep.space.screening import uniform_draws

Ints = np.ndarray[tuple[int, ...], np.dtype[np.int64]]
Flags = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]

POINTS = 3000
"""Random points of the space at which a model is averaged."""
HUGE = 1e140
"""Values whose squares, and sums of these, a float64 still holds are smaller than that."""
FAR = 0.1
"""At most this part of the rows is taken for outliers."""
BINS = 10
"""Equal parts of a range in which a model is averaged, where more values than that are searched."""


@dataclass(frozen=True)
class Survivors:
    """Configurations that completed, and what they reached."""

    places: Sequence[Slot]
    """The slots of the space that was searched."""
    names: Sequence[str]
    """What tables call each slot."""
    coordinates: Array
    """(rows, slots), as of `sweep.space.coordinates`; NaN where a parameter is not there."""
    values: Array
    """(rows,), the metric."""
    is_max: bool = True
    """Whether more of the metric is better."""
    is_cut: bool = False
    """Whether parts of the space have no survivors, since trials diverge there."""
    outliers: int = 0
    """How many did far worse, whose values are the worst of the others'."""
    outside: int = 0
    """How many ended configurations are left out, since they do not lie in the space."""

    @property
    def rows(self) -> int:
        """Number of configurations."""
        return len(self.values)

    @property
    def are_equal(self) -> bool:
        """Whether all have reached the same."""
        return bool((self.values == self.values[0]).all()) if self.rows else True

    @property
    def are_huge(self) -> bool:
        """Whether values are so large that their squares overflow."""
        return bool(np.abs(self.values).max(initial=0) > HUGE)

    @property
    def goodness(self) -> Array:
        """(rows,), the metric, such that more is better."""
        return self.values if self.is_max else -self.values

    @cached_property
    def varied(self) -> list[int]:
        """Indices of the slots that have at least two values among the rows."""
        return [
            index
            for index, column in enumerate(self.coordinates.T)
            if len(np.unique(column[~np.isnan(column)])) > 1  # NaN equals nothing, itself included
        ]

    @cached_property
    def draws(self) -> dict[str, Array]:
        """Random numbers in [0, 1) by stream, each (points,)."""
        return uniform_draws(self.places, 0, 0, "importance", range(POINTS))

    @cached_property
    def chosen(self) -> Ints:
        """Numbers of the draws that are points; where the space is cut, those within the ranges of the survivors."""
        if not self.is_cut:
            return np.arange(POINTS)
        points = from_uniform(self.places, self.draws)
        is_missing = np.isnan(self.coordinates)
        first = np.where(is_missing, np.inf, self.coordinates).min(axis=0, initial=np.inf)
        last = np.where(is_missing, -np.inf, self.coordinates).max(axis=0, initial=-np.inf)
        inside = np.isnan(points) | ((points >= first) & (points <= last))
        found = np.flatnonzero(inside.all(axis=1))
        return found if len(found) >= BINS**2 else np.arange(POINTS)

    @cached_property
    def points(self) -> Array:
        """(points, slots), random points of the space."""
        return from_uniform(self.places, {name: draw[self.chosen] for name, draw in self.draws.items()})

    def moved(self, group: Groups, base: Ints) -> Array:
        """Return some points with one slot at each of its groups, (groups · points, slots), a group after the other.

        The rest of each point is the same at all groups, so that these differ by nothing else. Within a part of a
        range, each point keeps its place.

        Args:
            group: of the slot.
            base: numbers of points that have it.
        """
        slot, blocks = self.places[group.index], []
        for center in group.centers.tolist():
            if slot.is_numeric:
                block = self.points[base]
                place = block[:, group.index] * BINS % 1 - 0.5
                block[:, group.index] = center + group.width * place
            else:
                block = from_uniform(self.places, self._with_option(group.index, round(center), base))
            blocks.append(block)
        return np.concatenate(blocks)

    def _with_option(self, index: int, option: int, base: Ints) -> dict[str, Array]:
        """Return the draws of some points, that of one choice such that it gives an option."""
        slot = self.places[index]
        assert isinstance(slot.distribution, Choice)
        middle = (option + 0.5) / len(slot.distribution.options)
        numbers = self.chosen[base]
        found = {name: draw[numbers] for name, draw in self.draws.items()}
        return {**found, slot.stream: np.full(len(numbers), middle)}


def without_outliers(values: Array, is_max: bool) -> tuple[Array, int]:
    """Return values of which a few that are far worse are replaced by the worst of the others, and how many are.

    Far worse is worse than the worse quartile by more than three times the distance of the quartiles: Tukey's "far out"
    (Exploratory Data Analysis, 1977, chapter 2). They are replaced where they are at most one in ten and reach over
    more than half of the range, as the variance would then be that of these few.
    """
    goodness = values if is_max else -values
    if len(values) < 2:
        return values, 0
    lower, upper = np.quantile(goodness, [0.25, 0.75])
    is_far = goodness < lower - 3 * (upper - lower)
    count = int(is_far.sum())
    if not 0 < count <= FAR * len(values) or np.ptp(goodness) <= 2 * np.ptp(goodness[~is_far]):
        return values, 0
    bound = goodness[~is_far].min()
    found = np.maximum(goodness, bound) if is_max else -np.maximum(goodness, bound)
    return found, count


@dataclass(frozen=True)
class Groups:
    """The points of a space, grouped by the value of one slot: by level, or by equal parts of its range."""

    index: int
    """Of the slot."""
    there: Flags
    """(points,), whether the slot is there."""
    codes: Ints
    """(points that have it,), the number of the group of each."""
    centers: Array
    """(groups,), the coordinate that stands for each."""
    width: float
    """Of the part of the range that is a group; 0 for levels."""
    is_ordered: bool
    """Whether the groups follow each other along a range."""

    @property
    def count(self) -> int:
        """Number of groups."""
        return len(self.centers)

    @cached_property
    def membership(self) -> Array:
        """(points that have it, groups), 1 where a point is in a group."""
        return np.eye(self.count)[self.codes]

    @cached_property
    def middle(self) -> Array:
        """(groups,), weights whose sum is 1: of the one or two groups in the middle of a range, else of all."""
        weights = np.ones(self.count)
        if self.is_ordered:
            places = np.arange(self.count)
            weights = 1.0 * ((places == (self.count - 1) // 2) | (places == self.count // 2))
        found: Array = weights / weights.sum()
        return found


def groups(survivors: Survivors, index: int) -> Groups:
    """Return the points grouped by one slot; empty groups are left out."""
    slot, column = survivors.places[index], survivors.points[:, index]
    there = ~np.isnan(column)
    known: Array = column[there]
    levels, codes = np.unique(known, return_inverse=True)
    if slot.is_numeric and len(levels) > BINS:
        bins = np.minimum((known * BINS).astype(np.int64), BINS - 1)
        used, codes = np.unique(bins, return_inverse=True)
        return Groups(index, there, codes.astype(np.int64), (used + 0.5) / BINS, 1 / BINS, is_ordered=True)
    return Groups(index, there, codes.astype(np.int64), np.array(levels), 0.0, slot.is_numeric)


def value_of(slot: Slot, coordinate: float) -> Scalar:
    """Return the value that a coordinate stands for: a number, or the label of an option."""
    distribution = slot.distribution
    if isinstance(distribution, Choice):
        count = len(distribution.options)
        place = int(coordinate * count) if slot.is_numeric else round(coordinate)
        return distribution.labels[min(place, count - 1)]
    value = value_at(distribution, coordinate)
    return round(value) if isinstance(distribution, Integer) else value
