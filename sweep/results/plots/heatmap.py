"""The mean objective by two parameters, cell by cell; a cell without trials is empty.

Numbers are binned in their own scale, logarithmic or not; choices and numbers of few different values keep them.
In each cell stands how many completed trials its mean is of; a bar at its bottom shows which share of all diverged.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import LinearSegmentedColormap, LogNorm, Normalize
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from sweep.errors import UsageError, counted
from sweep.metrics import Objective
from sweep.records import Parameter
from sweep.results.plots.chart import Chart
from sweep.results.plots.marks import is_ranked, rows_of
from sweep.results.plots.metric_axis import MetricAxis
from sweep.results.plots.parallel import chosen_parameters
from sweep.results.plots.parameter_axis import Floats
from sweep.results.plots.parameter_scale import ParameterScale
from sweep.results.plots.settings import default_settings
from sweep.results.plots.style import INK, PALE_RED, RED, draw_titles, escape, label_numbers, log_ticks, shorten_all

_FEWEST, _MOST = 4, 10
"""Bins of a parameter."""
_SHADES = LinearSegmentedColormap.from_list("goodness", colormaps["viridis_r"](np.linspace(0.05, 1, 64)))
_BAR = 0.12
"""The height of the bar of diverged trials, in units of that of a cell."""


@dataclass(frozen=True)
class Bins:
    """The cells along one axis."""

    parameter: Parameter
    scale: ParameterScale
    count: int

    @classmethod
    def of(cls, parameter: Parameter, values: pd.Series[Any], count: int) -> Bins:
        """Choose them: one for each category, or `count` of equal width in the scale of the parameter."""
        scale = ParameterScale.of(parameter, values, most_distinct=count)
        return cls(parameter, scale, max(len(scale.categories), 1) if scale.categories is not None else count)

    def cells(self, values: pd.Series[Any]) -> Floats:
        """Return the number of each value's cell, from 0; NaN where the value is missing."""
        return np.minimum(np.floor(self.scale.places(values) * self.count), self.count - 1)


def bins_of(trials: int) -> int:
    """Return into how many bins numbers are put: so many that a cell of the two-way table has about four trials.

    >>> bins_of(40), bins_of(100), bins_of(2000)
    (4, 5, 10)
    """
    return int(np.clip(round(math.sqrt(trials) / 2), _FEWEST, _MOST))


def heatmap(rows: pd.DataFrame, x: Bins, y: Bins | None, objective: Objective) -> pd.DataFrame:
    """Return the cells that have trials.

    Args:
        rows: trials that completed with a value, or diverged.
        x, y: the bins of two parameters; one row of cells without `y`.
        objective: whose metric is averaged.

    Returns:
        `x` and `y` (numbers of the cell), `trials`, `diverged`, and `mean`, that of the completed ones, or NaN.
        A trial that lacks one of the parameters is in no cell.
    """
    has_diverged = rows["status"] == "diverged"
    table = pd.DataFrame(
        {
            "x": x.cells(rows[x.parameter.short_name]),
            "y": y.cells(rows[y.parameter.short_name]) if y else 0.0,
            "diverged": has_diverged.astype("int64"),
            "value": rows[objective.metric].astype("float64").mask(has_diverged),
        }
    ).dropna(subset=["x", "y"])
    cells = table.groupby(["x", "y"]).agg(
        trials=("diverged", "size"), diverged=("diverged", "sum"), mean=("value", "mean")
    )
    return cells.reset_index().astype({"x": "int64", "y": "int64"})


def telling(rows: pd.DataFrame, parameters: Sequence[Parameter], objective: Objective) -> list[Parameter]:
    """Return the parameters, first those whose bins tell most about the rank of a trial.

    The measure is epsilon squared, the share of the variance of the ranks that lies between the bins, corrected for
    their number (Kelley 1935). Diverged trials share the last rank; a missing value is a bin of its own.
    """
    worst = -np.inf if objective.is_max else np.inf
    values = rows[objective.metric].astype("float64").mask(rows["status"] == "diverged", worst)
    ranks = values.rank()
    return sorted(parameters, key=lambda each: -_epsilon_squared(ranks, each, rows[each.short_name]))


def _epsilon_squared(ranks: pd.Series[float], parameter: Parameter, values: pd.Series[Any]) -> float:
    groups = pd.Series(Bins.of(parameter, values, _FEWEST).cells(values), index=ranks.index).fillna(-1.0)
    count, bins = len(ranks), groups.nunique()
    total = float(((ranks - ranks.mean()) ** 2).sum())
    if bins < 2 or count <= bins or total == 0:
        return -1.0
    within = float(((ranks - ranks.groupby(groups).transform("mean")) ** 2).sum())
    return 1.0 - within / (count - bins) / (total / (count - 1))


@default_settings()
def heatmap_chart(
    trials: pd.DataFrame,
    parameters: Sequence[Parameter],
    objective: Objective,
    *,
    title: str = "",
    x: Sequence[str] | None = None,
    repeats: int = 1,
) -> Chart:
    """Draw the mean objective by two parameters.

    Args:
        trials: one row for each trial, as of `Sweep.trials`.
        parameters: the searched parameters.
        objective: the metric and its direction.
        title: what stands before the counts, such as the sweep's name.
        x: two parameters, of the horizontal and the vertical axis, by short or full name; where one or none is
            given, the others are those that tell most about the rank of a trial.
        repeats: trainings of each configuration.

    Raises:
        UsageError: `x` names what was not searched, nothing was searched, or no trial has ended.
    """
    named = chosen_parameters(parameters, x) if x else []
    rows = rows_of(trials, objective, repeats)
    rows = rows[is_ranked(rows, objective.metric) | (rows["status"] == "diverged")]
    known = [each for each in chosen_parameters(parameters, None) if each.short_name in rows]
    if rows.empty or not known:
        raise UsageError("no trial has completed or diverged yet, so there is nothing to draw")
    others = telling(rows, [each for each in known if each not in named], objective) if len(named) < 2 else []
    across, *up = [Bins.of(each, rows[each.short_name], bins_of(len(rows))) for each in [*named, *others][:2]]
    cells = heatmap(rows, across, up[0] if up else None, objective)
    size = (min(max(6.0, 0.75 * across.count + 2.6), 16.0), min(max(4.6, 0.5 * up[0].count + 1.8), 14.0) if up else 2.8)
    figure = Chart(figsize=size, layout="constrained")
    axes = figure.subplots()
    _draw_cells(figure, axes, cells, _axis(rows, objective))
    _draw_axis(axes.xaxis, across)
    axes.set_xlim(0, across.count)
    axes.set_ylim(0, up[0].count if up else 1)
    if up:
        _draw_axis(axes.yaxis, up[0])
    else:
        axes.set_yticks([])
    unit = "trial" if repeats == 1 else "configuration"
    draw_titles(figure, title, _counts(rows, int(cells["trials"].sum()), unit), _legend(cells, unit))
    return figure


def _draw_cells(figure: Chart, axes: Axes, cells: pd.DataFrame, axis: MetricAxis) -> None:
    """Draw the cells with their counts and bars, and the scale of the colors."""
    means = cells["mean"].dropna().to_numpy(np.float64)
    norm = _norm(means, axis)
    is_max = axis.objective.is_max
    shades = _SHADES if is_max else _SHADES.reversed()
    size = float(np.clip(9.0 - 0.15 * max(cells["x"].max(), cells["y"].max()), 5.0, 9.0))
    for cell in cells.to_dict("records"):
        color = PALE_RED if np.isnan(cell["mean"]) else shades(norm(cell["mean"]))
        corner = (cell["x"], cell["y"])
        axes.add_patch(Rectangle(corner, 1, 1, facecolor=color, edgecolor="white", lw=1.0, label="cell"))
        if cell["diverged"]:
            share = cell["diverged"] / cell["trials"]
            bar: dict[str, Any] = {"facecolor": RED, "edgecolor": "white", "lw": 0.6, "label": "diverged"}
            axes.add_patch(Rectangle(corner, share, _BAR, zorder=2, **bar))
        is_dark = not np.isnan(cell["mean"]) and np.dot(color[:3], (0.299, 0.587, 0.114)) < 0.55
        ink = "white" if is_dark else INK
        middle = (cell["x"] + 0.5, cell["y"] + 0.5 + _BAR / 3)
        axes.text(*middle, str(cell["trials"] - cell["diverged"]), ha="center", va="center", fontsize=size, color=ink)
    if len(means):
        mappable = axes.scatter([], [], c=[], cmap=shades, norm=norm)
        beyond = ("min" if is_max else "max") if axis.is_beyond(cells["mean"]).any() else "neither"
        scale = figure.colorbar(mappable, ax=axes, pad=0.02, aspect=25, extend=beyond)
        scale.set_label(f"mean {axis.label}", fontsize=9)
        scale.ax.tick_params(labelsize=8, colors=INK)
        if axis.is_log:
            low, high = (math.log10(end) for end in mappable.get_clim())
            scale.set_ticks([tick for tick in log_ticks(low, high) if low <= math.log10(tick) <= high])
            scale.ax.minorticks_off()
            label_numbers(scale.ax.yaxis)
        scale.outline.set_visible(False)


def _axis(rows: pd.DataFrame, objective: Objective) -> MetricAxis:
    """Return the axis of the completed trials, which tells whose values are too bad for it."""
    values = rows.loc[rows["status"] == "completed", objective.metric].to_numpy(np.float64)
    return MetricAxis.wide(values, objective, has_band=False)


def _norm(means: Floats, axis: MetricAxis) -> Normalize:
    """Return the scale of the colors; cells with a mean too bad for the axis of the trials share the last color."""
    if not len(means):
        return Normalize(0, 1)
    shown = means[~axis.is_beyond(pd.Series(means)).to_numpy()]
    low, high = (shown.min(), shown.max()) if len(shown) else (axis.bound, axis.bound)
    pad = 0.05 * abs(high) or 0.05
    scale = LogNorm if axis.is_log else Normalize
    return scale(low, high, clip=True) if high > low else Normalize(low - pad, high + pad)


def _draw_axis(axis: Axis, bins: Bins) -> None:
    """Name the parameter and its values along an axis of cells."""
    axis.set_label_text(escape(bins.parameter.short_name), fontsize=10)
    places, words = bins.scale.ticks()
    is_across = axis is axis.axes.xaxis
    shown = shorten_all(words, 18) if words else []
    is_long = is_across and bins.scale.categories is not None and max(map(len, shown), default=0) > 9
    axis.set_ticks(list(places * bins.count), [escape(word) for word in shown])
    if is_long:
        axis.set_tick_params(labelrotation=90)
    if len(shown) > 20:
        axis.set_tick_params(labelsize=max(4.0, 8 * 20 / len(shown)))
    axis.axes.tick_params(colors=INK, labelcolor=INK)
    for side in ("top", "right"):
        axis.axes.spines[side].set_visible(False)


def _counts(rows: pd.DataFrame, drawn: int, unit: str) -> str:
    counts = rows["status"].value_counts()
    words = [f"{counts[status]} {status}" for status in ("completed", "diverged") if status in counts]
    if unit == "configuration":
        words[0] = f"{counted(len(rows), unit)}: {words[0]}"
    left = len(rows) - drawn
    return ", ".join([*words, *([f"{left} without a value not drawn"] if left else [])])


def _legend(cells: pd.DataFrame, unit: str) -> list[Line2D | Patch]:
    handles: list[Line2D | Patch] = [
        Line2D([], [], linestyle="", marker="$n$", color=INK, label=f"completed {unit}s in the cell")
    ]
    if cells["diverged"].any():
        handles.append(Patch(facecolor=RED, label=f"share of all {unit}s that diverged"))
    return handles
