"""How many trials are likely to diverge, going by earlier ones: quickly, before they are trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sweep.analysis.divergence import FEWEST, RIDGE
from sweep.analysis.logistic import ridge
from sweep.analysis.predictors import Array, matrix, predictors
from sweep.records import Parameter, Scalar

Drawn = Sequence[dict[str, Scalar]]
"""Of each trial the drawn values by full name."""

MOST = 5_000
"""New trials whose probabilities are computed; of more, evenly spaced ones."""


def expected_divergences(earlier: Drawn, outcomes: Sequence[bool], new: Drawn) -> float | None:
    """Return the expected number of divergences among new trials; None where too few earlier ones diverged.

    It is the mean probability, by the additive model with the fixed ridge, of those that lie between the values of
    earlier trials, times the number of all; None where most lie outside, of which nothing is known.
    """
    diverged = np.array(outcomes, dtype=np.float64)
    if diverged.sum() < FEWEST:
        return None
    ends = _ends(earlier)
    inside = [values for values in new if _is_within(values, ends)]
    if not inside or 2 * len(inside) < len(new):
        return None
    if diverged.all():
        return float(len(new))
    names = sorted({name for values in earlier for name in values})
    # A number that one sweep drew in its logarithm is positive there, but need not be in another.
    parameters = [Parameter(name, name, log=_spans_orders(earlier, name)) for name in names]
    before = _table(earlier, names)
    columns = predictors(parameters, before)
    some = inside[:: -(-len(inside) // MOST)]
    model = ridge(matrix(columns, before, len(earlier)), diverged, RIDGE)
    chances: Array = model.probabilities(matrix(columns, _table(some, names), len(some)))
    return float(chances.mean() * len(new))


def _ends(earlier: Drawn) -> dict[str, tuple[float, float]]:
    """Return the smallest and the largest value of each parameter that has numbers."""
    found: dict[str, tuple[float, float]] = {}
    for values in earlier:
        for name, value in values.items():
            if _is_number(value):
                low, high = found.get(name, (float(value), float(value)))
                found[name] = min(low, float(value)), max(high, float(value))
    return found


def _is_within(values: dict[str, Scalar], ends: dict[str, tuple[float, float]]) -> bool:
    """Tell whether all numbers of a trial lie between the smallest and the largest of earlier trials."""
    return all(
        name in ends and ends[name][0] <= float(value) <= ends[name][1]
        for name, value in values.items()
        if _is_number(value)
    )


def _is_number(value: Scalar) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _spans_orders(drawn: Drawn, name: str) -> bool:
    """Tell whether the values of a parameter are positive numbers of which the largest is ten times the smallest."""
    numbers = [each[name] for each in drawn if name in each]
    known = [float(each) for each in numbers if isinstance(each, int | float) and not isinstance(each, bool)]
    return len(known) == len(numbers) > 0 and min(known) > 0 and max(known) / 10 >= min(known)


def _table(drawn: Drawn, names: Sequence[str]) -> dict[str, list[Any]]:
    return {name: [each.get(name) for each in drawn] for name in names}
