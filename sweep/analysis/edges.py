"""Ranges at whose end the best configurations lie, and how far one may look beyond.

Of the ten best rows at least five lie in the outer tenth of the range, or enough of them in its outer fifth, more than
by chance: if the parameter made no difference, the best would be a random part of all rows (the hypergeometric
distribution). As each end of each range is looked at twice, the probabilities are multiplied by the number of looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sweep.analysis.ends import widened
from sweep.analysis.evidence import excess_chance
from sweep.analysis.narrowing import CHANCE, EDGE, EDGE_OF, FEWEST, Evidence, at_edge
from sweep.metrics import Objective
from sweep.space.coordinates import Array
from sweep.space.distributions import Choice, Tree
from sweep.space.samplers.adaptive import Result

PARTS = {0.1: "tenth", EDGE: "fifth"}
"""The outer parts of a range at which it is looked, and their names."""


@dataclass(frozen=True, slots=True)
class Edge:
    """The end of a range at which the best rows lie."""

    index: int
    """Of its slot."""
    is_upper: bool
    found: int
    """How many of the best `EDGE_OF` lie in the outer part of the range."""
    part: str
    """The name of that part."""
    chance: float
    """The probability that as many lie at any end of any range if nothing made a difference, at most."""
    end: float | int | None
    """An end further out; None where there is none."""


def edges(tree: Tree, results: Sequence[Result], objective: Objective) -> list[Edge]:
    """Return the ends of numeric ranges at which more of the best rows lie than by chance."""
    if len(results) < FEWEST:
        return []
    evidence = Evidence.of(tree, results, objective)
    ranges = [index for index, slot in enumerate(evidence.places) if not isinstance(slot.distribution, Choice)]
    columns = {index: evidence.column(index)[1] for index in ranges}
    columns = {index: column for index, column in columns.items() if len(column) >= FEWEST}
    found: list[Edge] = []
    for index, column in columns.items():
        distribution = evidence.places[index].distribution
        assert not isinstance(distribution, Choice)
        for is_upper in (False, True):
            seen = [_seen(column, is_upper, part, looks=4 * len(columns)) for part in PARTS]
            if (best := min(seen, key=lambda each: each[0]))[0] < CHANCE:
                chance, count, part = best
                found.append(Edge(index, is_upper, count, PARTS[part], chance, widened(distribution, is_upper)))
    return found


def _seen(column: Array, is_upper: bool, part: float, looks: int) -> tuple[float, int, float]:
    """Return (chance, number, part) of the best rows in the outer part of a range; the chance is 1 for too few."""
    count = at_edge(column, is_upper, part)
    if not count:
        return 1.0, 0, part
    outer = int(np.sum(column > 1 - part if is_upper else column < part))
    return min(looks * excess_chance(len(column), EDGE_OF, outer, count), 1.0), count, part
