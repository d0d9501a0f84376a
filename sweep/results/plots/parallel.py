"""Parallel coordinates: each trial a line across an axis for each parameter, in the color of its objective.

Better trials are darker and lie above worse ones; diverged ones have a color of their own and lie below, pruned ones
are gray, and neither reaches the axis of the objective, which is the last. A parameter that a trial does not
have stands below its axis.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from sweep.errors import UsageError, suggest
from sweep.metrics import Objective
from sweep.records import Parameter
from sweep.results.format import format_value
from sweep.results.leaderboard import ranking
from sweep.results.plots.chart import Chart
from sweep.results.plots.marks import BEYOND, best_words, count_statuses, handle, is_ranked, rows_of
from sweep.results.plots.metric_axis import MetricAxis
from sweep.results.plots.parameter_axis import Floats
from sweep.results.plots.parameter_scale import ParameterScale
from sweep.results.plots.settings import default_settings
from sweep.results.plots.style import GOLD, INK, RED, draw_titles, escape, shorten_all

MOST_AXES = 12
_ABSENT = -0.09
"""Where a parameter that a trial does not have stands, below its axis from 0 to 1."""
_FEW = 40.0
"""Of more trials the lines are the paler, the worse they are."""
_SHADES = LinearSegmentedColormap.from_list("goodness", colormaps["viridis_r"](np.linspace(0.12, 1, 64)))
"""From the worst to the best, also in shades of gray; the palest yellow would not be seen on paper."""
_DRAWN = ("completed", "diverged", "pruned")


def parallel_places(
    trials: pd.DataFrame, parameters: Sequence[Parameter], objective: Objective, repeats: int = 1
) -> pd.DataFrame:
    """Return where the line of each trial crosses the axis of each parameter, from 0 to 1.

    Returns:
        `trial`, `status`, the objective's metric, and each parameter's place by its full name (NaN where a trial does
        not have it), the best trial last, after the worse ones, the pruned and the diverged ones.
    """
    rows = rows_of(trials, objective, repeats)
    is_done = is_ranked(rows, objective.metric)
    rows = rows[is_done | rows["status"].isin(_DRAWN[1:])]
    places = {
        each.name: ParameterScale.of(each, rows[each.short_name]).places(rows[each.short_name])
        for each in parameters
        if each.short_name in rows
    }
    table = pd.DataFrame(
        {"trial": rows["trial"], "status": rows["status"], objective.metric: rows[objective.metric], **places}
    )
    worst_first = ranking(rows[rows["status"] == "completed"], objective)[::-1]
    others = [table[table["status"] == status] for status in ("diverged", "pruned")]
    return pd.concat([*others, table.loc[worst_first]], ignore_index=True)


@default_settings()
def parallel_chart(
    trials: pd.DataFrame,
    parameters: Sequence[Parameter],
    objective: Objective,
    *,
    title: str = "",
    x: Sequence[str] | None = None,
    repeats: int = 1,
) -> Chart:
    """Draw each trial as a line across the axes of the parameters and of the objective.

    Args:
        trials: one row for each trial, as of `Sweep.trials`.
        parameters: the searched parameters.
        objective: the metric and its direction.
        title: what stands before the counts, such as the sweep's name.
        x: the parameters to draw, by short or full name, in this order; the first 12 if None or empty.
        repeats: trainings of each configuration.

    Raises:
        UsageError: `x` names what was not searched, nothing was searched, or no trial has ended.
    """
    chosen = chosen_parameters(parameters, x)
    shown = [each for each in chosen if each.short_name in trials][:MOST_AXES]
    table = parallel_places(trials, shown, objective, repeats)
    if table.empty or not shown:
        raise UsageError("no trial has completed or diverged yet, so there is nothing to draw")
    drawn = rows_of(trials, objective, repeats)
    drawn = drawn[drawn["trial"].isin(table["trial"])]
    figure = Chart(figsize=(min(max(7.0, 1.45 * (len(shown) + 1)), 17.0), 5.4), layout="constrained")
    axes = figure.subplots()
    has_diverged = bool((table["status"] == "diverged").any())
    values = table.loc[table["status"] == "completed", objective.metric].to_numpy(np.float64)
    axis = _Objective(MetricAxis.wide(values, objective, has_band=False), values)
    _draw_lines(axes, table, [each.name for each in shown], axis)
    names = shorten_all([each.short_name for each in shown], 22)
    has_absent = bool(table[[each.name for each in shown]].isna().any().any())
    for place, (parameter, name) in enumerate(zip(shown, names, strict=True)):
        _draw_axis(axes, place, name, *ParameterScale.of(parameter, drawn[parameter.short_name]).ticks(), side=-1)
    is_beyond = axis.axis.is_beyond(table[objective.metric]) & (table["status"] == "completed")
    beyond = int(is_beyond.sum())
    if beyond:
        axes.plot([len(shown)], [0], label="beyond", clip_on=False, **{**BEYOND, "zorder": 7}, marker="v")
    name = axis.axis.label if repeats == 1 else f"mean {axis.axis.label}"
    _draw_axis(axes, len(shown), name, *axis.ticks(), side=1)
    _set_frame(axes, len(shown), has_absent=has_absent)
    more = [f"{len(shown)} of {len(chosen)} parameters"] if len(chosen) > len(shown) else []
    facts = ", ".join([*count_statuses(trials, repeats), *more])
    handles = _legend(table, objective, has_diverged=has_diverged, repeats=repeats)
    if beyond:
        handles.append(handle(f"{beyond} beyond the axis of {axis.axis.label}", {**BEYOND, "marker": "v"}))
    draw_titles(figure, title, facts, handles)
    return figure


def chosen_parameters(parameters: Sequence[Parameter], x: Sequence[str] | None) -> list[Parameter]:
    """Return the parameters that are named, or all.

    Raises:
        UsageError: one is not known, or nothing was searched.
    """
    if not parameters:
        raise UsageError("the sweep searches no parameter, so there is nothing to draw")
    known = {name: each for each in parameters for name in (each.short_name, each.name)}
    for name in x or ():
        if name not in known:
            raise UsageError(f"there is no parameter '{name}': {suggest(name, known)}")
    return list(dict.fromkeys(known[name] for name in x)) if x else list(parameters)


@dataclass(frozen=True)
class _Objective:
    """The axis of the objective, from 0 to 1, with the better end on top."""

    axis: MetricAxis
    values: Floats

    def places(self, values: Floats) -> Floats:
        """Return the place of each value; those beyond the axis are on its edge."""
        low, high = self._ends()
        heights = self.axis.places(values)
        places = ((heights - low) / (high - low)).clip(0, 1) if high > low else np.full(len(values), 0.5)
        return places if self.axis.objective.is_max or high == low else 1 - places

    def _ends(self) -> tuple[float, float]:
        if not len(self.values):
            return 0.0, 0.0
        is_max = self.axis.objective.is_max
        ends = (self.axis.bound, self.values.max()) if is_max else (self.values.min(), self.axis.bound)
        low, high = self.axis.places(np.array(ends))
        return float(low), float(high)

    def ticks(self) -> tuple[Floats, list[str]]:
        """Return the places and the words of the ticks."""
        low, high = self._ends()
        if not len(self.values):
            return np.array([]), []
        if high == low:
            return np.array([0.5]), [format_value(self.axis.objective.metric, float(low))]
        ticks, words = self.axis.ticks()
        inside = [place for place, tick in enumerate(ticks) if low <= tick <= high]
        heights = (np.array([ticks[place] for place in inside]) - low) / (high - low)
        return heights if self.axis.objective.is_max else 1 - heights, [words[place] for place in inside]


def _draw_lines(axes: Axes, table: pd.DataFrame, names: list[str], axis: _Objective) -> None:
    """Draw the lines, the later ones above the earlier."""
    places = table[names].fillna(_ABSENT).to_numpy(np.float64)
    is_done = (table["status"] == "completed").to_numpy()
    heights = axis.places(table[axis.axis.objective.metric].to_numpy(np.float64))
    alpha = float(np.clip(_FEW / len(table), 0.05, 0.9))
    for status, look in (
        ("diverged", {"colors": RED, "alpha": max(min(0.5, 2 * alpha), 0.15), "linewidths": 0.8}),
        ("pruned", {"colors": "#9a9a9a", "alpha": max(min(0.5, 2 * alpha), 0.15), "linewidths": 0.8}),
    ):
        chosen = places[(table["status"] == status).to_numpy()]
        if len(chosen):
            axes.add_collection(_lines(chosen, label=status, zorder=2, **look))
    ends = np.column_stack([places, heights])[is_done]
    if len(ends):
        colors = _SHADES(heights[is_done])
        colors[:, 3] = alpha + (0.9 - alpha) * np.linspace(0, 1, len(ends)) ** np.clip(len(ends) / 100, 2, 16)
        axes.add_collection(_lines(ends[:-1], label="completed", colors=colors[:-1], linewidths=1.1, zorder=3))
        axes.add_collection(_lines(ends[-1:], label="best", colors=[GOLD], linewidths=3.0, zorder=4))


def _lines(places: Floats, **look: Any) -> LineCollection:
    """Return a line for each row of places; many lines are pixels in an SVG, too."""
    across = np.broadcast_to(np.arange(places.shape[1], dtype=np.float64), places.shape)
    if places.shape[1] == 1:  # trials without an objective by one parameter alone
        across, places = np.hstack([across, across + 0.25]), np.hstack([places, places])
    return LineCollection(np.stack([across, places], axis=-1).tolist(), rasterized=len(places) > 500, **look)


def _draw_axis(axes: Axes, place: int, name: str, ticks: Floats, words: list[str], *, side: int) -> None:
    """Draw a vertical axis with its name above it and its ticks to the left (side -1) or to the right (1)."""
    axes.plot([place, place], [0, 1], color=INK, lw=1.0, zorder=5)
    size = 8.0 if len(words) <= 18 else max(4.0, 8.0 * 18 / len(words))
    for height, word in zip(ticks, shorten_all(words, 16) if words else [], strict=True):
        axes.plot([place, place + 0.02 * side], [height, height], color=INK, lw=0.8, zorder=5)
        axes.annotate(
            escape(word),
            (place, height),
            (4 * side, 0),
            textcoords="offset points",
            ha="left" if side > 0 else "right",
            va="center",
            fontsize=size,
            color=INK,
            zorder=6,
            path_effects=[withStroke(linewidth=3.5, foreground="white")],  # lines lie below the numbers
        )
    axes.annotate(
        escape(_broken(name)), (place, 1.04), ha="center", va="bottom", fontsize=9, color=INK, annotation_clip=False
    )


def _broken(name: str, letters: int = 14) -> str:
    """Return a name on several lines, broken at underscores and spaces."""
    lines = [""]
    for word in re.split(r"(?<=[_ ])", name):
        lines = [*lines, word] if lines[-1] and len(lines[-1] + word) > letters else [*lines[:-1], lines[-1] + word]
    return "\n".join(lines)


def _set_frame(axes: Axes, last: int, *, has_absent: bool) -> None:
    axes.set_axis_off()
    axes.set_xlim(-0.55, last + 0.4)
    axes.set_ylim(_ABSENT - 0.03 if has_absent else -0.03, 1.03)
    if has_absent:
        axes.annotate(
            "not used",
            (-0.03, _ABSENT),
            (-4, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=8,
            color=INK,
        )


def _legend(table: pd.DataFrame, objective: Objective, *, has_diverged: bool, repeats: int) -> list[Line2D]:
    """Explain the colors that are there."""
    handles = []
    done = table[table["status"] == "completed"]
    if len(done):
        best = done.iloc[-1]
        words = best_words(best["trial"], float(best[objective.metric]), objective, repeats)
        handles.append(Line2D([], [], label=words, color=GOLD, lw=3.0))
        handles.append(Line2D([], [], label="completed: the darker, the better", color=_SHADES(0.8), lw=1.4))
    if has_diverged:
        handles.append(Line2D([], [], label="diverged", color=RED, lw=1.2))
    if (table["status"] == "pruned").any():
        handles.append(Line2D([], [], label="pruned", color="#9a9a9a", lw=1.2))
    return handles
