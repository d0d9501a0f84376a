"""Whether each option of each category had a fair chance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from sweep.analysis.evidence import span_chance
from sweep.analysis.review.base import CERTAINTY, Verdict, unknown
from sweep.analysis.review.tables import SweepTables, positions
from sweep.errors import counted
from sweep.records import Parameter, Scalar

NAME = "a category without a fair chance"
FINE = "each category had a fair chance"
FEWEST = 20
"""Fewest completed configurations, of whose best quarter ranges are learned."""
COMPLETED = 3
"""Completed configurations that give an option a chance."""
FAIR = 2
"""Those of them with good values of all else: of two random ones one is in the better half with a probability of 75 %,
and of 20 of which a quarter have such values, fewer are found in one of forty sweeps."""


class _Chance(NamedTuple):
    """What an option got."""

    fair: int
    """Completed configurations whose other values are good."""
    completed: int
    ended: int
    parameter: Parameter
    option: Scalar

    @property
    def has_one(self) -> bool:
        """Whether it was a fair one."""
        return self.completed >= COMPLETED and self.fair >= FAIR


def judge(tables: SweepTables) -> Verdict:
    """Check whether each option was completed three times, and twice with good values of the other parameters.

    Good are the values that the best quarter has, of those numbers along which it is narrower than by chance.
    """
    categories = [each for each in tables.parameters if len(each.options) > 1 and each.categorical]
    if not categories:
        return unknown(NAME, "no category is searched")
    if len(tables.ranked) < FEWEST:
        return unknown(NAME, f"takes {FEWEST} completed configurations, there are {len(tables.ranked)}")
    is_fair = _is_good(tables)
    chances = sorted(
        (each for parameter in categories for each in _chances(tables, parameter, is_fair)),
        key=lambda each: (each.has_one, *each[:3]),
    )
    if not chances:
        return unknown(NAME, "no category with two options was drawn")
    least = chances[0]
    evidence = f"{least.parameter.short_name} {_spelled(least.option)}: {_words(least)}"
    if least.has_one:
        return Verdict(NAME, True, least.fair, evidence)
    others = sum(not each.has_one for each in chances[1:])
    more = f"; {counted(others, 'other option')} without a chance" if others else ""
    return Verdict(NAME, False, least.fair, evidence + more, _advice(tables, least))


def _is_good(tables: SweepTables) -> pd.Series[bool]:
    """Return which ended configurations have numbers within the ranges of the best quarter."""
    rows, ended = tables.ranked, tables.ended
    best, good = len(rows) // 4, pd.Series(True, ended.index)
    numbers = [
        (each, places)
        for each in tables.parameters
        if each.name in rows and (places := positions(each, rows[each.name])) is not None and places.notna().all()
    ]
    for parameter, places in numbers:
        low, high = float(places[:best].min()), float(places[:best].max())
        within = int(((places >= low) & (places <= high)).sum())
        if span_chance(len(rows), best, within) * len(numbers) <= CERTAINTY:
            own = positions(parameter, ended[parameter.name])
            assert own is not None
            good &= own.isna() | ((own >= low) & (own <= high))
    return good


def _chances(tables: SweepTables, parameter: Parameter, is_fair: pd.Series[bool]) -> Iterator[_Chance]:
    """Yield what each option of a parameter got, if it was drawn at all."""
    if parameter.name not in tables.ended:
        return
    drawn = tables.ended[parameter.name]
    is_completed = tables.ended["rank"].notna().to_numpy()
    for option in parameter.options:
        is_own = np.array([type(each) is type(option) and each == option for each in drawn.astype(object)])
        completed = is_own & is_completed
        fair = int((completed & is_fair.to_numpy()).sum())
        yield _Chance(fair, int(completed.sum()), int(is_own.sum()), parameter, option)


def _words(chance: _Chance) -> str:
    """Return what an option got, in words."""
    if not chance.ended:
        return "was never drawn"
    trials = "its only trial" if chance.ended == 1 else f"all {chance.ended} trials"
    if not chance.completed:
        return f"{trials} diverged"
    return (
        f"{counted(chance.completed, 'trial')} of {chance.ended} completed, {chance.fair} with good values of all else"
    )


def _spelled(option: Scalar) -> str:
    return str(option).lower() if isinstance(option, bool) else str(option)


def _advice(tables: SweepTables, chance: _Chance) -> str:
    """Return what gives an option a chance."""
    name, option = chance.parameter.name, _spelled(chance.option)
    if chance.ended and not chance.completed:
        rescue = f"see what saves it: `sweep rescue {tables.name} --all`"
        return f"search lower learning rates with `{name}` {option}, or {rescue}"
    return f"search `{name}` {option} in a sweep of its own, with the ranges of the best for all else"
