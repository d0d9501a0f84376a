"""A sweep's trials in one chart: a metric against each searched parameter.

A parameter drawn on a logarithmic scale gets a logarithmic axis, a choice a strip for each option; numbers that very
many trials share are spread into strips too. An axis reaches over the whole searched range. Diverged trials are crosses
in a band at the bad end of each panel: at the foot, or at the top where less of the metric is better.
Where a few bad trials would squeeze all others together, the axis ends before them, and they are triangles on its edge
that the legend counts. The best trial is a star. A trial without a value for a parameter is not in its panel.

Pruned trials are squares where they ended, or on that edge, and never the best.

With repeats a point is the mean over the completed trainings of a configuration, with a bar of one standard error to
either side; a configuration with a diverged training has a cross in the band besides.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sweep.errors import UsageError, suggest
from sweep.metrics import Objective
from sweep.records import STATUSES, Parameter
from sweep.results.format import format_value
from sweep.results.leaderboard import ranking
from sweep.results.plots.metric_axis import MetricAxis, draw_metric_axis
from sweep.results.plots.parameter_axis import draw_parameter_axis, jitter
from sweep.results.plots.settings import default_settings
from sweep.results.plots.style import (
    BLUE,
    GOLD,
    INK,
    RED,
    draw_titles,
    empty_grid,
    keep_panel_size,
    style_axes,
)
from sweep.results.repeats import configurations

_TRIAL = Parameter("trial", "trial")


@default_settings()
def scatter_grid(
    trials: pd.DataFrame,
    parameters: Sequence[Parameter],
    objective: Objective = Objective(),  # noqa: B008 (it is frozen)
    *,
    title: str = "",
    x: Sequence[str] | None = None,
    repeats: int = 1,
) -> Figure:
    """Draw a metric against each searched parameter, a panel for each, with a point for each completed trial.

    Args:
        trials: one row for each trial; those that neither completed, diverged nor were pruned are only counted.
        parameters: the searched parameters; if there are none, the metric is drawn against the trial number.
        objective: the metric, its direction and its tie-break.
        title: text before the counts above the panels, such as the sweep's name.
        x: the parameters to draw, by short or full name, or `trial`; all parameters if None or empty.
        repeats: trainings of each configuration.

    Raises:
        UsageError: `x` names what was not searched.
    """
    panels = _chosen(parameters, x)
    rows = configurations(trials, objective, repeats, _tie_break(objective)) if repeats > 1 else trials
    drawn = _drawn(rows, objective.metric)
    axis = _metric_axis(drawn, objective)
    points = _points(drawn, axis)
    figure, grid = empty_grid(len(panels))
    for axes, parameter in zip(grid, panels, strict=True):
        _draw_panel(axes, parameter, drawn, points, axis)
    keep_panel_size(figure, grid)
    draw_titles(figure, title, _counts(trials, drawn, objective.metric, repeats), _legend(drawn, points, axis))
    figure.supylabel(axis.label if repeats == 1 else f"mean {axis.label}", fontsize=10)
    return figure


def _draw_panel(axes: Axes, parameter: Parameter, drawn: pd.DataFrame, points: pd.DataFrame, axis: MetricAxis) -> None:
    style_axes(axes)
    draw_metric_axis(axes, axis)
    # A parameter that no trial has yet has no column either.
    values = drawn.get(parameter.short_name, pd.Series(np.nan, index=drawn.index))
    positions = draw_parameter_axis(axes, parameter, values)
    _draw_points(axes, points.assign(x=positions[points["row"]]), axis)


def _errors(drawn: pd.DataFrame) -> pd.Series[float]:
    """Return the standard error of each value; NaN without repeats."""
    if "standard_error" in drawn:
        return drawn["standard_error"]
    return pd.Series(np.nan, index=drawn.index)


def _metric_axis(drawn: pd.DataFrame, objective: Objective) -> MetricAxis:
    """Return the vertical axis for what is drawn."""
    completed = drawn["status"] == "completed"
    has_crosses = bool((drawn["status"] == "diverged").any() or ("diverged" in drawn and drawn["diverged"].any()))
    shown = completed if completed.any() else drawn["status"] == "pruned"
    values, errors = (np.asarray(each[shown], dtype=np.float64) for each in (drawn[objective.metric], _errors(drawn)))
    if np.isnan(errors).all():
        return MetricAxis.wide(values, objective, has_band=has_crosses)
    return MetricAxis.of(values, errors, objective, has_band=has_crosses)


def _tie_break(objective: Objective) -> list[str]:
    return [objective.tie_break] if objective.tie_break else []


def _drawn(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return what has a place in the chart: diverged trials, and completed and pruned ones with a value."""
    has_place = (rows["status"] == "diverged") | (rows["status"].isin(["completed", "pruned"]) & rows[name].notna())
    return rows[has_place].sort_values("trial", ignore_index=True)


def _chosen(parameters: Sequence[Parameter], x: Sequence[str] | None) -> list[Parameter]:
    if not x:
        return list(parameters) or [_TRIAL]
    known = {name: p for p in (_TRIAL, *parameters) for name in (p.short_name, p.name)}
    for name in x:
        if name not in known:
            raise UsageError(f"there is no parameter '{name}': {suggest(name, known)}")
    return list(dict.fromkeys(known[name] for name in x))


def _points(drawn: pd.DataFrame, axis: MetricAxis) -> pd.DataFrame:
    """Return the points of the chart: `row` of `drawn`, `look` (a key of `_looks`), height `y`, `error` or NaN."""
    values = drawn[axis.objective.metric].astype("float64")
    has_diverged = drawn["status"] == "diverged"
    beyond = axis.is_beyond(values) & ~has_diverged
    looks = drawn["status"].mask(beyond & (drawn["status"] == "completed"), "beyond")
    looks[ranking(drawn[drawn["status"] == "completed"], axis.objective)[:1]] = "best"
    in_band = axis.band_middle + 0.5 * axis.band * pd.Series(jitter(len(drawn), math.sqrt(2)))
    heights = (
        pd.Series(axis.places(np.asarray(values)), drawn.index).mask(beyond, axis.edge).mask(has_diverged, in_band)
    )
    points = pd.DataFrame({"row": drawn.index, "look": looks, "y": heights, "error": _errors(drawn).mask(beyond)})
    if "diverged" not in drawn:
        return points
    partly = (drawn["diverged"] > 0) & ~has_diverged
    crosses = pd.DataFrame({"row": drawn.index, "look": "diverged", "y": in_band, "error": np.nan})[partly]
    return pd.concat([points, crosses], ignore_index=True)


def _looks(count: int, *, is_max: bool) -> dict[str, dict[str, Any]]:
    """Return how each kind of trial is drawn; the more trials there are, the smaller and paler."""
    size = float(np.clip(320 / math.sqrt(max(count, 1)), 6, 36))
    alpha = float(np.clip(10 / math.sqrt(max(count, 1)), 0.35, 0.85))
    point = {"color": BLUE, "s": size, "alpha": alpha, "edgecolor": "white", "linewidth": size / 100}
    edge_point = {**point, "marker": "v" if is_max else "^", "s": size + 14, "alpha": 1.0, "zorder": 3}
    cross = {"color": RED, "s": 0.8 * size, "alpha": alpha, "marker": "x", "linewidth": 1.0, "zorder": 2}
    return {
        "completed": {**point, "marker": "o", "zorder": 2},
        "beyond": {**edge_point, "clip_on": False},
        "diverged": cross,
        "pruned": {**point, "marker": "s", "color": "white", "s": 0.8 * size, "edgecolor": INK, "linewidth": 0.8},
        "best": {"color": GOLD, "s": 190, "marker": "*", "edgecolor": INK, "linewidth": 0.8, "zorder": 4},
    }


def _draw_points(axes: Axes, points: pd.DataFrame, axis: MetricAxis) -> None:
    """Draw `points` (`x`, `y`, `look`, `error`), one collection for each look, labeled with it."""
    looks = _looks(len(points), is_max=axis.objective.is_max)
    bars = points[points["error"].notna() & points["x"].notna()]
    if len(bars):
        x, y, error = (bars[name].to_numpy(dtype=np.float64) for name in ("x", "y", "error"))
        axes.errorbar(
            x, y, error, fmt="none", ecolor=BLUE, elinewidth=1.0, alpha=looks["completed"]["alpha"], zorder=1.9
        )
    for look, style in looks.items():
        group = points[(points["look"] == look) & points["x"].notna()]
        if len(group):
            x, y = group["x"].to_numpy(), group["y"].to_numpy()
            # An SVG of many thousand separate marks would take seconds to show.
            is_heavy = len(group) > 5000
            sns.scatterplot(x=x, y=y, ax=axes, label=look, legend=False, rasterized=is_heavy, **style)


def _counts(trials: pd.DataFrame, drawn: pd.DataFrame, metric: str, repeats: int) -> str:
    if repeats > 1:
        completed, diverged = int(drawn["completed"].sum()), int(drawn["diverged"].sum())
        text = f"{len(drawn)} configurations, {repeats} trainings of each: {completed} completed, {diverged} diverged"
    else:
        counts = drawn["status"].value_counts()
        completed, diverged = int(counts.get("completed", 0)), int(counts.get("diverged", 0))
        text = f"{completed} completed, {diverged} diverged"
    return ", ".join([text, *_counts_not_drawn(trials, metric)])


def _counts_not_drawn(trials: pd.DataFrame, metric: str) -> list[str]:
    """Count the trials without a place in the chart, by how they stand."""
    without = int((trials["status"].eq("completed") & trials[metric].isna()).sum())
    counts = trials["status"].value_counts()
    words = [f"{without} completed without {metric}"] if without else []
    others = [status for status in STATUSES if status not in ("completed", "diverged") and status in counts]
    return words + [f"{counts[status]} {status}" for status in others]


def _legend(drawn: pd.DataFrame, points: pd.DataFrame, axis: MetricAxis) -> list[Line2D]:
    """Explain the star, the triangles and the bars, if there are any."""
    looks, name = _looks(len(points), is_max=axis.objective.is_max), axis.objective.metric
    handles = []
    for row in points.loc[points["look"] == "best", "row"]:
        handles.append(_handle(f"best: {_named(drawn.loc[row], name)}", looks["best"], size=11))
    beyond = drawn.loc[points.loc[points["look"] == "beyond", "row"], name]
    if len(beyond):
        side, end, extreme = (
            ("below", "lowest", beyond.min()) if axis.objective.is_max else ("above", "highest", beyond.max())
        )
        label = f"{len(beyond)} {side} the axis, the {end} {format_value(name, float(extreme))}"
        handles.append(_handle(label, looks["beyond"], size=6))
    if pruned := int((drawn["status"] == "pruned").sum()):
        handles.append(_handle(f"{pruned} pruned, at what they had reached", looks["pruned"], size=5))
    if points["error"].notna().any():
        handles.append(Line2D([], [], label="mean ± standard error", color=BLUE, marker="o", ms=4, lw=1.0))
    return handles


def _named(row: pd.Series[Any], name: str) -> str:
    """Return the trial or the trials of a row with its value."""
    value = format_value(name, float(row[name]))
    if "trials" not in row:
        return f"trial {row['trial']}, {value}"
    error = "" if np.isnan(row["standard_error"]) else f" ± {format_value('', float(row['standard_error']))}"
    return f"trials {row['trials']}, {value}{error}"


def _handle(label: str, look: dict[str, Any], size: float) -> Line2D:
    edge = {"markeredgecolor": look["edgecolor"], "markeredgewidth": look["linewidth"]}
    return Line2D([], [], label=label, linestyle="", marker=look["marker"], color=look["color"], ms=size, **edge)
