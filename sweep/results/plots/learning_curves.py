"""A metric of every trial over its epochs: the best ten in colors with their numbers, all others in gray.

A dot on each of the best shows the value that stands for it, and its label is at the height of this value.
Diverged trials end with a cross, and pruned ones with a square. Where the best lie close together, a second panel shows
their second half enlarged. The axis of a metric of which less is better is logarithmic if its values span more than a
factor of 20. Of very many trials some are drawn, evenly chosen by number, the best always among them; the title says
how many.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from sweep.errors import UsageError
from sweep.metrics import Objective, metric
from sweep.results.format import format_value
from sweep.results.leaderboard import ranked_as_completed, ranking
from sweep.results.plots.chart import Chart
from sweep.results.plots.marks import CROSS, PRUNED, STAR, STRONG_GRAY, best_words, count_statuses, handle, label_ends
from sweep.results.plots.metric_axis import MetricAxis
from sweep.results.plots.settings import default_settings
from sweep.results.plots.style import GOLD, RED, draw_ticks, draw_titles, style_axes

_WORD_COLORS = {1: "#a66f00", 5: "#0f8aa3", 8: "#77771f", 10: "#4f8f22"}
"""Darker ones for the words of pale curves."""
MOST = 2000
"""Curves of a figure."""
BEST = 10
"""Curves in colors."""
_MOST_LINEAR = 20
"""The factor between the values on a linear axis."""
_HIGHEST = 1000
"""Where a logarithmic axis ends at the latest, in units of the median."""
_ENLARGED = 4.0
"""The best have a panel of their own if it enlarges them at least so much."""
_DIPS = 0.04
"""Share of the values of the best, the worst, that need not be on the enlarged panel."""
_COLORS = (GOLD, "#2b5fc0", "#007a4d", "#c23b9e", "#22b8d6", "#7a4a2b", "#6a2fb5", "#a3a01a", "#222222", "#7ac943")
"""From the best to the tenth; no red, which means diverged."""

Points = NDArray[np.float64]
"""The epochs and the values of a trial, of shape (points, 2)."""


def curve_ends(epochs: pd.DataFrame, trials: pd.DataFrame, objective: Objective, best: int = BEST) -> pd.DataFrame:
    """Return where the curve of each trial with a value ends, and which are the best.

    Returns:
        `trial`, `status`, `rank` (from 1 for the `best` of the completed trials, 0 for all others), `epoch` and `value`
        of the last point, by number.
    """
    points = points_of(epochs, objective.metric)
    rows = ranked_as_completed(trials)
    completed = rows[(rows["status"] == "completed") & rows["trial"].isin(points.keys())]
    order = completed.loc[ranking(completed, objective)[:best], "trial"]
    ranks = {int(number): rank for rank, number in enumerate(order, start=1)}
    statuses = dict(zip(trials["trial"], trials["status"], strict=True))
    table = [
        (number, statuses.get(number, ""), ranks.get(number, 0), int(each[-1, 0]), float(each[-1, 1]))
        for number, each in sorted(points.items())
    ]
    return pd.DataFrame(table, columns=["trial", "status", "rank", "epoch", "value"])


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
    points = points_of(epochs, objective.metric)
    if not points:
        raise UsageError(f"no epoch has a value of {objective.metric} yet, so there are no curves")
    ends = curve_ends(epochs, trials, objective)
    drawn = ends[ends["trial"].isin(_chosen(ends, most))]
    best = drawn[drawn["rank"] > 0].sort_values("rank")
    near = _near(points, best, is_max=objective.is_max)
    axis, is_log = _axis(np.concatenate([points[number] for number in drawn["trial"]]), objective)
    is_enlarged = not is_log and near is not None and axis.high - axis.low > _ENLARGED * (near[1] - near[0])
    figure = Chart(figsize=(12.5 if is_enlarged else 8.0, 5.2), layout="constrained")
    panels = list(figure.subplots(1, 2 if is_enlarged else 1, squeeze=False)[0])
    for axes in panels:
        _draw_axes(axes, drawn, points, axis, is_log=is_log)
    if is_enlarged and near is not None:
        _enlarge(panels[1], best, points, near, objective)
    for axes in panels:
        _draw_curves(axes, drawn, points)
        _draw_best(axes, best, points, objective)
    _label(panels[-1], best, trials, objective)
    legend = _legend(best, drawn, trials, objective)
    more = [f"{len(drawn)} of {len(ends)} curves drawn"] if len(drawn) < len(ends) else []
    draw_titles(figure, title, ", ".join([*count_statuses(trials), *more]), legend)
    figure.supylabel(axis.label, fontsize=10)
    return figure


def points_of(epochs: pd.DataFrame, name: str) -> dict[int, Points]:
    """Return the points of each trial that has any, in the order of its epochs."""
    if name not in epochs:
        return {}
    rows = epochs[epochs[name].notna()].sort_values(["trial", "epoch"])
    if rows.empty:
        return {}
    pairs = rows[["epoch", name]].to_numpy(dtype=np.float64)
    numbers, firsts = np.unique(rows["trial"].to_numpy(), return_index=True)
    return dict(zip(map(int, numbers), np.split(pairs, firsts[1:]), strict=True))


def _chosen(ends: pd.DataFrame, most: int) -> Sequence[int]:
    """Return all trials, or `most` of them at even distances and the best."""
    best, others = ends.loc[ends["rank"] > 0, "trial"], ends.loc[ends["rank"] == 0, "trial"]
    if len(ends) <= most:
        return [*best, *others]
    places = np.linspace(0, len(others) - 1, max(most - len(best), 0)).round().astype(int)
    return [*best, *others.iloc[places]]


def _stands(points: Points, objective: Objective) -> int:
    """Return the place of the epoch that stands for the trial."""
    values = points[:, 1]
    if objective.epoch == "last":
        return len(values) - 1
    return int(values.argmax() if objective.is_max else values.argmin())


def _axis(points: Points, objective: Objective) -> tuple[MetricAxis, bool]:
    """Return the axis of all curves, and whether it is logarithmic."""
    values = points[:, 1]
    # Where a metric has limits, as an accuracy has, all of it is shown; else outliers would squeeze all others.
    has_limits = bool(np.isfinite(metric(objective.metric).limits).all())
    shown = np.array([values.min(), values.max()]) if has_limits else values
    axis = MetricAxis.of(shown, np.full(len(shown), np.nan), objective, has_band=False)
    is_log = not (objective.is_max or values.min() <= 0 or values.max() / _MOST_LINEAR <= values.min())
    return axis, is_log


def _near(points: dict[int, Points], best: pd.DataFrame, *, is_max: bool) -> tuple[float, float] | None:
    """Return the range of the second half of the best curves, without the worst few values and with a margin."""
    if len(best) < 2:
        return None
    each = [points[number] for number in best["trial"]]
    values = np.concatenate([curve[curve[:, 0] >= curve[-1, 0] / 2, 1] for curve in each])
    # A dip of a single epoch would leave no room for the rest.
    low, high = np.quantile(values, [_DIPS, 1] if is_max else [0, 1 - _DIPS])
    pad = 0.08 * float(high - low)
    return (float(low) - pad, float(high) + pad) if pad > 0 else None


def _draw_axes(axes: Axes, drawn: pd.DataFrame, points: dict[int, Points], axis: MetricAxis, *, is_log: bool) -> None:
    style_axes(axes)
    places, values = np.concatenate([points[number] for number in drawn["trial"]]).T
    axes.set_xlabel("epoch")
    pad = 0.02 * np.ptp(places) or 0.5
    axes.set_xlim(places.min() - pad, places.max() + pad)
    draw_ticks(axes.xaxis, places.min(), places.max(), is_log=False, is_whole=True)
    if not is_log:
        axes.set_ylim(axis.low, axis.high)
        axes.set_yticks(*axis.ticks())
        return
    low, high = values.min(), min(values.max(), _HIGHEST * np.median(values))
    axes.set_yscale("log")
    axes.set_ylim(max(low / 1.2, 1e-300), min(high * 1.2, 1e300))
    draw_ticks(axes.yaxis, low, high, is_log=True, is_whole=False)


def _enlarge(
    axes: Axes, best: pd.DataFrame, points: dict[int, Points], near: tuple[float, float], objective: Objective
) -> None:
    """Limit a panel to the second half of the best curves."""
    last = max(points[number][-1, 0] for number in best["trial"])
    pad = 0.02 * last or 0.5
    axes.set_xlim(last / 2 - pad, last + pad)
    draw_ticks(axes.xaxis, last / 2, last, is_log=False, is_whole=True)
    axis = MetricAxis.of(np.array(near), np.full(2, np.nan), objective, has_band=False)
    axes.set_ylim(*near)
    ticks, words = axis.ticks()
    inside = [place for place, tick in enumerate(ticks) if near[0] <= tick <= near[1]]
    axes.set_yticks([ticks[place] for place in inside], [words[place] for place in inside])
    axes.set_title(f"the best {len(best)}, enlarged", fontsize=10, loc="left")


def _draw_curves(axes: Axes, drawn: pd.DataFrame, points: dict[int, Points]) -> None:
    """Draw the curves of all but the best, the more the paler, and the marks at the ends of those that ended early."""
    alpha = float(np.clip(60 / len(drawn), 0.06, 0.6))
    others = drawn[drawn["rank"] == 0]
    has_diverged = others["status"] == "diverged"
    for label, color, rows in (("others", STRONG_GRAY, others[~has_diverged]), ("diverged", RED, others[has_diverged])):
        lines = [points[number] for number in rows["trial"]]
        look: dict[str, Any] = {"colors": color, "linewidths": 0.9, "alpha": alpha, "label": label}
        axes.add_collection(LineCollection(lines, rasterized=len(lines) > 500, **look), autolim=False)
    single = [points[number][0] for number in others["trial"] if len(points[number]) == 1]
    if single:
        axes.plot(*np.array(single).T, "o", ms=3, color=STRONG_GRAY, alpha=alpha)
    size = float(np.clip(30 / np.sqrt(len(drawn)), 0.35, 1.0))
    for status, mark in (("diverged", CROSS), ("pruned", PRUNED)):
        draw_ends(axes, drawn[drawn["status"] == status], {**mark, "ms": size * mark["ms"], "zorder": 3})


def draw_ends(axes: Axes, ends: pd.DataFrame, mark: dict[str, Any]) -> None:
    """Draw a mark where each curve ends; beyond the panel it is on its edge, unless the panel is enlarged."""
    low, high = axes.get_ylim()
    is_shown = (ends["epoch"] >= axes.get_xlim()[0]).to_numpy()
    if axes.get_title(loc="left"):
        is_shown = is_shown & ends["value"].between(low, high).to_numpy()
    if is_shown.any():
        x, y = (ends.loc[is_shown, name].to_numpy(np.float64) for name in ("epoch", "value"))
        axes.plot(x, y.clip(low, high), clip_on=False, **mark)


def _draw_best(axes: Axes, best: pd.DataFrame, points: dict[int, Points], objective: Objective) -> None:
    """Draw the best curves in their colors, the best above all, with a star at the epoch that stands for it."""
    for rank, number in reversed([*zip(best["rank"], best["trial"], strict=True)]):
        curve = points[number]
        is_first = rank == 1
        look = {"color": _COLORS[rank - 1], "lw": 2.4 if is_first else 1.5, "zorder": 5 if is_first else 4}
        star = {**STAR, "linestyle": "-", "markevery": [_stands(curve, objective)]} if is_first else {}
        dot = {} if is_first else {"marker": "o", "ms": 4.5, "markevery": [_stands(curve, objective)]}
        axes.plot(*curve.T, label=f"trial {number}", **{**star, **dot, **look})


def _label(axes: Axes, best: pd.DataFrame, trials: pd.DataFrame, objective: Objective) -> None:
    """Write the number and the value of each of the best trials beside the panel, in the order of the values."""
    best = best[::-1] if objective.is_max else best  # of equal values the better rank is nearer to the better end
    values = dict(zip(trials["trial"], trials[objective.metric], strict=True))
    words = [f"{n}: {format_value(objective.metric, float(values[n]))}" for n in best["trial"]]
    if len(best):
        ends = np.array([(axes.get_xlim()[1], float(values[n])) for n in best["trial"]])
        label_ends(axes, ends, words, [_WORD_COLORS.get(rank, _COLORS[rank - 1]) for rank in best["rank"]])


def _legend(best: pd.DataFrame, drawn: pd.DataFrame, trials: pd.DataFrame, objective: Objective) -> list[Line2D]:
    """Explain the curves and the marks that are there."""
    handles = []
    for number in best["trial"][:1]:
        value = trials.loc[trials["trial"] == number, objective.metric].iloc[0]
        words = best_words(number, float(value), objective)
        handles.append(handle(words, {**STAR, "linestyle": "-", "lw": 2.4}))
    if len(best) > 1:
        handles.append(
            Line2D(
                [],
                [],
                label=f"the best {len(best)}: trial and value (dot)",
                color=_COLORS[1],
                lw=1.5,
                marker="o",
                ms=4.5,
            )
        )
    marks = {"diverged": ("diverged after its last epoch", CROSS), "pruned": ("pruned after its last epoch", PRUNED)}
    return [*handles, *(handle(*marks[status]) for status in marks if (drawn["status"] == status).any())]
