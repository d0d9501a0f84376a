"""What each parameter does to the metric: its expectation along the parameter, with a band.

The line is the expectation with all other parameters averaged, the band its 90 % interval, and the dots are the
configurations that completed. Values that are much worse than all others stand at the edge of the panel.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from sweep.errors import UsageError
from sweep.metrics import Objective
from sweep.records import Parameter
from sweep.results.plots.metric_axis import MetricAxis
from sweep.results.plots.parameter_axis import draw_parameter_axis
from sweep.results.plots.settings import default_settings
from sweep.results.plots.style import BLUE, PALE_BLUE, draw_titles, empty_grid, keep_panel_size, style_axes

MOST = 12
"""At most this many parameters are drawn."""
ROWS, VALUE = "rows", "value"


def effect_lines(effects: pd.DataFrame, parameters: Sequence[Parameter]) -> pd.DataFrame:
    """Return the rows of the parameters that are drawn, in their order, with `is_line`: whether they are a line.

    Args:
        effects: as of `sweep.analysis.importance_report.effects_table`.
        parameters: what is drawn, by the names in that table; those of text are dots, as nothing lies between them.
    """
    parts = [
        effects[effects["parameter"] == each.name].assign(is_line=not each.categorical) for each in parameters[:MOST]
    ]
    return pd.concat(parts, ignore_index=True) if parts else effects.assign(is_line=True).head(0)


@default_settings()
def effect_chart(
    effects: pd.DataFrame,
    rows: pd.DataFrame,
    parameters: Sequence[Parameter],
    objective: Objective,
    *,
    facts: str,
    title: str = "",
) -> Figure:
    """Draw the expectation of the metric along each parameter.

    Args:
        effects: as of `effect_lines`.
        rows: the configurations, a column for each parameter by name and one, `value`, of the metric.
        parameters: what is drawn, a panel each.
        objective: whose metric it is.
        facts: what stands above the panels.
        title: what stands before that, such as the sweep's name.

    Raises:
        UsageError: when there is no parameter to draw.
    """
    if not parameters:
        raise UsageError("there is no parameter whose effect could be drawn")
    lines = effect_lines(effects, parameters)
    figure, grid = empty_grid(min(len(parameters), MOST))
    values = rows[VALUE].to_numpy(np.float64)
    axis = MetricAxis.of(values, np.full(len(values), np.nan), objective, has_band=False)
    for axes, parameter in zip(grid, parameters, strict=False):
        style_axes(axes)
        own = lines[lines["parameter"] == parameter.name]
        there = rows[rows[parameter.name].notna()]
        places = draw_effect_axis(axes, parameter, there[parameter.name], own["value"])
        _draw_rows(axes, places[: len(there)], there[VALUE], axis)
        draw_expectation(axes, places[len(there) :], own, color=BLUE, is_line=not parameter.categorical)
    grid[0].set_ylim(axis.bottom, axis.top)
    grid[0].set_yticks(*axis.ticks())
    hidden = len(parameters) - len(grid)
    draw_titles(figure, title, facts + (f"; {hidden} more parameters not shown" if hidden > 0 else ""), _legend())
    figure.supylabel(axis.label, fontsize=10)
    keep_panel_size(figure, grid)
    return figure


def draw_effect_axis(
    axes: Axes, parameter: Parameter, values: pd.Series[Any], levels: pd.Series[Any]
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Draw the axis of a parameter; return the places of the values of rows, then those of the levels of a curve."""
    both = pd.concat([values.astype(object), levels.astype(object)], ignore_index=True)
    is_number = not (parameter.options or parameter.categorical)
    places = draw_parameter_axis(axes, parameter, both.astype("float64") if is_number else both)
    count = len(values)
    # Rows are spread beside each other where many share a place; a curve is not.
    exact = levels.to_numpy(np.float64) if is_number else np.round(places[count:])
    return np.concatenate([places[:count], exact])


def draw_expectation(
    axes: Axes, places: np.ndarray[Any, Any], own: pd.DataFrame, *, color: str, is_line: bool, shift: float = 0.0
) -> None:
    """Draw the expectation at each place as a line with a band, or as dots with their intervals."""
    values, low, high = (own[name].to_numpy(np.float64) for name in ("expectation", "low", "high"))
    if not is_line:
        ends = np.stack([values - low, high - values])
        style: dict[str, Any] = {"marker": "o", "ms": 6, "lw": 0, "elinewidth": 2, "capsize": 4}
        axes.errorbar(places + shift, values, ends, color=color, zorder=4, **style)
        return
    if len(places) > 1:
        axes.fill_between(places, low, high, color=color, alpha=0.22, lw=0, zorder=2.5)
    axes.plot(places, values, color=color, lw=2, marker="o", ms=3, zorder=4)


def _draw_rows(axes: Axes, places: np.ndarray[Any, Any], values: pd.Series[Any], axis: MetricAxis) -> None:
    size = float(np.clip(260 / max(len(values), 1) ** 0.5, 4, 26))
    beyond, marker = axis.is_beyond(values).to_numpy(), "v" if axis.objective.is_max else "^"
    look: dict[str, Any] = {"color": PALE_BLUE, "lw": 0, "zorder": 2, "rasterized": len(values) > 5000}
    axes.scatter(places[~beyond], values[~beyond], s=size, **look)
    edge = np.full(int(beyond.sum()), axis.edge)
    axes.scatter(places[beyond], edge, s=1.6 * size, marker=marker, clip_on=False, **look)


def _legend() -> list[Line2D | Patch]:
    dot = Line2D([], [], linestyle="", marker="o", color=PALE_BLUE, ms=5, label="configurations that completed")
    line = Line2D([], [], color=BLUE, lw=2, label="expectation, the others averaged, with its 90 % interval")
    return [dot, line]
