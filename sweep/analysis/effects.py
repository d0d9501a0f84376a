"""What each parameter does to the odds of an outcome, and the formula of where it becomes the likelier one.

With x₁ a parameter that leads, in its logarithm, logit p = k · (x₁ + Σ aⱼ (xⱼ − mⱼ) − ln c): the outcome is more likely
than not where exp(x₁ + Σ aⱼ (xⱼ − mⱼ)) > c. The exponents aⱼ = bⱼ / b₁ and ln c are ratios of weights, whose intervals
are those of the delta method on Firth's fit. The others are centered at mⱼ, the mean rounded to two digits: uncentered,
c would be the limit for a batch of one sample.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sweep.analysis.logistic import Array, Logistic
from sweep.analysis.predictors import Predictor, is_learning_rate

STEEP = 8.0
"""Weight of a logarithm from which on intervals of the delta method are too narrow by about the factor WIDER."""
WIDER = 1.15
LEVEL = 0.95
"""Of all intervals that are printed."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval."""

    value: float
    low: float
    high: float

    @property
    def is_told(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0

    def exponential(self) -> Estimate:
        """Return it for the exponential function of the number."""
        return Estimate(*(math.exp(min(each, 700.0)) for each in (self.value, self.low, self.high)))

    def times(self, factor: float) -> Estimate:
        """Return it for a multiple of the number."""
        low, high = sorted([self.low * factor, self.high * factor])
        return Estimate(self.value * factor, low, high)


@dataclass(frozen=True, slots=True)
class Effect:
    """What one column does."""

    predictor: Predictor
    weight: Estimate
    """By which the logarithm of the odds rises with the column by one, before it is standardized."""
    strength: float
    """The size of its weight by standard deviation: how much it matters among these trials."""
    exponent: Estimate | None = None
    """aⱼ of the formula, 1 for the parameter that leads; None where there is no formula."""
    center: float = 0.0
    """mⱼ of the formula, in the column's own scale."""


@dataclass(frozen=True, slots=True)
class Boundary:
    """Where the outcome becomes more likely than not."""

    lead: Predictor
    terms: Sequence[Effect]
    """The other columns whose exponents can be told."""
    limit: Estimate
    """c, or ln c where the parameter that leads has no logarithm."""
    is_above: bool
    """Whether the outcome is the likelier one above the limit."""
    is_steep: bool
    """Whether intervals are widened."""


def quantile(level: float) -> float:
    """Return the half width of an interval of the standard normal distribution."""
    from scipy.special import ndtri

    return float(ndtri(0.5 + level / 2))


def effects_of(
    model: Logistic, predictors: Sequence[Predictor], level: float = LEVEL
) -> tuple[list[Effect], Boundary | None]:
    """Return what each column does, and the boundary where a parameter's influence can be told.

    Args:
        model: fitted to the standardized columns of these predictors.
        predictors: columns of full rank.
        level: of the intervals.
    """
    z = quantile(level)
    effects = [_effect(model, place, each, z) for place, each in enumerate(predictors)]
    lead = _lead(effects)
    if lead is None:
        return effects, None
    weight = model.weights[lead + 1] / predictors[lead].deviation
    is_steep = predictors[lead].scale in ("log", "complement") and abs(weight) >= STEEP
    z *= WIDER if is_steep else 1.0
    effects = [_with_exponent(each, model, place, lead, predictors, z) for place, each in enumerate(effects)]
    terms = [each for place, each in enumerate(effects) if place != lead and each.exponent and each.exponent.is_told]
    limit = _limit(model, predictors, lead, terms, z)
    return effects, Boundary(predictors[lead], terms, limit, bool(weight > 0), is_steep)


def _effect(model: Logistic, place: int, predictor: Predictor, z: float) -> Effect:
    weight = float(model.weights[place + 1])
    half = z * math.sqrt(float(model.covariance[place + 1, place + 1]))
    scaled = Estimate(weight, weight - half, weight + half).times(1 / predictor.deviation)
    return Effect(predictor, scaled, abs(weight))


def _lead(effects: Sequence[Effect]) -> int | None:
    """Return the place of the parameter that leads: a learning rate, else a logarithm, else the strongest number."""
    told = [place for place, each in enumerate(effects) if each.weight.is_told and each.predictor.is_number]
    if not told:
        return None

    def rank(place: int) -> tuple[bool, bool, float]:
        predictor = effects[place].predictor
        return is_learning_rate(predictor.parameter), predictor.scale != "linear", effects[place].strength

    return max(told, key=rank)


def _with_exponent(
    effect: Effect, model: Logistic, place: int, lead: int, predictors: Sequence[Predictor], z: float
) -> Effect:
    center = _center(effect.predictor)
    if place == lead:
        return Effect(effect.predictor, effect.weight, effect.strength, Estimate(1.0, 1.0, 1.0), center)
    scale = predictors[lead].deviation / predictors[place].deviation
    first = float(model.weights[lead + 1])
    value = float(model.weights[place + 1]) / first * scale
    gradient = np.zeros(len(model.weights))
    gradient[place + 1], gradient[lead + 1] = scale / first, -value / first
    return Effect(effect.predictor, effect.weight, effect.strength, _interval(value, gradient, model, z), center)


def _interval(value: float, gradient: Array, model: Logistic, z: float) -> Estimate:
    half = z * math.sqrt(max(float(gradient @ model.covariance @ gradient), 0.0))
    return Estimate(value, value - half, value + half)


def _center(predictor: Predictor) -> float:
    """Return the mean of a column such that the value that it stands for has two digits; 0 for a choice."""
    match predictor.scale:
        case "log":
            return math.log(rounded(math.exp(predictor.mean)))
        case "complement":
            return math.log(rounded(math.exp(predictor.mean)))
        case "linear":
            return rounded(predictor.mean)
        case _:
            return 0.0


def rounded(number: float, digits: int = 2) -> float:
    """Return a number with so many significant digits."""
    return float(f"{number:.{digits - 1}e}")


def _limit(model: Logistic, predictors: Sequence[Predictor], lead: int, terms: Sequence[Effect], z: float) -> Estimate:
    """Return c, where the logit is 0 with the terms of the formula at their centers and all others at their means."""
    point = np.zeros(len(model.weights))
    point[0] = 1.0
    for term in terms:
        place = next(each for each, other in enumerate(predictors) if other is term.predictor)
        point[place + 1] = (term.center - term.predictor.mean) / term.predictor.deviation
    first, own = float(model.weights[lead + 1]), predictors[lead]
    at = -float(point @ model.weights) / first
    point[lead + 1] = at
    found = _interval(own.mean + own.deviation * at, -point * own.deviation / first, model, z)
    return found if own.scale == "linear" else found.exponential()
