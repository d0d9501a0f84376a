"""Ranges at whose end the best configurations lie, and how far one may look beyond."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sweep.analysis.ends import widened
from sweep.analysis.evidence import excess_chance
from sweep.analysis.narrowing import EDGE, EDGE_OF, FEWEST, Evidence, at_edge
from sweep.metrics import Objective
from sweep.space.distributions import Choice, Tree
from sweep.space.samplers.adaptive import Result


@dataclass(frozen=True, slots=True)
class Edge:
    """The end of a range at which the best rows lie."""

    index: int
    """Of its slot."""
    is_upper: bool
    found: int
    """How many of the best `EDGE_OF` lie in the outer part of the range."""
    chance: float
    """The probability that as many lie there if the parameter made no difference."""
    end: float | int | None
    """An end further out; None where there is none."""


def edges(tree: Tree, results: Sequence[Result], objective: Objective) -> list[Edge]:
    """Return the ends of numeric ranges at which more of the best rows lie than by chance."""
    if len(results) < FEWEST:
        return []
    evidence = Evidence.of(tree, results, objective)
    found: list[Edge] = []
    for index, slot in enumerate(evidence.places):
        rows, column = evidence.column(index)
        if isinstance(slot.distribution, Choice) or len(rows) < FEWEST:
            continue
        for is_upper in (False, True):
            if count := at_edge(column, is_upper):
                outer = int(np.sum(column > 1 - EDGE if is_upper else column < EDGE))
                chance = excess_chance(len(column), EDGE_OF, outer, count)
                found.append(Edge(index, is_upper, count, chance, widened(slot.distribution, is_upper)))
    return found
