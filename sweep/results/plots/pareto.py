"""Trials by two goals: all of them as points, and those that no other beats as a line of steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from sweep.errors import UsageError, counted
from sweep.metrics import Objective
from sweep.records import Parameter
from sweep.results.pareto import Goal, front
from sweep.results.plots.chart import Chart
from sweep.results.plots.metric_axis import MetricAxis
from sweep.results.plots.parameter_axis import draw_parameter_axis
from sweep.results.plots.settings import default_settings
from sweep.results.plots.style import BLUE, GOLD, INK, draw_titles, empty_grid, style_axes

MOST_LINEAR = 20
"""The factor between positive values up to which a horizontal axis is linear."""
MOST_NUMBERED = 12
"""Up to this many trials of the front have their numbers beside them."""
_POINT: dict[str, Any] = {"marker": "o", "linestyle": "", "color": BLUE, "ms": 5, "mec": "white", "mew": 0.4}
_BEYOND: dict[str, Any] = {**_POINT, "ms": 6, "clip_on": False, "zorder": 3}
_FRONT: dict[str, Any] = {"marker": "o", "color": GOLD, "ms": 8, "mec": INK, "mew": 0.8, "lw": 1.8, "zorder": 4}


@default_settings()
def pareto_chart(
    trials: pd.DataFrame, x: Goal, y: Goal, parameters: Sequence[Parameter] = (), *, title: str = ""
) -> Chart:
    """Draw each trial by two goals, and the front as steps: what has been reached in one goal for the other.

    Args:
        trials: the trials with a number for both goals, see `sweep.results.pareto.comparable`.
        x: the goal of the horizontal axis, which is logarithmic for a wide range.
        y: the goal of the vertical axis; a few values that are much worse are on its edge.
        parameters: what was searched, for the range of its axis.
        title: what stands before the counts, such as the sweep's name.

    Raises:
        UsageError: there are no trials.
    """
    if trials.empty:
        raise UsageError(f"no completed trial has both {x.name} and {y.name} yet")
    best = front(trials, [x, y])
    figure, (axes,) = empty_grid(1)
    style_axes(axes)
    axis = _vertical_axis(axes, trials, y)
    places = draw_parameter_axis(axes, _horizontal(trials[x.name], x, parameters), trials[x.name])
    values = trials[y.name].astype("float64")
    beyond, marker = axis.is_beyond(values).to_numpy(), "v" if y.direction == "max" else "^"
    axes.plot(places[~beyond], values[~beyond], label="trials", **_POINT)
    if beyond.any():
        axes.plot(places[beyond], np.full(beyond.sum(), axis.edge), label="beyond", **{**_BEYOND, "marker": marker})
    _draw_front(
        axes, best, pd.Series(places, trials["trial"]), best[y.name].mask(axis.is_beyond(best[y.name]), axis.edge)
    )
    facts = counted(len(trials), "configuration" if "trials" in trials else "completed trial")
    draw_titles(figure, title, facts, _legend(len(best), int(beyond.sum()), marker))
    figure.supylabel(axis.label, fontsize=10)
    return figure


def _vertical_axis(axes: Axes, trials: pd.DataFrame, y: Goal) -> MetricAxis:
    values = trials[y.name].to_numpy(np.float64)
    axis = MetricAxis.of(values, np.full(len(values), np.nan), Objective(y.name, y.direction), has_band=False)
    axes.set_ylim(axis.bottom, axis.top)
    axes.set_yticks(*axis.ticks())
    return axis


def _horizontal(values: pd.Series[Any], x: Goal, parameters: Sequence[Parameter]) -> Parameter:
    """Return the searched parameter of an axis, or one with the name and the scale of another column."""
    for parameter in parameters:
        if parameter.short_name == x.name:
            return parameter
    is_wide = bool(values.min() > 0 and values.max() / MOST_LINEAR > values.min())
    return Parameter(x.name, x.name.replace("_", " "), log=is_wide)


def _draw_front(axes: Axes, best: pd.DataFrame, places: pd.Series[Any], heights: pd.Series[Any]) -> None:
    """Draw the front from the best trial by the horizontal goal on, where each further one is better by the other."""
    across = places[best["trial"]].to_numpy()
    axes.plot(across, heights, drawstyle="steps-post", label="front", **_FRONT)
    if len(best) > MOST_NUMBERED:
        return
    names = best["trials" if "trials" in best else "trial"]
    for name, place, height in zip(names, across, heights, strict=True):
        axes.annotate(str(name), (place, height), (5, 5), textcoords="offset points", fontsize=8, color=INK, zorder=5)


def _legend(best: int, beyond: int, marker: str) -> list[Line2D]:
    """Explain the front, and the marks of what is beyond the axis."""
    handles = [Line2D([], [], label=f"{best} that no other beats in both", **_FRONT)]
    if beyond:
        label = f"{beyond} beyond the axis"
        handles.append(Line2D([], [], label=label, **{**_BEYOND, "marker": marker}))
    return handles
