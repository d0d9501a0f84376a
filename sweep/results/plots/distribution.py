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

from sweep.errors import UsageError
from sweep.metrics import Objective
from sweep.results.format import format_value
from sweep.results.plots.chart import Chart
from sweep.results.plots.marks import is_ranked, rows_of
from sweep.results.plots.metric_axis import MetricAxis
from sweep.results.plots.settings import default_settings
from sweep.results.plots.style import INK, PALE_RED, RED, draw_titles, empty_grid, escape, shorten_all, style_axes

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
    rows = rows_of(trials, objective, repeats)
    worst = -np.inf if objective.is_max else np.inf
    values = rows[objective.metric].astype("float64").mask(rows["status"] == "diverged", worst)
    counts = values[is_ranked(rows, objective.metric) | (rows["status"] == "diverged")].value_counts().sort_index()
    return pd.DataFrame({"value": counts.index.to_numpy(np.float64), "share": (counts.cumsum() / counts.sum()).array})


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
    tables = {name: distribution(trials, objective, (repeats or {}).get(name, 1)) for name, trials in sweeps.items()}
    for name, table in tables.items():
        if table.empty:
            raise UsageError(f"no trial of {name} has completed or diverged yet, so it has no distribution")
    values = np.concatenate([table["value"] for table in tables.values()])
    finite = values[np.isfinite(values)]
    has_band = len(finite) < len(values)
    axis = MetricAxis.of(finite, np.full(len(finite), np.nan), objective, has_band=has_band)
    figure, (axes,) = empty_grid(1)
    style_axes(axes)
    _draw_axes(axes, axis, has_band=has_band)
    handles = []
    names = dict(zip(tables, shorten_all(list(tables), _LONGEST), strict=True))
    for place, (name, table) in enumerate(tables.items()):
        dashes = _DASHES[place // len(_COLORS)]
        style: dict[str, Any] = {"color": _COLORS[place % len(_COLORS)], "linestyle": dashes, "lw": 2.0}
        _draw_curve(axes, table, axis, {**style, "label": escape(name)})
        words = _words(names[name], sweeps[name], table, objective, (repeats or {}).get(name, 1))
        handles.append(Line2D([], [], label=escape(words), **style))
    single = next(iter(sweeps)) if len(sweeps) == 1 else ""
    draw_titles(figure, single, "how good the trials are" if single else f"how good the trials of {len(sweeps)} are")
    figure.legend(handles=handles, loc="outside lower center", ncols=1, frameon=False, fontsize=9)
    return figure


def _draw_axes(axes: Axes, axis: MetricAxis, *, has_band: bool) -> None:
    """Give the chart its axes: the metric, with a band for the diverged trials, and the shares."""
    axes.set_xlim(axis.bottom, axis.top)
    axes.set_xticks(*axis.ticks())
    axes.set_xlabel(axis.label)
    axes.set_ylim(-0.02, 1.02)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    axes.set_ylabel("share of trials with at most this value")
    if has_band:
        ends = (axis.bottom, axis.low) if axis.objective.is_max else (axis.high, axis.top)
        axes.axvspan(*ends, color=PALE_RED, zorder=0.6, lw=0)
        for label in axes.get_xticklabels()[:1]:
            label.set_color(RED)
    if not axis.has_values:
        axes.text(0.5, 0.5, "no trial completed", transform=axes.transAxes, ha="center", color=INK)


def _draw_curve(axes: Axes, table: pd.DataFrame, axis: MetricAxis, style: dict[str, Any]) -> None:
    """Draw the steps of a curve from one end of the axis to the other."""
    places = table["value"].clip(axis.low, axis.high)
    is_lost = np.isinf(table["value"])
    # The mass of the diverged trials is added where their band begins or ends.
    places = places.mask(is_lost, axis.bottom if axis.objective.is_max else axis.top)
    x = np.array([axis.bottom, *places, axis.top])
    y = np.array([0.0, *table["share"], 1.0])
    if is_lost.any() and not axis.objective.is_max:
        x, y = np.array([axis.bottom, *places]), np.array([0.0, *table["share"].mask(is_lost).ffill().fillna(0.0)])
    axes.plot(x, y, drawstyle="steps-post", **style)


def _words(name: str, trials: pd.DataFrame, table: pd.DataFrame, objective: Objective, repeats: int) -> str:
    """Return the entry of the legend: what counts, the median, and what is left out."""
    counts = trials["status"].value_counts()
    diverged = int(counts.get("diverged", 0))
    used = int(counts.get("completed", 0)) + diverged
    what = f"{used} trials" if repeats == 1 else f"{used} trainings of {trials['trial'].max() // repeats + 1}"
    middle = float(table["value"][table["share"].searchsorted(0.5 - 1e-12)])
    median = format_value(objective.metric, middle) if np.isfinite(middle) else "diverged"
    words = [f"{name}: {what}, median {median}", *([f"{diverged} diverged"] if diverged else [])]
    pruned = int(counts.get("pruned", 0))
    return ", ".join([*words, *([f"{pruned} pruned left out"] if pruned else [])])
