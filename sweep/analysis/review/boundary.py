"""Whether the best lie at an end of a range, so that better ones may lie beyond it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd

from sweep.analysis.evidence import excess_chance
from sweep.analysis.review.base import CERTAINTY, Verdict, unknown
from sweep.analysis.review.tables import SweepTables, positions
from sweep.analysis.wording import number
from sweep.records import Parameter

NAME = "best at a boundary"
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


def judge(tables: SweepTables) -> Verdict:
    """Check whether more of the best lie at an end of a range than by chance, given those of all completed ones.

    The test is exact whatever the draws: the best are a random part of all completed where a parameter makes no
    difference (Fisher's one-sided test, with Bonferroni's correction for the ends and the shares).
    """
    ranked = tables.ranked
    if len(ranked) < FEWEST:
        return unknown(NAME, f"takes {FEWEST} completed configurations, there are {len(ranked)}")
    found = [each for parameter in tables.parameters for each in _ends(ranked, parameter)]
    if not found:
        return unknown(NAME, "no number is searched")
    least = min(found, key=lambda each: each.chance)
    end = "top" if least.is_high else "bottom"
    expected = number(least.best * least.having / len(ranked))
    evidence = (
        f"{least.hits} of the best {least.best} lie in the {end} tenth of {least.parameter.short_name}, {expected} "
        "expected by chance"
    )
    if least.chance * len(found) > CERTAINTY:
        return Verdict(NAME, True, least.hits / least.best, f"at no end there are more than by chance; {evidence}")
    return Verdict(NAME, False, least.hits / least.best, evidence, _advice(least.parameter, least.is_high))


class _End(NamedTuple):
    """How many of the best lie at an end of a range."""

    chance: float
    """Probability of so many where the parameter makes no difference."""
    parameter: Parameter
    is_high: bool
    best: int
    having: int
    """Completed configurations there."""
    hits: int
    """Best ones there."""


def _ends(ranked: pd.DataFrame, parameter: Parameter) -> Iterator[_End]:
    """Yield how many of the best lie at each end of a parameter; nothing of one without a range."""
    places = positions(parameter, ranked[parameter.name]) if parameter.name in ranked else None
    if places is None or places.isna().all():
        return
    for is_high in (False, True):
        # Where only a few values are possible, the outermost one is the end.
        is_there = places >= min(1 - EDGE, float(places.max())) if is_high else places <= max(EDGE, float(places.min()))
        having = int(is_there.sum())
        for best in (max(BEST, round(share * len(ranked))) for share in SHARES):
            hits = int(is_there[:best].sum())
            yield _End(excess_chance(len(ranked), best, having, hits), parameter, is_high, best, having, hits)


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
