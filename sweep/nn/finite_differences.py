"""Numerical derivatives by extrapolation, from the largest steps of a smooth function.

**Steps.** The derivative with respect to one parameter is found from losses at ±t, for t = 1, 1/2, 1/4, … times
max(1, |parameter|). Central differences of two steps are extrapolated to t = 0 (Richardson 1911), with an error of the
order t⁴. The largest three steps at which the loss is smooth are taken, because the rounding of the loss is divided by
the step.

**Kinks.** At each step, the losses at t and −t are split into an odd part, which has the derivative, and an even part.
Where the loss is smooth, the extrapolations of the odd part from either two steps agree, and the even part divided by t
tends to 0; at a kink (`relu` at 0, equal maxima in a window) or a jump (`step`), one of these fails by far more than
rounding. Then smaller steps are tried, down to 1e-7. Only losses decide this, so a wrong gradient is never taken for a
kink.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

Function = Callable[[float], float]
"""The loss as a function of the step from the present point."""

HALVINGS = 23
"""How often the step is halved at most: from 1 to 1e-7."""
ROUNDINGS = 8.0
"""The rounding that is allowed for, in standard deviations of the loss divided by the smallest of three steps."""


class Estimate(NamedTuple):
    """A derivative at 0."""

    value: float
    rounding: float
    """The error that rounding may have caused."""
    halvings: int
    """How often the step was halved."""


def derivative(function: Function, center: float, scale: float, loss_rounding: float, first: int) -> Estimate | None:
    """Return the derivative of a function at 0, or None if the function is smooth at no step.

    Args:
        function: the loss by the step.
        center: its value at 0.
        scale: the largest step.
        loss_rounding: the standard deviation of the loss by rounding.
        first: how often `scale` is halved for the first step that is tried.
    """
    odd: list[float] = []
    even: list[float] = []
    for halvings in range(first, HALVINGS + 1):
        step = scale * 0.5**halvings
        odd_part, even_part = odd_and_even(function, center, step)
        odd, even = [*odd[-2:], odd_part], [*even[-2:], even_part]
        if len(odd) < 3:
            continue
        rounding = ROUNDINGS * loss_rounding / step
        coarse, fine = _extrapolate(odd, 2)
        (bend,) = _extrapolate(_extrapolate(even, 1), 3)
        if abs(fine - coarse) + abs(bend) <= rounding:
            return Estimate(fine, rounding, halvings)
    return None


def odd_and_even(function: Function, center: float, step: float) -> tuple[float, float]:
    """Return (f(t) − f(−t))/2t and (f(t) + f(−t) − 2·f(0))/2t: about slope and half kink."""
    above, below = function(step), function(-step)
    return (above - below) / (2 * step), (above + below - 2 * center) / (2 * step)


def _extrapolate(values: list[float], order: int) -> list[float]:
    """Remove the term stepᵒʳᵈᵉʳ from values at steps halved each time; return one value fewer."""
    return [(2**order * fine - coarse) / (2**order - 1) for coarse, fine in pairwise(values)]
