"""The best of groups of 1, 2, 4, … trials of a sweep: how good a smaller sweep would have been, and how surely.

This is the random experiment efficiency curve of Bergstra & Bengio, "Random Search for Hyper-Parameter Optimization"
(JMLR 13, 2012), figures 2 and 5: the N trials are split into N/s experiments of s trials each, of which each has its
best. Random trials are drawn independently, so that trials that follow each other are such an experiment. Unlike
there, the best is the trial's own value, not an average over what is near the best.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from sweep.errors import UsageError, counted
from sweep.metrics import Objective
from sweep.results.plots.chart import Chart
from sweep.results.plots.marks import BEYOND, handle, is_ranked, rows_of
from sweep.results.plots.metric_axis import MetricAxis, draw_metric_axis
from sweep.results.plots.settings import default_settings
from sweep.results.plots.style import BLUE, GOLD, INK, PALE_BLUE, draw_titles, empty_grid, style_axes

_FEW = 8
"""Up to this many groups are drawn as points, since a box of so few says too little."""


def efficiency(trials: pd.DataFrame, objective: Objective, repeats: int = 1) -> pd.DataFrame:
    """Return the best of each group of trials that follow each other, for groups of 1, 2, 4, … and all of them.

    Trials that neither completed nor diverged are left out; a last group that is too small as well.

    Returns:
        `size`, `group` (from 0) and `best`, NaN for a group of which all have diverged.
    """
    rows = rows_of(trials, objective, repeats)
    counts = is_ranked(rows, objective.metric) | (rows["status"] == "diverged")
    values = rows[objective.metric].astype("float64").mask(rows["status"] == "diverged")[counts].to_numpy(np.float64)
    worst = -np.inf if objective.is_max else np.inf
    goodness = np.where(np.isnan(values), worst, values)
    sizes = [2**power for power in range(len(values).bit_length()) if 2**power < len(values)]
    tables = []
    for size in [*sizes, *([len(values)] if len(values) else [])]:
        groups = goodness[: len(values) // size * size].reshape(-1, size)
        best = groups.max(axis=1) if objective.is_max else groups.min(axis=1)
        best = np.where(np.isinf(best), np.nan, best)
        tables.append(pd.DataFrame({"size": size, "group": np.arange(len(best)), "best": best}))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=["size", "group", "best"])


def boxes(groups: pd.DataFrame, objective: Objective) -> pd.DataFrame:
    """Return the extremes and quartiles of the best of the groups of each size; a diverged group is the worst.

    A quartile is the value of a group, the worse one of two; NaN if that group has diverged.

    Returns:
        `size`, `groups`, `worst`, `lower`, `median`, `upper` and `best`, from the worse to the better.
    """
    sign = 1.0 if objective.is_max else -1.0
    rows = []
    for size, each in groups.groupby("size")["best"]:
        goodness = np.where(each.isna(), -np.inf, sign * each)
        ends = np.quantile(goodness, [0, 0.25, 0.5, 0.75, 1], method="inverted_cdf")
        rows.append([size, len(each), *np.where(np.isinf(ends), np.nan, sign * ends)])
    return pd.DataFrame(rows, columns=["size", "groups", "worst", "lower", "median", "upper", "best"])


@default_settings()
def efficiency_chart(trials: pd.DataFrame, objective: Objective, *, title: str = "", repeats: int = 1) -> Chart:
    """Draw the best of groups of trials against their size: boxes from quartile to quartile, or points if few.

    Args:
        trials: one row for each trial, as of `Sweep.trials`, drawn independently.
        objective: the metric and its direction.
        title: what stands before the counts, such as the sweep's name.
        repeats: trainings of each configuration.

    Raises:
        UsageError: a trial was pruned, or fewer than two have completed or diverged.
    """
    unit = "trial" if repeats == 1 else "configuration"
    pruned = int((trials["status"] == "pruned").sum())
    if pruned:
        raise UsageError(f"the efficiency of random search needs trials that end by themselves; {pruned} were pruned")
    groups = efficiency(trials, objective, repeats)
    if groups["size"].max() < 2 or groups.empty:
        raise UsageError(f"the efficiency of random search needs at least two {unit}s that completed or diverged")
    values = groups["best"].dropna().to_numpy(np.float64)
    has_band = bool(groups["best"].isna().any())
    axis = MetricAxis.wide(values, objective, has_band=has_band)
    figure, (axes,) = empty_grid(1)
    figure.set_size_inches(8.0, 5.0)
    style_axes(axes)
    draw_metric_axis(axes, axis)
    table = boxes(groups, objective)
    _draw(axes, groups, table, axis)
    axes.set_xticks(range(len(table)), [str(size) for size in table["size"]])
    axes.set_xlim(-0.6, len(table) - 0.4)
    axes.set_xlabel(f"{unit}s in each group")
    draw_titles(figure, title, f"the best of groups of {unit}s; above: how many groups")
    beyond = int(axis.is_beyond(groups.loc[groups["size"] == 1, "best"]).sum())
    figure.legend(handles=_legend(axis, beyond, unit), loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    figure.supylabel(f"best {axis.label}", fontsize=10)
    return figure


def _draw(axes: Axes, groups: pd.DataFrame, table: pd.DataFrame, axis: MetricAxis) -> None:
    """Draw a box with whiskers to the extremes for each size, or the points, and the line of the medians."""
    box: dict[str, Any] = {"facecolor": PALE_BLUE, "edgecolor": BLUE, "linewidth": 1.0}
    line: dict[str, Any] = {"color": BLUE, "linewidth": 1.0}
    for place, row in enumerate(table.to_dict("records")):
        shown = table.iloc[place, 2:] if row["groups"] > _FEW else groups.loc[groups["size"] == row["size"], "best"]
        if axis.is_beyond(shown).any():
            axes.plot([place], [axis.edge], label="beyond", **_beyond(axis))
        if row["groups"] > _FEW:
            names = {"worst": "whislo", "lower": "q1", "median": "med", "upper": "q3", "best": "whishi"}
            heights = {names[name]: _height(row[name], axis) for name in names}
            axes.bxp(
                [{**heights, "fliers": []}],
                positions=[place],
                widths=0.55,
                patch_artist=True,
                manage_ticks=False,
                boxprops=box,
                whiskerprops=line,
                capprops=line,
                medianprops={"color": INK, "linewidth": 1.6},
            )
        else:
            points = [_height(value, axis) for value in shown if not _is_beyond(value, axis)]
            axes.plot(np.full(len(points), place), points, "o", color=BLUE, ms=5, mec="white", mew=0.4, label="group")
        axes.annotate(
            str(row["groups"]),
            (place, 1.0),
            (0, 3),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="center",
            fontsize=8,
            color=INK,
        )
    medians = [_height(value, axis) for value in table["median"]]
    axes.plot(range(len(table)), medians, color=GOLD, lw=1.6, zorder=1.5, label="median")


def _height(value: float, axis: MetricAxis) -> float:
    """Return where a value is drawn: in the band if it is that of a diverged group, on the edge if it is beyond."""
    if np.isnan(value):
        return axis.band_middle
    return axis.edge if _is_beyond(value, axis) else float(axis.places(np.array(value)))


def _is_beyond(value: float, axis: MetricAxis) -> bool:
    return value < axis.bound if axis.objective.is_max else value > axis.bound


def _beyond(axis: MetricAxis) -> dict[str, Any]:
    return {**BEYOND, "marker": "v" if axis.objective.is_max else "^"}


def _legend(axis: MetricAxis, beyond: int, unit: str) -> list[Line2D]:
    """Explain the line, and the marks of what ends at the edge although it lies beyond."""
    median = Line2D([], [], color=GOLD, lw=1.6, label="median of the groups")
    return [median, *([handle(f"{counted(beyond, unit)} beyond the axis", _beyond(axis))] if beyond else [])]
