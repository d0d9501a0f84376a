"""Whether the good part of the space has enough trials."""

from __future__ import annotations

from sweep.analysis.review.base import Verdict, unknown
from sweep.analysis.review.tables import SweepTables

NAME = "too few points in the good region"
FINE = "enough points in the good region"
FEWEST = 30
"""Fewest completed configurations: of fewer normal values less than three are expected there."""
ENOUGH = 3
"""Configurations in the good region from which on it is not a single lucky hit: among 100 normal values there are ten
of them, and fewer than three in less than one of a hundred searches."""


def judge(tables: SweepTables) -> Verdict:
    """Check whether there are enough configurations in the better half of the way from the median to the best."""
    values = tables.sign * tables.ranked["value"]
    if len(values) < FEWEST:
        return unknown(NAME, f"takes {FEWEST} completed configurations, there are {len(values)}")
    best, median = float(values.iloc[0]), float(values.median())
    if best == median:
        return unknown(NAME, f"half of the {len(values)} completed configurations are equally good")
    count = int((values >= best - (best - median) / 2).sum())
    are = "is" if count == 1 else "are"
    evidence = f"{count} of {len(values)} {are} closer to the best than to the median"
    if count >= ENOUGH:
        return Verdict(NAME, True, count, evidence)
    advice = f"draw more trials near the best: `sweep next {tables.name} -o next.toml`, then `sweep run next.toml`"
    return Verdict(NAME, False, count, evidence, advice)
