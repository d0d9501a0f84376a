"""The empirical distribution of the objective over the trials of one or several sweeps.

A curve is the share of trials of at most a value: Radosavovic et al., "On Network Design Spaces for Visual Recognition"
(2019), compare spaces of networks so. A diverged trial counts as worse than any value: where more is better a curve
begins at the share of diverged trials, else it ends below 1 by that share.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from sweep.errors import UsageError, counted
from sweep.metrics import Objective
from sweep.results.format import format_value
from sweep.results.plots.chart import Chart
from sweep.results.plots.marks import BEYOND, is_ranked, rows_of
from sweep.results.plots.metric_axis import MetricAxis
from sweep.results.plots.settings import default_settings
from sweep.results.plots.style import INK, PALE_RED, RED, draw_titles, empty_grid, escape, shorten_all, style_axes

Floats = NDArray[np.float64]
_COLORS = ("#3b6ea8", "#ffb000", "#009e73", "#aa4499", "#333333", "#56b4e9", "#8c564b", "#999933")
_DASHES = ("-", (0, (5, 1.5)), (0, (2, 1)))
MOST_SWEEPS = len(_COLORS) * len(_DASHES)
_LONGEST = 40
"""Letters of a sweep's name in the legend."""


def distribution(trials: pd.DataFrame, objective: Objective, repeats: int = 1) -> pd.DataFrame:
    """Return the share of trials with at most each value; those that neither completed nor diverged do not count.

    Returns:
        `value`, from the lowest to the highest, -inf or inf for the diverged trials, whichever is worse, and `share`.
        With repeats the values are the means of the configurations.
    """
    counts = _values(trials, objective, repeats).value_counts().sort_index()
    return pd.DataFrame({"value": counts.index.to_numpy(np.float64), "share": (counts.cumsum() / counts.sum()).array})


def _values(trials: pd.DataFrame, objective: Objective, repeats: int) -> pd.Series[float]:
    """Return the value of each trial or configuration that counts, infinite if it diverged."""
    rows = rows_of(trials, objective, repeats)
    has_diverged = rows["status"] == "diverged"
    values = rows[objective.metric].astype("float64").mask(has_diverged, -np.inf if objective.is_max else np.inf)
    return values[is_ranked(rows, objective.metric) | has_diverged]


@default_settings()
def distribution_chart(
    sweeps: Mapping[str, pd.DataFrame], objective: Objective, *, repeats: Mapping[str, int] | None = None
) -> Chart:
    """Draw the distribution of the objective of each sweep, one over the other.

    Args:
        sweeps: name -> one row for each trial, as of `Sweep.trials`.
        objective: the metric and its direction, the same for all.
        repeats: name -> trainings of each configuration, where there are several.

    Raises:
        UsageError: a sweep has no trial that counts, or there are too many sweeps.
    """
    if len(sweeps) > MOST_SWEEPS:
        raise UsageError(f"at most {MOST_SWEEPS} sweeps can be told apart in one chart, not {len(sweeps)}")
    each = {name: _values(trials, objective, (repeats or {}).get(name, 1)) for name, trials in sweeps.items()}
    for name, values in each.items():
        if values.empty:
            raise UsageError(f"no trial of {name} has completed or diverged yet, so it has no distribution")
    together = np.concatenate(list(each.values()))
    finite = together[np.isfinite(together)]
    has_band = len(finite) < len(together)
    axis = MetricAxis.wide(finite, objective, has_band=has_band)
    figure, (axes,) = empty_grid(1)
    style_axes(axes)
    _draw_axes(axes, axis)
    handles = []
    for place, (name, shown) in enumerate(zip(sweeps, shorten_all(list(sweeps), _LONGEST), strict=True)):
        dashes, often = _DASHES[place // len(_COLORS)], (repeats or {}).get(name, 1)
        style: dict[str, Any] = {"color": _COLORS[place % len(_COLORS)], "linestyle": dashes, "lw": 2.0}
        _draw_curve(axes, distribution(sweeps[name], objective, often), axis, {**style, "label": escape(name)})
        words = _words(each[name], objective, "trial" if often == 1 else "configuration")
        pruned = int((sweeps[name]["status"] == "pruned").sum())
        beyond = int((np.isfinite(each[name]) & axis.is_beyond(each[name])).sum())
        words += f", {beyond} beyond the axis" if beyond else ""
        left_out = f", {pruned} pruned left out" if pruned else ""
        handles.append(Line2D([], [], label=escape(f"{shown}: {words}{left_out}"), **style))
    single = next(iter(sweeps)) if len(sweeps) == 1 else ""
    draw_titles(figure, single, f"distribution of {axis.label}" + ("" if single else f" in {len(sweeps)} sweeps"))
    figure.legend(handles=handles, loc="outside lower center", ncols=1, frameon=False, fontsize=9)
    return figure


def _draw_axes(axes: Axes, axis: MetricAxis) -> None:
    """Give the chart its axes: the metric, with a band for the diverged trials, and the shares."""
    axes.set_xlim(axis.bottom, axis.top)
    ticks, labels = axis.ticks()
    first = 1 if axis.band else 0  # the word for the band would lie on the next tick
    axes.set_xticks(ticks[first:], labels[first:])
    axes.set_xlabel(axis.label)
    axes.set_ylim(-0.02, 1.02)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    axes.set_ylabel("share of trials with at most this value")
    if axis.band:
        ends = (axis.bottom, axis.low) if axis.objective.is_max else (axis.high, axis.top)
        axes.axvspan(*ends, color=PALE_RED, zorder=0.6, lw=0)
        axes.text(axis.band_middle, 0.5, "diverged", rotation=90, ha="center", va="center", color=RED, fontsize=9)
    if not axis.has_values:
        axes.text(0.5, 0.5, "no trial completed", transform=axes.transAxes, ha="center", color=INK)


def _draw_curve(axes: Axes, table: pd.DataFrame, axis: MetricAxis, style: dict[str, Any]) -> None:
    """Draw the steps of a curve from one end of the axis to the other."""
    is_lost = np.isinf(table["value"])
    places = pd.Series(axis.places(table["value"].to_numpy(np.float64))).clip(axis.low, axis.high)
    # The mass of the diverged trials is added where their band begins or ends.
    places = places.mask(is_lost, axis.bottom if axis.objective.is_max else axis.top)
    x = np.array([axis.bottom, *places, axis.top])
    y = np.array([0.0, *table["share"], 1.0])
    if is_lost.any() and not axis.objective.is_max:
        x, y = np.array([axis.bottom, *places]), np.array([0.0, *table["share"].mask(is_lost).ffill().fillna(0.0)])
    is_beyond = axis.is_beyond(table["value"]) & ~is_lost
    if is_beyond.any():
        x, y = _opened(axes, x, y, axis, style)
    axes.plot(x, y, drawstyle="steps-post", **style)


def _opened(axes: Axes, x: Floats, y: Floats, axis: MetricAxis, style: dict[str, Any]) -> tuple[Floats, Floats]:
    """Mark where a curve leaves the axis, and return it without the step that would stand on the edge."""
    is_max = axis.objective.is_max
    first, last = np.flatnonzero(x == axis.edge)[[0, -1]]
    before = y[max(first - 1, 0)]
    mark = {**BEYOND, "color": style["color"], "marker": "<" if is_max else ">", "clip_on": False}
    axes.plot([axis.edge], [y[last] if is_max else before], label="_beyond", **mark)
    gap = [axis.edge, np.nan]
    return np.concatenate([x[:first], gap, x[last:]]), np.concatenate([y[:first], [before, np.nan], y[last:]])


def _words(values: pd.Series[float], objective: Objective, unit: str) -> str:
    """Return how many trials there are, their median, and how many diverged."""
    middle = float(values.sort_values().iloc[(len(values) - 1) // 2])
    median = format_value(objective.metric, middle) if np.isfinite(middle) else "diverged"
    diverged = int(np.isinf(values).sum())
    return f"{counted(len(values), unit)}, median {median}" + (f", {diverged} diverged" if diverged else "")
