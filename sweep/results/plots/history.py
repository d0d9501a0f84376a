"""The objective of each trial by its number, with the best so far as a line of steps.

Diverged trials are crosses in a band at the bad end. Pruned ones stand at the value that they had reached, or
at the edge of the axis, and never count as the best; the few completed ones that are much worse than all others are
triangles on that edge.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from sweep.errors import UsageError
from sweep.metrics import Objective
from sweep.results.leaderboard import ranking
from sweep.results.plots.chart import Chart
from sweep.results.plots.marks import CROSS, PRUNED, STAR, best_words, count_statuses, handle, is_ranked, rows_of
from sweep.results.plots.metric_axis import MetricAxis, draw_metric_axis
from sweep.results.plots.parameter_axis import jitter
from sweep.results.plots.settings import default_settings
from sweep.results.plots.style import BLUE, GOLD, draw_ticks, draw_titles, empty_grid, style_axes

_LINE: dict[str, Any] = {"color": GOLD, "lw": 2.0, "zorder": 3}
_TRIANGLE: dict[str, Any] = {"linestyle": "", "color": BLUE, "ms": 6, "mec": "white", "mew": 0.4, "clip_on": False}


def history(trials: pd.DataFrame, objective: Objective, repeats: int = 1) -> pd.DataFrame:
    """Return the value of each trial that has a place in the history, and the best of those up to it.

    Returns:
        `trial` (with repeats the number of the configuration), `status`, `value` (NaN if it diverged), `best` (of the
        completed ones up to it, NaN before the first) and `rank` (from 1, 0 if not completed), by number.
    """
    rows = rows_of(trials, objective, repeats)
    values = rows[objective.metric].astype("float64")
    is_completed = is_ranked(rows, objective.metric)
    counted = values.where(is_completed)
    best = counted.cummax() if objective.is_max else counted.cummin()
    has_diverged = rows["status"] == "diverged"
    order = ranking(rows[is_completed], objective)
    table = pd.DataFrame(
        {
            "trial": rows["trial"] // repeats,
            "status": rows["status"],
            "value": values.mask(has_diverged),
            "best": best.ffill(),
            "rank": pd.Series(range(1, len(order) + 1), index=order).reindex(rows.index, fill_value=0),
        }
    )
    has_place = is_completed | has_diverged | ((rows["status"] == "pruned") & values.notna())
    return table[has_place].reset_index(drop=True)


@default_settings()
def history_chart(trials: pd.DataFrame, objective: Objective, *, title: str = "", repeats: int = 1) -> Chart:
    """Draw the objective by trial number, with the best so far.

    Args:
        trials: one row for each trial, as of `Sweep.trials`.
        objective: the metric and its direction.
        title: what stands before the counts, such as the sweep's name.
        repeats: trainings of each configuration.

    Raises:
        UsageError: no trial has a place in the chart.
    """
    table = history(trials, objective, repeats)
    if table.empty:
        raise UsageError(f"no trial has ended with a value of {objective.metric} yet, so there is no history")
    axis = _axis(table, objective)
    figure, (axes,) = empty_grid(1)
    figure.set_size_inches(9.0, 5.0)
    style_axes(axes)
    _draw_numbers(axes, table["trial"], "trial" if repeats == 1 else "configuration")
    draw_metric_axis(axes, axis)
    handles = _draw(axes, table, axis, repeats)
    draw_titles(figure, title, ", ".join(count_statuses(trials, repeats)), handles)
    figure.supylabel(axis.label if repeats == 1 else f"mean {axis.label}", fontsize=10)
    return figure


def _axis(table: pd.DataFrame, objective: Objective) -> MetricAxis:
    """Return the axis of the completed trials; of the pruned ones if none is completed."""
    is_done = table["status"] == "completed"
    shown = table[is_done if is_done.any() else table["status"] == "pruned"]
    values = shown["value"].to_numpy(dtype=np.float64)
    has_band = bool((table["status"] == "diverged").any())
    return MetricAxis.wide(values, objective, has_band=has_band)


def _draw_numbers(axes: Axes, numbers: pd.Series[Any], label: str) -> None:
    low, high = int(numbers.min()), int(numbers.max())
    pad = 0.02 * (high - low) or 0.5
    axes.set_xlim(low - pad, high + pad)
    draw_ticks(axes.xaxis, low, high, is_log=False, is_whole=True)
    axes.set_xlabel(label)


def _draw(axes: Axes, table: pd.DataFrame, axis: MetricAxis, repeats: int) -> list[Line2D]:
    """Draw the trials and the best so far; return the entries of the legend."""
    places, status = table["trial"].to_numpy(np.float64), table["status"]
    is_beyond = axis.is_beyond(table["value"]).to_numpy()
    values = np.where(is_beyond, axis.edge, axis.places(table["value"].to_numpy(np.float64)))
    is_done, is_pruned, has_diverged = (status == each for each in ("completed", "pruned", "diverged"))
    size, alpha = _size(len(table))
    dot = {
        "marker": "o",
        "linestyle": "",
        "color": BLUE,
        "mec": "white",
        "mew": 0.4 if size > 4 else 0.0,
        "ms": size,
        "alpha": alpha,
    }
    triangle = {**_TRIANGLE, "marker": "v" if axis.objective.is_max else "^"}
    in_band = axis.band_middle + 0.5 * axis.band * jitter(len(table), math.sqrt(2))
    looks = {
        "completed": (is_done & ~is_beyond, values, dot),
        "pruned": (is_pruned, values, {**PRUNED, "ms": max(0.8 * size, 2.5), "alpha": alpha}),
        "beyond the axis": (is_done & is_beyond, values, triangle),
        "diverged": (has_diverged, in_band, {**CROSS, "ms": size, "alpha": max(alpha, 0.6)}),
    }
    handles = []
    for label, (chosen, heights, mark) in looks.items():
        if chosen.any():
            is_heavy = len(table) > 5000  # an SVG of many thousand separate marks would take seconds to show
            axes.plot(places[chosen], heights[chosen], label=label, zorder=2, rasterized=is_heavy, **mark)
            handles.append(handle(f"{int(chosen.sum())} {label}", {**mark, "alpha": 1.0}))
    if is_done.any():
        handles = [*_draw_best(axes, table, axis, repeats), *handles]
    return handles


def _draw_best(axes: Axes, table: pd.DataFrame, axis: MetricAxis, repeats: int) -> list[Line2D]:
    """Draw the best so far up to the last trial, and a star for the best trial."""
    known = table[table["best"].notna()]
    end = axes.get_xlim()[1]
    heights = np.where(axis.is_beyond(known["best"]), axis.edge, axis.places(known["best"].to_numpy(np.float64)))
    axes.step([*known["trial"], end], [*heights, heights[-1]], where="post", label="best so far", **_LINE)
    best = known[known["rank"] == 1].iloc[0]
    axes.plot(best["trial"], axis.places(np.array(best["value"])), label="best", zorder=4, **STAR)
    words = best_words(best["trial"] * repeats, float(best["value"]), axis.objective, repeats)
    return [handle(words, STAR), Line2D([], [], label="best so far", **_LINE)]


def _size(count: int) -> tuple[float, float]:
    """Return the size and the opacity of marks: the more there are, the smaller and paler."""
    return float(np.clip(50 / math.sqrt(count), 2.6, 6)), float(np.clip(12 / math.sqrt(count), 0.5, 0.9))
