"""Whether the best lie at an end of a range, so that better ones may lie beyond it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pandas as pd

from sweep.analysis.evidence import excess_chance
from sweep.analysis.review.base import CERTAINTY, Verdict, unknown
from sweep.analysis.review.tables import SweepTables, positions
from sweep.analysis.wording import number
from sweep.records import Parameter

NAME = "best at a boundary"
FINE = "best within the ranges"
EDGE = 0.1
"""Share of a range that counts as its end: where the optimum of a smooth objective would be by chance in one of ten."""
BEST = 10
"""Fewest of the best tenth that are looked at, so that five of them at an end are no chance."""
SHARES = (0.1, 0.25)
"""Shares of the completed that are the best: the smaller one shows a steep rise to an end, the larger a gentle one."""
FEWEST = 20
"""Fewest completed configurations: of fewer, half would be among the best."""
FURTHER = 0.5
"""By what share of its range a parameter is to reach further."""


class End(NamedTuple):
    """How many of the best lie at an end of a range."""

    chance: float
    """Probability of so many at any end that was looked at where no parameter makes a difference, at most."""
    parameter: Parameter
    is_high: bool
    best: int
    having: int
    """Completed configurations there."""
    hits: int
    """Best ones there."""
    expected: float
    """Best ones that are there by chance, on average."""

    @property
    def is_certain(self) -> bool:
        """Whether so many are hardly there by chance."""
        return self.chance <= CERTAINTY

    @property
    def evidence(self) -> str:
        """What was seen, as a clause."""
        end = "top" if self.is_high else "bottom"
        return (
            f"{self.hits} of the best {self.best} lie in the {end} tenth of {self.parameter.short_name}, "
            f"{number(self.expected)} expected by chance"
        )

    @property
    def advice(self) -> str:
        """The change of the file that lets the parameter reach further."""
        return _advice(self.parameter, self.is_high)


def judge(tables: SweepTables) -> Verdict:
    """Check whether more of the best lie at an end of a range than by chance, given those of all completed ones."""
    ranked = tables.ranked
    if len(ranked) < FEWEST:
        return unknown(NAME, f"takes {FEWEST} completed configurations, there are {len(ranked)}")
    found = ends(ranked, tables.parameters)
    if not found:
        return unknown(NAME, "no number is searched")
    least = found[0]
    share = least.hits / least.best
    if not least.is_certain:
        return Verdict(NAME, True, share, f"at no end there are more than by chance; {least.evidence}")
    return Verdict(NAME, False, share, least.evidence, least.advice)


def ends(ranked: pd.DataFrame, parameters: Sequence[Parameter]) -> list[End]:
    """Return how many of the best lie at each end of each range, the least likely by chance first.

    The test is exact whatever the draws: the best are a random part of all completed where a parameter makes no
    difference (Fisher's one-sided test, with Bonferroni's correction for the ends and the shares). Configurations
    without a parameter tell nothing of it.

    Args:
        ranked: completed configurations, the best first, with each parameter by its full name.
        parameters: what is searched.
    """
    found = [each for parameter in parameters if parameter.name in ranked for each in _ends(ranked, parameter)]
    return sorted((each._replace(chance=min(1.0, each.chance * len(found))) for each in found), key=lambda e: e.chance)


def _ends(ranked: pd.DataFrame, parameter: Parameter) -> Iterator[End]:
    """Yield how many of the best lie at each end of a parameter; nothing of one without a range, or with too few."""
    values = ranked[parameter.name]
    places = positions(parameter, values[values.notna()])
    if places is None or len(places) < FEWEST or places.isna().any():
        return
    total = len(places)
    for is_high in (False, True):
        # Where only a few values are possible, the outermost one is the end.
        is_there = places >= min(1 - EDGE, float(places.max())) if is_high else places <= max(EDGE, float(places.min()))
        having = int(is_there.sum())
        for best in (max(BEST, round(share * total)) for share in SHARES):
            hits = int(is_there[:best].sum())
            chance = excess_chance(total, best, having, hits)
            yield End(chance, parameter, is_high, best, having, hits, best * having / total)


def _advice(parameter: Parameter, is_high: bool) -> str:
    """Return the change of the file that lets a parameter reach further."""
    numbers = [float(each) for each in parameter.options if not isinstance(each, str | bool)]
    low = min(numbers) if parameter.low is None else float(parameter.low)
    high = max(numbers) if parameter.high is None else float(parameter.high)
    if parameter.log:
        end = high * (high / low) ** FURTHER if is_high else low * (low / high) ** FURTHER
    else:
        end = high + FURTHER * (high - low) if is_high else low - FURTHER * (high - low)
    begin, limit = (high, 1.0) if is_high else (low, 0.0)
    word, beyond = ("end", "above") if is_high else ("begin", "below")
    if begin == limit and not parameter.log:
        return f"if `{parameter.name}` can be {beyond} {number(limit)}, let it; else fix it there or take a log scale"
    if not parameter.log and (begin - limit) * (end - limit) < 0:
        end = (begin + limit) / 2  # what lies between 0 and 1 is often a share
    return f"let `{parameter.name}` {word} at {number(end)} in place of {number(begin)}"
