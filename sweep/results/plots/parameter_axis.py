"""The horizontal axis of a parameter: its scale, limits and ticks, and each trial's place on it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray
from pandas.api.types import is_bool_dtype

from sweep.records import Parameter, Scalar
from sweep.results.plots.style import draw_ticks, escape, fits, number_word, shorten_all

Floats = NDArray[np.float64]

_GOLDEN = (math.sqrt(5) - 1) / 2
_LETTERS = 43
"""Letters of the ticks' labels that have room along a panel."""
_LONGEST = 24
"""Letters of a label that stands upright."""
_SMALLEST, _LARGEST = 1e-150, 1e150
"""Limits of an axis that matplotlib can compute with; numbers beyond are drawn in another unit."""


def draw_parameter_axis(axes: Axes, parameter: Parameter, values: pd.Series[Any]) -> Floats:
    """Give `axes` the parameter's scale, limits and ticks; return each trial's place, NaN if it has none."""
    axes.set_xlabel(escape(parameter.short_name))
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    known = numbers[~np.isnan(numbers)]
    if parameter.options or parameter.categorical or is_bool_dtype(values) or len(known) < values.count():
        return _draw_categories(axes, values, parameter.options)
    if len(known) == 0:
        axes.set_xticks([])
        return numbers
    low, high = (
        float(end)
        for end in (
            known.min() if parameter.low is None else min(parameter.low, known.min()),
            known.max() if parameter.high is None else max(parameter.high, known.max()),
        )
    )
    is_whole = bool((known % 1 == 0).all())
    if parameter.log and low > 0:
        return _draw_logarithmic(axes, numbers, low, high, is_whole=is_whole)
    return _draw_linear(axes, numbers, low, high, is_whole=is_whole)


def _draw_logarithmic(axes: Axes, numbers: Floats, low: float, high: float, *, is_whole: bool) -> Floats:
    places = np.exp(_spread(np.log(numbers)))
    ends = np.log10([min(low, np.nanmin(places)), max(high, np.nanmax(places))])
    pad = 0.05 * (ends[1] - ends[0]) or 0.04
    axes.set_xscale("log")
    # The powers of ten that a float can be.
    axes.set_xlim(*(10.0 ** np.clip([ends[0] - pad, ends[1] + pad], -323.5, 308.25)))
    draw_ticks(axes.xaxis, low, high, is_log=True, is_whole=is_whole)
    return places


def _draw_linear(axes: Axes, numbers: Floats, low: float, high: float, *, is_whole: bool) -> Floats:
    largest = max(abs(low), abs(high))
    unit = 1.0 if largest == 0 or _SMALLEST <= largest <= _LARGEST else 10.0 ** math.floor(math.log10(largest))
    places = _spread(numbers / unit)
    low, high = low / unit, high / unit
    start, end = min(low, float(np.nanmin(places))), max(high, float(np.nanmax(places)))
    pad = 0.05 * (end - start) or 0.05 * abs(end) or 0.5
    axes.set_xlim(start - pad, end + pad)
    draw_ticks(axes.xaxis, low, high, is_log=False, is_whole=is_whole and unit == 1)
    if unit != 1:
        axes.xaxis.set_major_formatter(FuncFormatter(lambda place, _: number_word(float(place) * unit)))
    return places


def jitter(count: int, irrational: float) -> Floats:
    """Return `count` numbers in [-0.5, 0.5) that spread evenly, the same ones each time (Weyl's sequence).

    Seaborn's own jitter comes from NumPy's global generator: other pictures each time, and a state disturbed.
    """
    return np.arange(1, count + 1, dtype=np.float64) * irrational % 1 - 0.5


def _spread(numbers: Floats) -> Floats:
    """Return `numbers`, spread over half the gap between neighbors if the points would hide each other."""
    distinct = np.unique(numbers[~np.isnan(numbers)])
    if len(distinct) < 2 or len(numbers) < 20 * len(distinct):
        return numbers
    return numbers + 0.5 * float(np.diff(distinct).min()) * jitter(len(numbers), _GOLDEN)


def _draw_categories(axes: Axes, values: pd.Series[Any], options: tuple[Scalar, ...]) -> Floats:
    """Draw a strip for each option, drawn or not, and for each other value: numbers in order, then texts."""
    categories = sorted({category_key(value): value for value in [*options, *values.dropna().unique()]}.items())
    axes.set_xlim(-0.5, max(len(categories), 1) - 0.5)
    _label_categories(axes, [category_word(value) for _, value in categories])
    axes.grid(visible=False, axis="x")
    numbers = {key: number for number, (key, _) in enumerate(categories)}
    places = np.array(
        [np.nan if pd.isna(value) else numbers[category_key(value)] for value in values], dtype=np.float64
    )
    return places + 0.56 * jitter(len(values), _GOLDEN)


def category_word(value: Any) -> str:
    """Return a category as it stands at a tick: true and false as an experiment file spells them."""
    if isinstance(value, bool | np.bool_):
        return str(value).lower()
    return number_word(value) if isinstance(value, float) else str(value)


def category_key(value: Any) -> tuple[bool, float, str]:
    """Return what tells a category from others and orders it: true and 1 are two, 16 and 16.0 one."""
    if isinstance(value, str):
        return True, 0.0, value
    return False, float(value), "truth" if isinstance(value, bool | np.bool_) else ""


def _label_categories(axes: Axes, words: list[str]) -> None:
    """Set the words of the ticks, broken at underscores or else upright and shortened where they would overlap."""
    words = shorten_all(words, _LONGEST)
    broken = [word.replace("_", "_\n") for word in words]
    is_upright = not fits(words, _LETTERS) and not fits(broken, _LETTERS)
    shown = words if is_upright or fits(words, _LETTERS) else broken
    axes.set_xticks(range(len(words)), [escape(word) for word in shown], rotation=90 if is_upright else 0)
    if len(words) > 16:
        axes.tick_params(axis="x", labelsize=max(4.0, 9 * 16 / len(words)))
