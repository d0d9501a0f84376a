"""Expert priors: where good values of a parameter are expected.

Three quarters of the draws come from a bell around the expected values, and a quarter from the whole range, so that a
wrong guess costs no more than these three quarters. The bell is a normal distribution on the scale of the parameter,
cut off at the ends of its range. Around a single value its standard deviation is a tenth of the range; around a range
from a to b it is half of the range's width, so that about two thirds of the bell lie in it.

A trial follows the guesses about all of its parameters or about none: if each parameter had a lot of its own, hardly a
trial of many parameters would be free of wrong guesses.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any, cast

Likely = float | tuple[float, float]
"""A value, or the two ends of a range."""
SHARE = 0.75
"""Part of the draws that come from the bell."""
WIDTH = 0.1
"""Standard deviation of the bell around a single value, as a part of the range."""
LEAST_WIDTH = 1e-3
STEPS = 60
"""Bisections, after which a quantile is exact to the last bits."""


def checked_likely(likely: Any, low: float, high: float) -> Likely | None:
    """Return a guess, two ends as a tuple, if it is a number, or two in their order, within a range.

    Raises:
        ValueError: when it is not; the message is the middle of a sentence.
    """
    likely = tuple(likely) if isinstance(likely, list) else likely
    if likely is None:
        return None
    ends = likely if isinstance(likely, tuple) else (likely,)
    are_numbers = all(isinstance(end, int | float) and not isinstance(end, bool) for end in ends)
    if not are_numbers or len(ends) > 2 or not ends:
        raise ValueError(f"likely takes a number, or two as a range, not {_shown(likely)}")
    if list(ends) != sorted(ends):
        raise ValueError(f"likely = {_shown(likely)} runs backwards; write {_shown(tuple(reversed(ends)))}")
    if not all(low <= end <= high for end in ends):
        raise ValueError(f"likely = {_shown(likely)} is outside of the range from {low} to {high}")
    return cast(Likely, likely)


def _shown(likely: Any) -> str:
    return repr(list(likely)) if isinstance(likely, tuple) else repr(likely)


def likely_table(likely: Likely | None) -> dict[str, Any]:
    """Return the key `likely` of a distribution's table; nothing where there is no guess."""
    return {} if likely is None else {"likely": list(likely) if isinstance(likely, tuple) else likely}


def bell(likely: Likely | None, place: Callable[[float], float]) -> tuple[float, float]:
    """Return the mean and the standard deviation of the bell in coordinates from 0 to 1.

    Args:
        place: returns the coordinate of a value.
    """
    if isinstance(likely, tuple):
        low, high = place(likely[0]), place(likely[-1])
        return (low + high) / 2, max((high - low) / 2, LEAST_WIDTH)
    return place(0.0 if likely is None else likely), WIDTH


def quantile(u: float, mean: float, deviation: float, share: float = SHARE) -> float:
    """Return the coordinate below which a part `u` of the draws lies, by bisection.

    The distribution function is (1 - share) x + share (Φ((x - mean) / deviation) - Φ(-mean / deviation)) / total, where
    total is the part of the bell that lies in the range.

    Args:
        share: part of the draws that come from the bell.
    """
    if u <= 0.0 or u >= 1.0:
        return min(max(u, 0.0), 1.0)
    below, total = _cut_off(mean, deviation)
    low, high = 0.0, 1.0
    scale = 1 / (deviation * math.sqrt(2))
    for _ in range(STEPS):
        middle = (low + high) / 2
        inside = (0.5 * (1 + math.erf((middle - mean) * scale)) - below) / total
        if (1 - share) * middle + share * inside < u:
            low = middle
        else:
            high = middle
    return (low + high) / 2


@lru_cache(maxsize=1024)
def _cut_off(mean: float, deviation: float) -> tuple[float, float]:
    """Return the parts of the bell below the range and in it."""
    below, up_to = (0.5 * (1 + math.erf((end - mean) / (deviation * math.sqrt(2)))) for end in (0.0, 1.0))
    return below, up_to - below
