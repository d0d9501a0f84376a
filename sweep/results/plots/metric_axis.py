"""The vertical axis of a metric: its limits, its ticks, and what is too bad to have a place on it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from sweep.metrics import Objective, metric
from sweep.results.plots.style import INK, PALE_RED, RED, escape, log_ticks, number_word

_BAND = 0.11
"""Fraction of a panel's height that the band of the diverged trials takes."""
_FEWEST_TO_CLIP = 20
"""The quartiles of fewer values say too little about which of them are outliers."""
MOST_LINEAR = 20
"""The factor between positive values up to which an axis is linear."""
_LARGEST = 1e150
"""Largest absolute value that is drawn where it is: the limits of an axis beyond cannot be computed."""


@dataclass(frozen=True, slots=True)
class MetricAxis:
    """The vertical axis that all panels share: values from `low` to `high`, and the band of the diverged trials."""

    objective: Objective
    low: float
    high: float
    band: float
    """Height of the band, which is at the bad end; 0 without one."""
    bound: float
    """The worst value that has a place on the axis."""
    has_values: bool
    is_log: bool = False
    """Whether all but `bound` are logarithms to the base of ten."""

    @classmethod
    def wide(cls, values: NDArray[np.float64], objective: Objective, *, has_band: bool) -> MetricAxis:
        """Choose an axis that is logarithmic if less is better and most values span more than a factor of 20.

        Args:
            values, objective, has_band: as of `of`.
        """
        kept = values[_is_in_place(values, is_max=objective.is_max)]
        is_log = len(kept) > 0 and not objective.is_max and kept.max() / MOST_LINEAR > kept.min() > 0
        shown = np.log10(values) if is_log else values
        axis = cls.of(shown, np.full(len(values), np.nan), objective, has_band=has_band)
        return replace(axis, is_log=True, bound=float(10**axis.bound) * (1 + 1e-12)) if is_log else axis

    @classmethod
    def of(
        cls, values: NDArray[np.float64], errors: NDArray[np.float64], objective: Objective, *, has_band: bool
    ) -> MetricAxis:
        """Choose the limits of the axis.

        Args:
            values: the values to be drawn, finite, shape (trials,).
            errors: the length of each value's error bar to either side, NaN where it has none.
            objective: the metric and its direction.
            has_band: whether there are diverged trials.
        """
        is_max = objective.is_max
        kept = _is_in_place(values, is_max=is_max)
        ends = np.nan_to_num(errors[kept])
        drawn = values[kept].clip(-_LARGEST, _LARGEST)
        low, high = ((drawn - ends).min(), (drawn + ends).max()) if len(drawn) else (0.0, 1.0)
        bound = (drawn.min() if is_max else drawn.max()) if len(drawn) else low
        pad = 0.06 * (high - low) or 0.05 * abs(high) or 0.05
        low, high = low - pad, high + pad
        band = (high - low) * _BAND / (1 - _BAND) if has_band else 0.0
        return cls(objective, float(low), float(high), float(band), float(bound), len(values) > 0)

    def places(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Return where values stand on the axis."""
        return np.asarray(np.log10(values) if self.is_log else values, dtype=np.float64)

    @property
    def label(self) -> str:
        """The name of the metric as a label; underscores in names of ours are spaces."""
        described = metric(self.objective.metric)
        return escape(described.name.replace("_", " ") if described.part else described.name)

    @property
    def bottom(self) -> float:
        """Where the axis begins."""
        return self.low - self.band if self.objective.is_max else self.low

    @property
    def top(self) -> float:
        """Where the axis ends."""
        return self.high if self.objective.is_max else self.high + self.band

    @property
    def band_middle(self) -> float:
        """The middle of the band."""
        return self.low - self.band / 2 if self.objective.is_max else self.high + self.band / 2

    @property
    def edge(self) -> float:
        """Where the values beyond `bound` are drawn."""
        return self.low if self.objective.is_max else self.high

    def is_beyond(self, values: pd.Series[float]) -> pd.Series[bool]:
        """Tell which values are too bad for the axis."""
        return values < self.bound if self.objective.is_max else values > self.bound

    def ticks(self) -> tuple[list[float], list[str]]:
        """Return the positions and the labels of the ticks, that of the band included."""
        if self.is_log:
            return self._log_ticks()
        lowest, highest = metric(self.objective.metric).limits
        low, high = max(self.low, lowest), min(self.high, highest)
        places = MaxNLocator(6, steps=[1, 2, 5, 10]).tick_values(self.low, self.high)
        step = float(places[1] - places[0])
        ticks = [float(place) for place in places if self.has_values and low <= place <= high + 1e-9 * step]
        labels = _tick_labels(ticks, step)
        if self.band:
            return [self.band_middle, *ticks], ["diverged", *labels]
        return ticks, labels

    def _log_ticks(self) -> tuple[list[float], list[str]]:
        numbers = [number for number in log_ticks(self.low, self.high) if self.low <= math.log10(number) <= self.high]
        ticks, labels = [math.log10(number) for number in numbers], [number_word(number) for number in numbers]
        return ([self.band_middle, *ticks], ["diverged", *labels]) if self.band else (ticks, labels)


def draw_metric_axis(axes: Axes, axis: MetricAxis) -> None:
    """Give `axes` the metric as its vertical axis, with the band of the diverged trials."""
    axes.set_ylim(axis.bottom, axis.top)
    axes.set_yticks(*axis.ticks())
    if axis.band:
        share = axis.band / (axis.top - axis.bottom)
        foot = 0 if axis.objective.is_max else 1 - share
        axes.add_patch(Rectangle((0, foot), 1, share, transform=axes.transAxes, color=PALE_RED, zorder=0.6, lw=0))
        for label in axes.get_yticklabels()[:1]:
            label.set_color(RED)
    if not axis.has_values:
        axes.text(0.5, 0.5, "no trial completed", transform=axes.transAxes, ha="center", color=INK)


def _tick_labels(ticks: list[float], step: float) -> list[str]:
    """Return ticks that are a multiple of `step` apart as numbers that differ; very large or small ones as powers."""
    largest = max(map(abs, ticks), default=1.0)
    if step > 1e-4 and largest < 1e6:
        decimals = max(0, math.ceil(-math.log10(step) - 1e-9))
        return [f"{tick:.{decimals}f}" for tick in ticks]
    digits = max(1, math.ceil(math.log10(max(largest, step) / step) - 1e-9) + 1)
    return [
        f"{0.0 if abs(tick) < step / 2 else tick:.{digits}g}".replace("e+0", "e").replace("e-0", "e-") for tick in ticks
    ]


def _is_in_place(values: NDArray[np.float64], *, is_max: bool) -> NDArray[np.bool_]:
    """Tell which values the axis should reach: all, unless most of it would then belong to a few outliers.

    An outlier is worse than the worse quartile by more than three times the distance of the quartiles:
    Tukey's "far out" (Exploratory Data Analysis, 1977, chapter 2), on the bad side only.
    """
    everything = np.ones(len(values), dtype=np.bool_)
    if len(values) < _FEWEST_TO_CLIP:
        return everything
    goodness = (values if is_max else -values).clip(-_LARGEST, _LARGEST)
    lower, upper = np.quantile(goodness, [0.25, 0.75])
    in_place = goodness >= lower - 3 * (upper - lower)
    is_worthwhile = upper > lower and np.ptp(goodness) > 2 * np.ptp(goodness[in_place])
    return in_place if is_worthwhile else everything
