"""Whether the first two differ by more than another test set of the same size would make."""

from __future__ import annotations

import math

import numpy as np

from sweep.analysis.brackets import mcnemar
from sweep.analysis.review.base import CERTAINTY, Verdict, unknown
from sweep.analysis.review.tables import SweepTables
from sweep.analysis.wording import number

NAME = "gap smaller than test-set noise"
FINE = "gap larger than test-set noise"


def judge(tables: SweepTables) -> Verdict:
    """Check whether the first two can be told apart by the examples that they were measured on.

    Where it is known which examples each classifies correctly, by McNemar's test of those that only one does, as
    `sweep.analysis.brackets` has it.
    Else by the binomial standard deviation of two accuracies of independent examples: that is an upper bound of the
    noise, since both saw the same examples, so a gap that passes is large enough, while one that does not may be.
    """
    first, second = (int(each) for each in tables.ranked["trial"][:2])
    if first in tables.correct and second in tables.correct:
        return _paired(tables, first, second)
    if tables.examples is None:
        return unknown(NAME, f"takes an accuracy of a known number of examples; {tables.objective.metric} is not one")
    from scipy.stats import norm

    shares = np.clip(tables.ranked["value"][:2].to_numpy(dtype=float), 0.0, 1.0)
    deviation = math.sqrt(float((shares * (1 - shares)).sum()) / tables.examples)
    noise = float(norm.ppf(1 - CERTAINTY)) * deviation
    evidence = f"{tables.examples:,} examples alone explain up to {number(noise)} (95 %)"
    if tables.gap > noise:
        return Verdict(NAME, True, tables.gap, f"{tables.lead}; {evidence}")
    return Verdict(NAME, False, tables.gap, f"{tables.lead}; {evidence}", ADVICE)


ADVICE = "take the simpler or cheaper of the first two, or measure on more examples"


def _paired(tables: SweepTables, first: int, second: int) -> Verdict:
    """Return the verdict by the examples that only one of the two classifies correctly."""
    one, other = tables.correct[first], tables.correct[second]
    only_first, only_second = int((one & ~other).sum()), int((other & ~one).sum())
    chance = float(mcnemar([only_first], [only_second])[0])
    evidence = (
        f"only the first is right in {only_first:,} of {len(one):,} examples, only the second in {only_second:,} "
        f"(p = {number(chance)})"
    )
    if chance <= CERTAINTY and only_first > only_second:
        return Verdict(NAME, True, tables.gap, evidence)
    return Verdict(NAME, False, tables.gap, evidence, ADVICE)
