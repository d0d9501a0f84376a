"""Tuning curves: the median best of n random trials against n, of one sweep or several, each with its band.

Where a band is open it reaches to the edge of the chart.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from sweep.analysis.tuning_curve import LEVEL, TuningCurve
from sweep.errors import UsageError, counted
from sweep.metrics import Objective
from sweep.results.plots.chart import Chart
from sweep.results.plots.metric_axis import MetricAxis
from sweep.results.plots.settings import default_settings
from sweep.results.plots.style import (
    BLUE,
    INK,
    RED,
    draw_ticks,
    draw_titles,
    empty_grid,
    escape,
    shorten_all,
    style_axes,
)
from sweep.results.tuning_curve import table

POINTS = 200
COLORS = (BLUE, RED, "#3f8f5b", "#8a5aa8", "#c47f17", "#666666")
LETTERS = 40


def tuning_points(curves: Mapping[str, TuningCurve]) -> pd.DataFrame:
    """Return `sweep`, `trials`, `best`, `low` and `high` of each curve from one trial to as many as it is of."""
    parts = []
    for name, curve in curves.items():
        total = len(curve.scores)
        counts = np.unique([*np.geomspace(1, total, POINTS), *range(1, min(total, POINTS) + 1)])
        parts.append(table(curve, counts[counts <= total].tolist()).assign(sweep=name))
    return pd.concat(parts, ignore_index=True)[["sweep", "trials", "best", "low", "high"]]


@default_settings()
def tuning_curves(points: pd.DataFrame, objective: Objective, *, title: str = "") -> Chart:
    """Draw tuning curves.

    Args:
        points: as of `tuning_points`.
        objective: the metric and its direction.
        title: what stands before the facts, such as the sweep's name.

    Raises:
        UsageError: all trials diverged.
    """
    if not np.isfinite(points["best"]).any():
        raise UsageError("all trials diverged, so there is no curve to draw")
    figure, (axes,) = empty_grid(1)
    style_axes(axes)
    axis = _vertical_axis(axes, points, objective)
    most = float(points["trials"].max())
    if most > 1:
        axes.set_xscale("log")
    axes.set_xlim(0.93, most * 1.07)
    draw_ticks(axes.xaxis, 1, most, is_log=most > 1, is_whole=True)
    axes.set_xlabel("random trials")
    names = list(dict.fromkeys(points["sweep"]))
    handles: list[Artist] = []
    for place, (name, short) in enumerate(zip(names, shorten_all(names, LETTERS), strict=True)):
        color = COLORS[place % len(COLORS)]
        _draw(axes, points[points["sweep"] == name], axis, color)
        handles.append(Line2D([], [], color=color, lw=2, label=escape(short if len(names) > 1 else "median best")))
    handles.append(Patch(color=INK if len(names) > 1 else COLORS[0], alpha=0.18, label=_band_words()))
    facts = f"best of n, from {counted(round(most), 'trial')}" if len(names) == 1 else "best of n trials"
    draw_titles(figure, title, facts, handles)
    figure.supylabel(axis.label, fontsize=10)
    return figure


def _band_words() -> str:
    return f"{LEVEL * 100:.0f} % band of the whole curve"


def _vertical_axis(axes: Axes, points: pd.DataFrame, objective: Objective) -> MetricAxis:
    values = points[["best", "low", "high"]].to_numpy(np.float64).ravel()
    values = values[np.isfinite(values)]
    axis = MetricAxis.of(values, np.full(len(values), np.nan), objective, has_band=False)
    axes.set_ylim(axis.bottom, axis.top)
    axes.set_yticks(*axis.ticks())
    return axis


def _draw(axes: Axes, rows: pd.DataFrame, axis: MetricAxis, color: str) -> None:
    """Draw one curve; what is beyond the axis is at its edge."""
    low, best, high = (rows[name].clip(axis.bottom, axis.top) for name in ("low", "best", "high"))
    axes.fill_between(rows["trials"], low, high, color=color, alpha=0.18, lw=0, step="post")
    shown = best.where(np.isfinite(rows["best"]))
    marker = "o" if len(rows) == 1 else ""
    name = rows["sweep"].iloc[0]
    axes.plot(rows["trials"], shown, color=color, lw=2, marker=marker, drawstyle="steps-post", label=name)
