"""Hyperband: successive halving with several first rungs, in case early values mislead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from math import ceil
from typing import Annotated

from annotated_types import Ge

from sweep.metrics import Objective
from sweep.stopping.halving import Halving
from sweep.stopping.rungs import Decision, RungRule, Standing, rungs

GOLDEN = (5**0.5 - 1) / 2
"""The multiples of the golden ratio, modulo 1, are spread evenly, however many of them there are."""


@dataclass(frozen=True, slots=True)
class Hyperband(RungRule):
    """Halve the trials of several brackets apart from each other; each bracket has another first rung.

    The brackets' first rungs are first, first · factor, … before the end, and one bracket is never stopped. Their
    shares of the configurations are those of Li et al., "Hyperband" (JMLR, 2018), algorithm 1: of the K brackets the
    one with s + 1 stages, its end included, gets ceil(K · factor^s / (s + 1)) parts. Unlike there, the number of
    configurations is given, and a bracket's are spread evenly over the group: a trial's bracket depends on its place.
    """

    factor: Annotated[int, Ge(2)] = 3
    """One of so many goes on at each rung, and each rung is so many times as late as the one before."""
    first: Annotated[int, Ge(1)] = 3
    """Epoch of the first rung of the bracket that stops earliest."""

    def start(self, place: int, planned: int) -> int | None:
        """Return the first rung of the bracket of a trial; None for the one that is never stopped."""
        brackets = [*rungs(self.first, self.factor, planned), None]
        ends = [*accumulate(parts(len(brackets), self.factor))]
        point = (place + 1) * GOLDEN % 1 * ends[-1]
        return next(bracket for bracket, end in zip(brackets, ends, strict=True) if point < end)

    def least_epochs(self) -> int:
        """Return the fewest epochs of which the first rung is not the end."""
        return self.first + 1

    def decide(self, group: Sequence[Standing], objective: Objective) -> list[Decision]:
        """Return the decisions of all brackets."""
        brackets: dict[int | None, list[Standing]] = {}
        for index, each in enumerate(group):
            place = index if each.place is None else each.place
            brackets.setdefault(self.start(place, each.planned), []).append(each)
        found: list[Decision] = []
        for first, members in brackets.items():
            if first is not None:
                made = Halving(factor=self.factor, first=first).decide(members, objective)
                bracket = f"of the trials that first pause at epoch {first}"
                found += [replace(each, reason=f"{each.reason} {bracket}") for each in made]
        return sorted(found, key=lambda decision: decision.trial)


def parts(brackets: int, factor: int) -> list[int]:
    """Return the parts of each of some brackets, that which stops earliest first.

    >>> parts(4, 3)
    [27, 12, 6, 4]
    """
    return [ceil(brackets * factor**s / (s + 1)) for s in reversed(range(brackets))]
