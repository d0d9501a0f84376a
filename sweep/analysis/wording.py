"""A boundary and its effects in words and as a formula."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sweep.analysis.effects import LEVEL, Boundary, Effect, Estimate, rounded
from sweep.analysis.predictors import Predictor

PERCENT = f"{LEVEL:.0%}".replace("%", " %")
MOST = 1e4
"""Odds beyond this factor, and below one over it, are not written out."""


def number(value: float, digits: int = 2) -> str:
    """Return a number with so many significant digits and a real minus sign.

    >>> number(0.1234), number(-0.4), number(1234.0), number(2.5e-7)
    ('0.12', '−0.4', '1200', '2.5e-7')
    """
    short = rounded(value, digits)
    text = f"{short:.{digits}g}" if abs(short) < 1e-4 or abs(short) >= 1e6 else f"{short:.12f}".rstrip("0").rstrip(".")
    return text.replace("e-0", "e-").replace("e+0", "e").replace("e+", "e").replace("-", "−", text.startswith("-"))


def factor(value: float) -> str:
    """Return a factor of odds, cut off where it says no more than that it is large or small."""
    if value > MOST:
        return f"over {MOST:,.0f}"
    return number(value) if value >= 1 / MOST else f"under 1/{MOST:,.0f}"


def formula(boundary: Boundary) -> str:
    """Return where the outcome is more likely than not, such as `learning_rate · (batch_size / 42)^−0.4 > 0.12`."""
    is_sum = boundary.lead.scale == "linear"
    name = boundary.lead.label
    if boundary.lead.scale == "complement":
        name = f"({name})"
    sign = ">" if boundary.is_above else "<"
    parts = [name, *(_addend(term) if is_sum else _multiplier(term) for term in boundary.terms)]
    return f"{(' + ' if is_sum else ' · ').join(parts)} {sign} {number(boundary.limit.value)}"


def _multiplier(term: Effect) -> str:
    exponent, predictor = _value(term), term.predictor
    match predictor.scale:
        case "log" | "complement":
            name = predictor.label if predictor.scale == "log" else f"({predictor.label})"
            return f"({name} / {number(math.exp(term.center))})^{number(exponent)}"
        case "linear":
            return f"exp({number(exponent)} · ({predictor.label} − {number(term.center)}))"
        case _:
            return f"({factor(math.exp(min(exponent, 700.0)))} if {condition(predictor)})"


def _addend(term: Effect) -> str:
    exponent, predictor = _value(term), term.predictor
    match predictor.scale:
        case "log" | "complement":
            name = predictor.label if predictor.scale == "log" else f"({predictor.label})"
            return f"({number(exponent)}) · ln({name} / {number(math.exp(term.center))})"
        case "linear":
            return f"({number(exponent)}) · ({predictor.label} − {number(term.center)})"
        case _:
            return f"({number(exponent)} if {condition(predictor)})"


def _value(term: Effect) -> float:
    return term.exponent.value if term.exponent else math.nan


def condition(predictor: Predictor) -> str:
    """Return what a column of a choice tells, such as `activation is relu`."""
    name = predictor.parameter.short_name
    return f"{name} is there" if predictor.scale == "presence" else f"{name} is {predictor.option}"


def interval(estimate: Estimate) -> str:
    """Return the interval of a number, such as `0.09 to 0.17`."""
    return f"{number(estimate.low)} to {number(estimate.high)}"


def change(effect: Effect) -> tuple[str, Estimate]:
    """Return a change of a parameter, such as `halving batch_size`, and by what it multiplies the odds.

    Changes of numbers are in the direction in which the odds rise.
    """
    predictor, weight = effect.predictor, effect.weight
    name, rises = predictor.parameter.short_name, weight.value >= 0
    sign = 1.0 if rises else -1.0
    match predictor.scale:
        case "log":
            return f"{'doubling' if rises else 'halving'} {name}", weight.times(sign * math.log(2)).exponential()
        case "complement":
            word = f"doubling 1 − {name}" if rises else f"halving 1 − {name}, as from 0.9 to 0.95,"
            return word, weight.times(sign * math.log(2)).exponential()
        case "linear":
            step = rounded(predictor.deviation, 1)
            word = f"{'raising' if rises else 'lowering'} {name} by {number(step)}"
            return word, weight.times(sign * step).exponential()
        case "option":
            return f"{name} {predictor.option} instead of {predictor.reference}", weight.exponential()
        case _:
            return f"a value of {name}, where it has one,", weight.exponential()


def sentence(effect: Effect) -> str:
    """Return what a change of a parameter does to the odds."""
    word, odds = change(effect)
    return f"{word} multiplies the odds by {factor(odds.value)} ({factor(odds.low)} to {factor(odds.high)})"


def shares(effects: Sequence[Effect], boundary: Boundary) -> str:
    """Return where 10 % and 90 % diverge in units of the limit, the empty text where that is no factor.

    With the weight k of a logarithm the odds are 1/9 and 9 at the limit times exp(∓ln 9 / k).
    """
    if boundary.lead.scale != "log":
        return ""
    weight = next(each.weight.value for each in effects if each.predictor is boundary.lead)
    ten, ninety = (boundary.limit.value * math.exp(sign * math.log(9) / weight) for sign in (-1, 1))
    return f"by the same formula 10 % diverge at {number(ten)}, 90 % at {number(ninety)}"


def exponents(boundary: Boundary) -> str:
    """Return the intervals of all exponents in the formula, the empty text where it has none."""
    words = [
        f"{term.predictor.label} {interval(term.exponent)}"
        for term in boundary.terms
        if term.exponent and term.predictor.is_number
    ]
    return ", ".join(words)


def listed(words: Sequence[str]) -> str:
    """Return words as a list in a sentence.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
