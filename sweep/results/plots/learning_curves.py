"""A metric of every trial over its epochs: the best one emphasized, diverged ones ending with a cross.

Of very many trials some are drawn, evenly chosen by number, the best one always among them; the title says how many.
The axis of a metric of which less is better is logarithmic if its values span more than a factor of 20.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from sweep.errors import UsageError
from sweep.metrics import Objective, metric
from sweep.records import STATUSES
from sweep.results.format import format_value
from sweep.results.leaderboard import ranked_as_completed, ranking
from sweep.results.plots.chart import Chart
from sweep.results.plots.metric_axis import MetricAxis
from sweep.results.plots.settings import default_settings
from sweep.results.plots.style import BLUE, GOLD, INK, RED, draw_ticks, draw_titles, empty_grid, style_axes

MOST = 300
"""Curves of a figure; more of them hide each other."""
_MOST_LINEAR = 20
"""The factor between the values on a linear axis."""
_HIGHEST = 1000
"""Where a logarithmic axis ends at the latest, in units of the median."""
_CROSS: dict[str, Any] = {"marker": "x", "color": RED, "linestyle": "", "ms": 6, "mew": 1.4, "zorder": 3}
_STAR: dict[str, Any] = {"ms": 12, "mec": INK, "mew": 0.8}
_BEST: dict[str, Any] = {"color": GOLD, "lw": 2.4, "zorder": 4}

Points = NDArray[np.float64]
"""The epochs and the values of a trial, of shape (points, 2)."""


@default_settings()
def learning_curves(
    epochs: pd.DataFrame, trials: pd.DataFrame, objective: Objective, *, title: str = "", most: int = MOST
) -> Chart:
    """Draw a metric of each trial against the epochs.

    Args:
        epochs: `trial`, `epoch` and the metric of all epochs of the trials.
        trials: `trial`, `status` and the metrics at the epoch that stands for each trial.
        objective: the metric and its direction.
        title: what stands before the counts, such as the sweep's name.
        most: how many curves are drawn at most.

    Raises:
        UsageError: no epoch has a value.
    """
    points = _points(epochs, objective.metric)
    if not points:
        raise UsageError(f"no epoch has a value of {objective.metric} yet, so there are no curves")
    best = _best(trials, objective)
    drawn = _chosen(sorted(points), best, most)
    figure, (axes,) = empty_grid(1)
    axis = _draw_axes(axes, {number: points[number] for number in drawn}, objective)
    diverged = sorted(set(drawn).intersection(trials.loc[trials["status"] == "diverged", "trial"]))
    _draw_curves(axes, points, drawn, diverged)
    handles = [Line2D([], [], label="diverged after its last epoch", **_CROSS)] if diverged else []
    for number in set(best) & points.keys():
        axes.plot(*points[number].T, marker="*", markevery=[_stands(points[number], objective)], **_STAR, **_BEST)
        value = trials.loc[trials["trial"] == number, objective.metric].iloc[0]
        words = f"best: trial {number}, {format_value(objective.metric, float(value))}"
        handles.insert(0, Line2D([], [], label=words, **_BEST))
    draw_titles(figure, title, _counts(trials, len(drawn), len(points)), handles)
    figure.supylabel(axis.label, fontsize=10)
    return figure


def _points(epochs: pd.DataFrame, name: str) -> dict[int, Points]:
    """Return the points of each trial that has any, in the order of its epochs."""
    if name not in epochs:
        return {}
    rows = epochs[epochs[name].notna()].sort_values(["trial", "epoch"])
    if rows.empty:
        return {}
    pairs = rows[["epoch", name]].to_numpy(dtype=np.float64)
    numbers, firsts = np.unique(rows["trial"].to_numpy(), return_index=True)
    return dict(zip(map(int, numbers), np.split(pairs, firsts[1:]), strict=True))


def _best(trials: pd.DataFrame, objective: Objective) -> list[int]:
    """Return the number of the best trial, if one is completed."""
    is_completed = ranked_as_completed(trials)["status"] == "completed"
    rows = ranking(trials[is_completed], objective)[:1]
    numbers: list[int] = trials.loc[rows, "trial"].to_numpy(dtype=np.int64).tolist()
    return numbers


def _chosen(numbers: list[int], best: list[int], most: int) -> list[int]:
    """Return all trials, or `most` of them at even distances and the best."""
    if len(numbers) <= most:
        return numbers
    others = [number for number in numbers if number not in best]
    places = np.linspace(0, len(others) - 1, most - len(best)).round().astype(int)
    return sorted([*(others[place] for place in places), *best])


def _stands(points: Points, objective: Objective) -> int:
    """Return the place of the epoch that stands for the trial."""
    values = points[:, 1]
    if objective.epoch == "last":
        return len(values) - 1
    return int(values.argmax() if objective.is_max else values.argmin())


def _draw_axes(axes: Axes, points: dict[int, Points], objective: Objective) -> MetricAxis:
    style_axes(axes)
    described = metric(objective.metric)
    together = np.concatenate(list(points.values()))
    places, values = together.T
    axes.set_xlabel("epoch")
    pad = 0.02 * np.ptp(places) or 0.5
    axes.set_xlim(places.min() - pad, places.max() + pad)
    draw_ticks(axes.xaxis, places.min(), places.max(), is_log=False, is_whole=True)
    # Where a metric has limits, as an accuracy has, all of it is shown; else outliers would squeeze all others.
    shown = np.array([values.min(), values.max()]) if np.isfinite(described.limits).all() else values
    axis = MetricAxis.of(shown, np.full(len(shown), np.nan), objective, has_band=False)
    if objective.is_max or values.min() <= 0 or values.max() / _MOST_LINEAR <= values.min():
        axes.set_ylim(axis.low, axis.high)
        axes.set_yticks(*axis.ticks())
        return axis
    low, high = values.min(), min(values.max(), _HIGHEST * np.median(values))
    axes.set_yscale("log")
    axes.set_ylim(max(low / 1.2, 1e-300), min(high * 1.2, 1e300))
    draw_ticks(axes.yaxis, low, high, is_log=True, is_whole=False)
    return axis


def _draw_curves(axes: Axes, points: dict[int, Points], drawn: list[int], diverged: list[int]) -> None:
    """Draw all curves, the more the paler, and the crosses at the ends of the diverged ones."""
    alpha = float(np.clip(6 / np.sqrt(len(drawn)), 0.25, 0.8))
    groups = ((BLUE, [n for n in drawn if n not in set(diverged)]), (RED, diverged))
    for color, numbers in groups:
        lines = [points[number] for number in numbers]
        axes.add_collection(LineCollection(lines, colors=color, linewidths=0.9, alpha=alpha), autolim=False)
    single = [points[number][0] for number in drawn if len(points[number]) == 1 and number not in diverged]
    if single:
        axes.plot(*np.array(single).T, "o", ms=3, color=BLUE, alpha=alpha)
    if diverged:
        low, high = axes.get_ylim()
        ends = np.array([points[number][-1] for number in diverged])
        axes.plot(ends[:, 0], ends[:, 1].clip(low, high), clip_on=False, **_CROSS)


def _counts(trials: pd.DataFrame, drawn: int, known: int) -> str:
    """Say how many trials there are of each status, and how many of those with epochs are drawn."""
    counts = trials["status"].value_counts()
    words = [f"{counts[status]} {status}" for status in STATUSES if status in counts]
    return ", ".join([*words, *([f"{drawn} of {known} curves drawn"] if drawn < known else [])])
