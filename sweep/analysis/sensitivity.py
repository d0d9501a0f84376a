"""How sensitive to the learning rate a network is with each option of a choice.

The sensitivity is the expected loss over all learning rates that were searched against the best one (Wortsman et al.,
"Small-scale proxies for large-scale Transformer training instabilities", 2023): the mean over the range, in its
logarithm, of how much worse the metric is than at its best. The curve is a polynomial of degree 3, fitted to the
configurations with that option by least squares; the interval is that of the linear contrast between its best point and
its mean. Diverged configurations count as the worst that completed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sweep.analysis.additive import DEGREE
from sweep.analysis.effects import Estimate
from sweep.analysis.forest import LEVEL
from sweep.analysis.predictors import LEARNING_RATES
from sweep.space.coordinates import Array, Slot

FEWEST = 20
"""Configurations with an option from which its sensitivity is told."""
STEPS = 200
"""Equal parts of the range in whose middles the curve is evaluated."""


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """How sensitive to a learning rate configurations with one option are."""

    rate: int
    """Index of the slot of the learning rate, the first one where each option has its own."""
    choice: int
    """Index of the slot of the choice."""
    option: int
    """Index of the option."""
    rows: int
    """Number of configurations."""
    loss: Estimate
    """Expected loss over the range against the best learning rate, in units of the metric."""


def sensitivities(places: Sequence[Slot], coordinates: Array, goodness: Array) -> list[Sensitivity]:
    """Return the sensitivity with each option of each choice, where at least two of its options have enough rows.

    Args:
        places: the slots of the space.
        coordinates: of configurations that completed or diverged.
        goodness: more is better; −∞ of those that diverged.
    """
    known = goodness[np.isfinite(goodness)]
    if not len(known):
        return []
    values = np.maximum(goodness, known.min())
    found: list[Sensitivity] = []
    for choice, slot in enumerate(places):
        if slot.is_numeric:
            continue
        each = list(_of_choice(places, coordinates, values, choice))
        found += each if len({one.option for one in each}) > 1 else []
    return found


def _of_choice(places: Sequence[Slot], coordinates: Array, values: Array, choice: int) -> Iterator[Sensitivity]:
    for rates in _rates(places):
        # A learning rate that several options have, each within a range of its own, is one; a row has one of them.
        rate = np.full(len(values), np.nan)
        for index in rates:
            rate = np.where(np.isnan(rate), coordinates[:, index], rate)
        for option in np.unique(coordinates[~np.isnan(coordinates[:, choice]), choice]).tolist():
            rows = (coordinates[:, choice] == option) & ~np.isnan(rate)
            if rows.sum() >= FEWEST and len(np.unique(rate[rows])) > DEGREE:
                loss = expected_loss(rate[rows], values[rows])
                yield Sensitivity(rates[0], choice, round(option), int(rows.sum()), loss)


def _rates(places: Sequence[Slot]) -> list[list[int]]:
    """Return the slots of each learning rate that is a number."""
    found: dict[str, list[int]] = {}
    for index, slot in enumerate(places):
        if slot.is_numeric and slot.name.rpartition(".")[2] in LEARNING_RATES:
            found.setdefault(slot.name, []).append(index)
    return list(found.values())


def expected_loss(places: Array, values: Array) -> Estimate:
    """Return the mean over [0, 1] of how much worse a fitted curve is than at its best, with its 90 % interval."""
    from scipy.special import stdtrit

    design = np.polynomial.legendre.legvander(2 * places - 1, DEGREE)
    inverse = np.linalg.pinv(design.T @ design)
    weights = inverse @ (design.T @ values)
    residuals = values - design @ weights
    free = len(values) - design.shape[1]
    # HC3 (MacKinnon and White 1985): the noise is larger where many diverge.
    leverages = np.einsum("ij,jk,ik->i", design, inverse, design)
    scaled = design * (residuals / (1 - np.clip(leverages, 0, 0.99)))[:, None]
    covariance = inverse @ (scaled.T @ scaled) @ inverse
    grid = np.polynomial.legendre.legvander((2 * np.arange(STEPS) + 1) / STEPS - 1, DEGREE)
    contrast = grid[int(np.argmax(grid @ weights))] - grid.mean(axis=0)
    value = float(contrast @ weights)
    half = float(stdtrit(free, 0.5 + LEVEL / 2)) * math.sqrt(max(float(contrast @ covariance @ contrast), 0.0))
    return Estimate(value, max(value - half, 0.0), value + half)
