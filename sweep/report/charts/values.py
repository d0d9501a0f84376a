"""The axes of a metric and of a parameter in a report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sweep.metrics import Objective
from sweep.report.charts.drawing import Floats, Ticks
from sweep.results.plots.metric_axis import MetricAxis
from sweep.results.plots.parameter_axis import jitter
from sweep.results.plots.parameter_scale import ParameterScale
from sweep.results.plots.style import log_ticks, number_word

if TYPE_CHECKING:
    import pandas as pd

    from sweep.records import Parameter

GOLDEN = (5**0.5 - 1) / 2
SPREAD = 0.56
"""Share of the room of a category over which its marks are spread."""

CROWDED = 20
"""Trials for each different number from which on their marks are spread, too."""
LINE = 0.07
"""Height of a line of text beside the axis."""
MARGIN = 0.02
"""Free part of the axis of a parameter at each end."""


@dataclass(frozen=True, slots=True)
class MetricPlaces:
    """The axis of a metric from 0 to 1."""

    axis: MetricAxis

    @classmethod
    def of(cls, values: Floats, objective: Objective, *, has_band: bool = False) -> MetricPlaces:
        """Choose it for some values, and a band for trials that diverged."""
        return cls(MetricAxis.wide(values, objective, has_band=has_band))

    def of_values(self, values: Floats, *, beyond: float = 0.0) -> Floats:
        """Return the places of values; what is beyond the axis, by more than that many lengths, is cut off."""
        with np.errstate(divide="ignore", invalid="ignore"):
            raw = self.axis.places(values)
        found = np.where(np.isfinite(raw), raw, self.axis.edge)
        more = beyond * (self.axis.high - self.axis.low)
        return self._shares(np.clip(found, self.axis.low - more, self.axis.high + more))

    @property
    def band(self) -> float:
        """The place of trials that diverged."""
        return float(self._shares(np.array([self.axis.band_middle]))[0])

    @property
    def ticks(self) -> Ticks:
        """The ticks."""
        numbers, words = self.axis.ticks()
        places = self._shares(np.array(numbers, np.float64))
        kept = [(float(place), word) for place, word in zip(places, words, strict=True) if -1e-9 <= place <= 1 + 1e-9]
        if self.axis.band:  # whose word is the first
            kept = [kept[0], *((place, word) for place, word in kept[1:] if abs(place - kept[0][0]) > LINE)]
        return [place for place, _ in kept], [word for _, word in kept]

    def _shares(self, numbers: Floats) -> Floats:
        height = self.axis.top / 2 - self.axis.bottom / 2  # halves, as whole ends may be the largest numbers
        shares: Floats = (numbers / 2 - self.axis.bottom / 2) / height
        return shares


def parameter_places(parameter: Parameter, values: pd.Series[Any]) -> tuple[Floats, Ticks]:
    """Return the places of a parameter's values, spread where they are categories, and the ticks."""
    scale = ParameterScale.of(parameter, values)
    places = scale.places(values)
    ticks, words = scale.ticks(6)
    if scale.categories is not None:
        return places + SPREAD * jitter(len(places), GOLDEN) / scale.high, (ticks.tolist(), words)
    distinct = np.unique(places[np.isfinite(places)])
    if len(distinct) > 1 and len(places) >= CROWDED * len(distinct):
        places = places + 0.5 * float(np.diff(distinct).min()) * jitter(len(places), GOLDEN)
    return MARGIN + (1 - 2 * MARGIN) * places, ((MARGIN + (1 - 2 * MARGIN) * ticks).tolist(), words)


def count_places(numbers: Floats, most: float) -> tuple[Floats, Ticks]:
    """Return the places of numbers of trials on a logarithmic axis from 1 on, and the ticks."""
    if most <= 1:
        return np.full(len(numbers), 0.5), ([0.5], ["1"])
    end = np.log10(most)
    ticks = [tick for tick in log_ticks(0, float(end)) if 1 <= tick <= most and tick % 1 == 0]
    found: Floats = np.log10(numbers) / end
    return found, ([float(np.log10(tick) / end) for tick in ticks], [number_word(tick) for tick in ticks])


def even_places(numbers: Floats, low: float, high: float) -> Floats:
    """Return the places of numbers between two ends."""
    if high <= low:
        return np.full(len(numbers), 0.5)
    found: Floats = (numbers - low) / (high - low)
    return found
