"""New ends of numeric ranges, in round numbers."""

from __future__ import annotations

import math

from sweep.space.coordinates import position
from sweep.space.distributions import EXACT_INTEGERS, Integer, Uniform

MARGIN = 0.05
"""By which a range of good values is enlarged on both sides, as a part of its width."""
LEAST_WIDTH = 0.2
"""Of a range of good values, as a part of the whole one."""
WIDENING = 0.25
"""By which a range is widened at one end, as a part of its width; in the logarithm where it is drawn in that."""


def likely_ends(distribution: Uniform | Integer, low: float, high: float) -> tuple[float, float]:
    """Return the ends of a range around good values from `low` to `high`, within that of the distribution."""
    first, last = position(distribution, low), position(distribution, high)
    margin = max(MARGIN * (last - first), (LEAST_WIDTH - (last - first)) / 2)
    first, last = max(first - margin, 0.0), min(last + margin, 1.0)
    if isinstance(distribution, Integer):
        return _step_at(distribution, first), _step_at(distribution, last)
    ends = value_at(distribution, first), value_at(distribution, last)
    return _clipped(distribution, _rounded(distribution, ends[0], ends)), _clipped(
        distribution, _rounded(distribution, ends[1], ends)
    )


def value_at(distribution: Uniform | Integer, place: float) -> float:
    """Return the number at a coordinate, which may be outside of [0, 1]; the inverse of `position`."""
    low, high = float(distribution.low), float(distribution.high)
    if isinstance(distribution, Integer):
        low, high = low - distribution.step / 2, high + distribution.step / 2
    return low * (high / low) ** place if distribution.log else low * (1 - place) + high * place


def _step_at(distribution: Integer, place: float) -> int:
    steps = round((value_at(distribution, place) - distribution.low) / distribution.step)
    return min(max(distribution.low + steps * distribution.step, distribution.low), distribution.high)


def _clipped(distribution: Uniform, value: float) -> float:
    return min(max(value, distribution.low), distribution.high)


def _rounded(distribution: Uniform, value: float, ends: tuple[float, float]) -> float:
    """Round to two significant digits, of the value itself where its logarithm is drawn, else of the range's width."""
    size = abs(value) if distribution.log else ends[1] - ends[0]
    if size == 0 or not math.isfinite(size):
        return value
    return float(round(value, 1 - math.floor(math.log10(size))))


def widened(distribution: Uniform | Integer, upper: bool) -> float | None:
    """Return an end further out; None where there is none.

    Numbers that are never negative stay so, integers of at least 1 too, and those of a range within 0 and 1 stay there,
    as fractions and momenta do: their end moves at most half of the way to 1.
    """
    found = _moved(distribution, upper)
    if isinstance(distribution, Integer):
        return None if found == (distribution.high if upper else distribution.low) else found
    return found if found > distribution.high or found < distribution.low else None


def _moved(distribution: Uniform | Integer, upper: bool) -> float:
    value = value_at(distribution, 1 + WIDENING if upper else -WIDENING)
    if isinstance(distribution, Integer):
        return _moved_integer(distribution, distribution.high if upper else distribution.low, value)
    low, high = distribution.low, distribution.high
    if low >= 0 and not upper:
        value = max(value, 0.0)
    if low >= 0 and high <= 1 and upper:
        value = min(value, (1 + high) / 2)
    if not math.isfinite(value) or (distribution.log and value <= 0):
        return high if upper else low
    return _rounded(distribution, value, (low, high))


def _moved_integer(distribution: Integer, end: int, value: float) -> int:
    """Return the number nearest to a value that is reached from an end in whole steps."""
    low, step = distribution.low, distribution.step
    least = next((bound for bound in (1, 0) if low >= bound), -EXACT_INTEGERS)
    first = least + (low - least) % step
    return min(max(end + round((value - end) / step) * step, first), EXACT_INTEGERS)
