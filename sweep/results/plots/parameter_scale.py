"""Where the values of a parameter stand along an axis from 0 to 1: in their own scale, or category by category."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator
from pandas.api.types import is_bool_dtype

from sweep.records import Parameter
from sweep.results.plots.parameter_axis import Floats, category_key, category_word
from sweep.results.plots.style import log_ticks, number_word


@dataclass(frozen=True, slots=True)
class ParameterScale:
    """The axis of a parameter, from 0 to 1."""

    name: str
    """The parameter's short name."""
    low: float
    """The value at 0, in logarithms if `is_log`; of categories 0."""
    high: float
    """The value at 1; of categories their number."""
    is_log: bool = False
    categories: tuple[Any, ...] | None = None
    """The values in order, if they are categories; the first at 0.5 / their number."""

    @classmethod
    def of(cls, parameter: Parameter, values: pd.Series[Any], most_distinct: int = 0) -> ParameterScale:
        """Choose the scale of a parameter.

        Args:
            parameter: what was searched.
            values: those of all trials.
            most_distinct: numbers of at most so many different values that most trials share are categories, too.
        """
        numbers = _numbers(values)
        known = numbers[np.isfinite(numbers)]
        is_choice = parameter.options or parameter.categorical or is_bool_dtype(values) or len(known) < values.count()
        distinct = len(np.unique(known))
        # Numbers that most trials share are choices, too; of a few trials any numbers are few.
        if is_choice or (distinct <= most_distinct and 2 * distinct <= len(known)):
            found = {category_key(value): value for value in [*parameter.options, *values.dropna().unique()]}
            ordered = tuple(value for _, value in sorted(found.items()))
            return cls(parameter.short_name, 0.0, float(max(len(ordered), 1)), categories=ordered)
        if len(known) == 0:
            return cls(parameter.short_name, 0.0, 1.0)
        low = min(float(known.min()), math.inf if parameter.low is None else parameter.low)
        high = max(float(known.max()), -math.inf if parameter.high is None else parameter.high)
        is_log = parameter.log and low > 0
        return cls(parameter.short_name, *((math.log10(low), math.log10(high)) if is_log else (low, high)), is_log)

    def places(self, values: pd.Series[Any]) -> Floats:
        """Return the place of each value, NaN where one is missing."""
        if self.categories is not None:
            order = {category_key(value): number for number, value in enumerate(self.categories)}
            found = [math.nan if pd.isna(value) else order[category_key(value)] + 0.5 for value in values]
            return np.array(found, dtype=np.float64) / self.high
        numbers = _numbers(values)
        return self._place(np.log10(numbers) if self.is_log else numbers)

    def _place(self, numbers: Floats) -> Floats:
        # Halves, since the difference of the largest numbers cannot be computed.
        width = self.high / 2 - self.low / 2
        return (numbers / 2 - self.low / 2) / width if width > 0 else np.where(np.isnan(numbers), math.nan, 0.5)

    def ticks(self, most: int = 6) -> tuple[Floats, list[str]]:
        """Return the places of the ticks and their labels; each category has one, whatever their number."""
        if self.categories is not None:
            words = [category_word(value) for value in self.categories]
            return np.arange(0.5, len(words)) / self.high, words
        numbers = self._tick_numbers(most)
        places = self._place(np.log10(numbers) if self.is_log else numbers)
        inside = (places >= -1e-9) & (places <= 1 + 1e-9)
        return places[inside], [number_word(float(number)) for number in numbers[inside]]

    def _tick_numbers(self, most: int) -> Floats:
        if self.low == self.high:
            return np.array([10**self.low if self.is_log else self.low])
        if not self.is_log:
            return np.asarray(MaxNLocator(most - 1, steps=[1, 2, 2.5, 5, 10]).tick_values(self.low, self.high))
        return np.array(log_ticks(self.low, self.high, most))


def _numbers(values: pd.Series[Any]) -> Floats:
    return np.asarray(
        pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64
    )
