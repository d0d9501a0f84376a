"""A sweep's trials in one chart: the metric against each searched parameter."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from pandas.api.types import is_bool_dtype

from sweep.errors import UsageError, suggest
from sweep.metrics import NATIVE_METRICS, Objective
from sweep.metrics import metric as described
from sweep.records import Parameter
from sweep.results.plots.style import (
    BLUE,
    GOLD,
    INK,
    PALE_RED,
    RED,
    draw_ticks,
    draw_words,
    dress,
    empty_grid,
    escaped,
    fits,
)

_TRIAL = Parameter("trial", "trial")
_GOLDEN = (math.sqrt(5) - 1) / 2
_BAND = 0.11
"""Fraction of a panel's height that the band of the diverged trials takes."""
_LETTERS = 43
"""Letters of the ticks that have room along a panel."""
_FEWEST_TO_CLIP = 20
"""The quartiles of fewer values say too little about which of them are outliers."""


def scatter_grid(
    trials: pd.DataFrame,
    parameters: Sequence[Parameter],
    metric: str = "test_accuracy",
    *,
    title: str = "",
    x: Sequence[str] | None = None,
) -> Figure:
    """Draw `metric` against each searched parameter, a panel for each, with a point for each completed trial.

    A parameter drawn on a logarithmic scale gets a logarithmic axis, a categorical one a strip for each
    category; numbers that very many trials share are spread into strips too. The diverged trials, which have
    no metric, are crosses in a band at the foot of each panel. Where a few bad trials would squeeze all others
    together, the axis ends before them, and they are triangles on its edge that the legend counts. The best
    trial is a star. A trial without a value for a parameter is not in its panel.

    Args:
        trials: one row per trial; those that neither completed nor diverged are only counted, in the title.
        parameters: the searched parameters; if there are none, the metric is drawn against the trial number.
        metric: one of `metrics.NATIVE_METRICS`.
        title: what stands before the counts above the panels, such as the sweep's name.
        x: the parameters to draw, by short or full name, or `trial`; all parameters if None or empty.

    Raises:
        UsageError: `metric` is unknown, or `x` names what was not searched.
    """
    if metric not in NATIVE_METRICS:
        raise UsageError(f"there is no metric '{metric}': {suggest(metric, NATIVE_METRICS)}")
    panels = _chosen(parameters, x)
    has_place = (trials["status"] == "diverged") | ((trials["status"] == "completed") & trials[metric].notna())
    drawn = trials[has_place].sort_values("trial", ignore_index=True)
    scale = _Scale.of(drawn, metric)
    points = _points(drawn, scale)
    figure, grid = empty_grid(len(panels))
    for axes, parameter in zip(grid, panels, strict=True):
        _draw_vertical_axis(axes, scale)
        # A parameter that no trial has yet has no column either.
        values = drawn.get(parameter.short_name, pd.Series(np.nan, index=drawn.index))
        positions = _draw_horizontal_axis(axes, parameter, values)
        _draw_points(axes, points.assign(x=positions), metric)
    draw_words(figure, title, _counts(trials, drawn), _legend(drawn, points, scale))
    figure.supylabel(metric.replace("_", " "), fontsize=10)
    return figure


@dataclass(frozen=True, slots=True)
class _Scale:
    """The vertical axis that all panels share; from `bottom` to `low` it is the diverged trials' band."""

    metric: str
    bottom: float
    low: float
    high: float
    bound: float
    """The worst value that has a place on the axis."""
    has_values: bool

    @classmethod
    def of(cls, drawn: pd.DataFrame, metric: str) -> _Scale:
        """Choose the limits from what is to be drawn."""
        completed = drawn["status"] == "completed"
        values = drawn.loc[completed, metric].to_numpy(dtype=np.float64)
        kept = values[_is_in_place(values, metric)]
        low, high = (kept.min(), kept.max()) if len(kept) else (0.0, 1.0)
        bound = low if (described(metric).direction == "max") else high
        pad = 0.06 * (high - low) or 0.05 * abs(high) or 0.05
        low, high = low - pad, high + pad
        band = 0.0 if completed.all() else (high - low) * _BAND / (1 - _BAND)
        return cls(metric, low - band, low, high, bound, len(values) > 0)

    @property
    def edge(self) -> float:
        """Where the values beyond `bound` are drawn."""
        return self.low if (described(self.metric).direction == "max") else self.high

    def is_beyond(self, values: pd.Series[float]) -> pd.Series[bool]:
        return values < self.bound if (described(self.metric).direction == "max") else values > self.bound

    def ticks(self) -> tuple[list[float], list[str]]:
        """Return the places and the words of the ticks, that of the band included."""
        low, high = self.low, self.high
        if self.metric.endswith("accuracy"):
            low, high = max(low, 0.0), min(high, 1.0)
        places = MaxNLocator(6, steps=[1, 2, 5, 10]).tick_values(self.low, self.high)
        decimals = max(0, math.ceil(-math.log10(places[1] - places[0]) - 1e-9))
        ticks = [float(place) for place in places if self.has_values and low <= place <= high + 1e-12]
        words = [f"{place:.{decimals}f}" for place in ticks]
        if self.bottom < self.low:
            return [(self.bottom + self.low) / 2, *ticks], ["diverged", *words]
        return ticks, words


def _is_in_place(values: NDArray[np.float64], metric: str) -> NDArray[np.bool_]:
    """Tell which values the axis should reach: all, unless most of it would then belong to a few outliers.

    An outlier is worse than the worse quartile by more than three times the distance of the quartiles:
    Tukey's "far out" (Exploratory Data Analysis, 1977, chapter 2), on the bad side only.
    """
    everything = np.ones(len(values), dtype=np.bool_)
    if len(values) < _FEWEST_TO_CLIP:
        return everything
    goodness = values if (described(metric).direction == "max") else -values
    lower, upper = np.quantile(goodness, [0.25, 0.75])
    in_place = goodness >= lower - 3 * (upper - lower)
    is_worthwhile = upper > lower and np.ptp(values) > 2 * np.ptp(values[in_place])
    return in_place if is_worthwhile else everything


def _chosen(parameters: Sequence[Parameter], x: Sequence[str] | None) -> list[Parameter]:
    if not x:
        return list(parameters) or [_TRIAL]
    known = {name: p for p in (_TRIAL, *parameters) for name in (p.short_name, p.name)}
    for name in x:
        if name not in known:
            raise UsageError(f"there is no parameter '{name}': {suggest(name, known)}")
    return list(dict.fromkeys(known[name] for name in x))


def _points(drawn: pd.DataFrame, scale: _Scale) -> pd.DataFrame:
    """Return the `look` of each drawn trial (a key of `_looks`) and its height `y` on the vertical axis."""
    values = drawn[scale.metric].astype("float64")
    has_diverged = drawn["status"] == "diverged"
    beyond = scale.is_beyond(values) & ~has_diverged
    looks = pd.Series("completed", index=drawn.index).mask(beyond, "beyond").mask(has_diverged, "diverged")
    looks[_best(drawn, scale.metric)] = "best"
    middle, height = (scale.bottom + scale.low) / 2, scale.low - scale.bottom
    in_band = middle + 0.5 * height * pd.Series(_jitter(len(drawn), math.sqrt(2)))
    return pd.DataFrame({"look": looks, "y": values.mask(beyond, scale.edge).mask(has_diverged, in_band)})


def _best(drawn: pd.DataFrame, metric: str) -> pd.Index[int]:
    """Return the row of the best completed trial, ranked as the leaderboard does; none if none completed."""
    ascending = dict(Objective().by(metric).sort_keys())
    completed = drawn.loc[drawn["status"] == "completed", [*ascending]]
    return completed.sort_values([*ascending], ascending=[*ascending.values()]).index[:1]


def _jitter(count: int, irrational: float) -> NDArray[np.float64]:
    """Return `count` numbers in [-0.5, 0.5) that spread evenly, the same ones each time (Weyl's sequence).

    Seaborn's own jitter comes from NumPy's global generator: other pictures each time, and a state disturbed.
    """
    return np.arange(1, count + 1, dtype=np.float64) * irrational % 1 - 0.5


def _draw_vertical_axis(axes: Axes, scale: _Scale) -> None:
    dress(axes)
    axes.set_ylim(scale.bottom, scale.high)
    axes.set_yticks(*scale.ticks())
    if scale.bottom < scale.low:
        share = (scale.low - scale.bottom) / (scale.high - scale.bottom)
        axes.add_patch(Rectangle((0, 0), 1, share, transform=axes.transAxes, color=PALE_RED, zorder=0.6, lw=0))
        for label in axes.get_yticklabels()[:1]:
            label.set_color(RED)
    if not scale.has_values:
        axes.text(0.5, 0.5, "no trial completed", transform=axes.transAxes, ha="center", color=INK)


def _draw_horizontal_axis(axes: Axes, parameter: Parameter, values: pd.Series[Any]) -> NDArray[np.float64]:
    """Give `axes` the parameter's scale, limits and ticks; return each trial's place, NaN if it has none."""
    axes.set_xlabel(parameter.short_name)
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    known = numbers[~np.isnan(numbers)]
    if parameter.categorical or is_bool_dtype(values) or len(known) < values.count():
        return _draw_categories(axes, values)
    if len(known) == 0:
        axes.set_xticks([])
        return numbers
    is_log = parameter.log and known.min() > 0
    places = np.exp(_spread(np.log(numbers))) if is_log else _spread(numbers)
    low, high = np.nanmin(places), np.nanmax(places)
    if is_log:
        axes.set_xscale("log")
        pad = (high / low) ** 0.05 if high > low else 1.1
        axes.set_xlim(low / pad, high * pad)
    else:
        pad = 0.05 * (high - low) or 0.05 * abs(high) or 0.5
        axes.set_xlim(low - pad, high + pad)
    is_whole = bool((known % 1 == 0).all())
    draw_ticks(axes.xaxis, known.min(), known.max(), is_log=is_log, is_whole=is_whole)
    return places


def _spread(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return `numbers`, spread over half the gap between neighbors if the points would hide each other."""
    distinct = np.unique(numbers[~np.isnan(numbers)])
    if len(distinct) < 2 or len(numbers) < 20 * len(distinct):
        return numbers
    return numbers + 0.5 * float(np.diff(distinct).min()) * _jitter(len(numbers), _GOLDEN)


def _draw_categories(axes: Axes, values: pd.Series[Any]) -> NDArray[np.float64]:
    categories = sorted(values.dropna().unique(), key=lambda category: (isinstance(category, str), category))
    words = [f"{category:g}" if isinstance(category, float) else str(category) for category in categories]
    axes.set_xlim(-0.5, max(len(categories), 1) - 0.5)
    _label_categories(axes, words)
    axes.grid(visible=False, axis="x")
    numbers = values.map({category: number for number, category in enumerate(categories)})
    places: NDArray[np.float64] = numbers.to_numpy(dtype=np.float64, na_value=np.nan)
    return places + 0.56 * _jitter(len(values), _GOLDEN)


def _label_categories(axes: Axes, words: list[str]) -> None:
    """Set the words of the ticks, broken at underscores or else upright where they would overlap."""
    broken = [word.replace("_", "_\n") for word in words]
    is_upright = not fits(words, _LETTERS) and not fits(broken, _LETTERS)
    shown = words if is_upright or fits(words, _LETTERS) else broken
    axes.set_xticks(range(len(words)), [escaped(word) for word in shown], rotation=90 if is_upright else 0)


def _looks(count: int, metric: str) -> dict[str, dict[str, Any]]:
    """Return how each kind of trial is drawn; the more trials there are, the smaller and paler."""
    size = float(np.clip(320 / math.sqrt(max(count, 1)), 6, 36))
    alpha = float(np.clip(10 / math.sqrt(max(count, 1)), 0.35, 0.85))
    worse = "v" if (described(metric).direction == "max") else "^"
    point = {"color": BLUE, "s": size, "alpha": alpha, "edgecolor": "white", "linewidth": size / 100}
    return {
        "completed": {**point, "marker": "o", "zorder": 2},
        "beyond": {**point, "marker": worse, "s": size + 14, "alpha": 1.0, "zorder": 3, "clip_on": False},
        "diverged": {
            "color": RED,
            "s": 0.8 * size,
            "alpha": alpha,
            "marker": "x",
            "linewidth": 1.0,
            "zorder": 2,
        },
        "best": {"color": GOLD, "s": 190, "marker": "*", "edgecolor": INK, "linewidth": 0.8, "zorder": 4},
    }


def _draw_points(axes: Axes, points: pd.DataFrame, metric: str) -> None:
    """Draw `points` (`x`, `y`, `look`), one collection for each look, labeled with it."""
    for look, style in _looks(len(points), metric).items():
        group = points[(points["look"] == look) & points["x"].notna()]
        if len(group):
            x, y = group["x"].to_numpy(), group["y"].to_numpy()
            # An SVG of many thousand separate marks would take seconds to show.
            is_heavy = len(group) > 5000
            sns.scatterplot(x=x, y=y, ax=axes, label=look, legend=False, rasterized=is_heavy, **style)


def _counts(trials: pd.DataFrame, drawn: pd.DataFrame) -> str:
    counts = drawn["status"].value_counts()
    text = f"{counts.get('completed', 0)} completed, {counts.get('diverged', 0)} diverged"
    others = len(trials) - len(drawn)
    return f"{text}, {others} others not drawn" if others else text


def _legend(drawn: pd.DataFrame, points: pd.DataFrame, scale: _Scale) -> list[Line2D]:
    """Explain the star and the triangles, if there are any."""
    looks = _looks(len(points), scale.metric)
    handles = []
    for number, value in drawn.loc[points["look"] == "best", ["trial", scale.metric]].itertuples(index=False):
        handles.append(_handle(f"best: trial {number}, {value:.4f}", looks["best"], size=11))
    beyond = drawn.loc[points["look"] == "beyond", scale.metric]
    if len(beyond):
        side, end, extreme = (
            ("below", "lowest", beyond.min())
            if (described(scale.metric).direction == "max")
            else ("above", "highest", beyond.max())
        )
        words = f"{len(beyond)} {side} the axis, the {end} {extreme:.4f}"
        handles.append(_handle(words, looks["beyond"], size=6))
    return handles


def _handle(words: str, look: dict[str, Any], size: float) -> Line2D:
    edge = {"markeredgecolor": look["edgecolor"], "markeredgewidth": look["linewidth"]}
    return Line2D([], [], label=words, linestyle="", marker=look["marker"], color=look["color"], ms=size, **edge)
