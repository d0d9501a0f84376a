"""Configurations trained again with fresh seeds: each training, what is expected, and the value in the search."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from sweep.errors import UsageError, counted
from sweep.metrics import Objective
from sweep.results.plots.chart import Chart
from sweep.results.plots.settings import default_settings
from sweep.results.plots.style import BLUE, INK, PALE_BLUE, RED, draw_titles, label_numbers, style_axes

ROW = 0.55
"""Height of a configuration, in inches."""
SPREAD = 0.15
"""How far the trainings of a configuration are spread over its row, at most."""
_MARKS: dict[str, dict[str, Any]] = {
    "training": {"marker": "o", "color": PALE_BLUE, "ms": 6, "mec": BLUE, "mew": 0.8, "zorder": 4},
    "expected": {"marker": "D", "color": BLUE, "ms": 8, "mec": INK, "mew": 0.8, "zorder": 3},
    "before": {"marker": "o", "color": "none", "ms": 9, "mec": INK, "mew": 1.4, "zorder": 3},
    "diverged": {"marker": "x", "color": RED, "ms": 7, "mew": 1.8, "zorder": 3},
}
_WORDS = {
    "training": "a training with a fresh seed",
    "expected": "expected",
    "before": "in the search, by which it was chosen",
    "diverged": "diverged with a fresh seed",
}


@default_settings()
def finalists_chart(table: pd.DataFrame, trainings: pd.DataFrame, objective: Objective, *, title: str = "") -> Chart:
    """Draw a row for each configuration, the one of which most is expected at the top.

    Args:
        table: the configurations, as of `sweep.analysis.finalists.finalists_table`.
        trainings: the trainings, as of `sweep.results.finalists.trainings_of`.
        objective: whose metric is drawn.
        title: what stands before the counts, such as the sweep's name.

    Raises:
        UsageError: there is no training that has ended.
    """
    marks = finalist_marks(table, trainings)
    if not marks["mark"].isin(["training", "diverged"]).any():
        raise UsageError("no training with a fresh seed has ended yet, so there is nothing to draw")
    figure = Chart(figsize=(7.5, ROW * len(table) + 1.9), layout="constrained")
    axes = figure.subplots()
    style_axes(axes)
    axes.grid(visible=False, axis="y")
    _draw_marks(axes, marks, objective)
    axes.set_yticks(range(len(table)), [f"trial {trial}" for trial in table["trial"]])
    axes.set_ylim(len(table) - 0.5, -0.5)
    axes.set_xlabel(objective.metric, fontsize=9)
    label_numbers(axes.xaxis)
    handles = [
        Line2D([], [], linestyle="", label=words, **_MARKS[mark])
        for mark, words in _WORDS.items()
        if mark in set(marks["mark"])
    ]
    if marks[["low", "high"]].notna().all(axis=1).any():
        handles.append(Line2D([], [], color=BLUE, lw=2, label="interval of 90 % of what is expected"))
    seeds = counted(int(table["seeds"].max()), "fresh seed")
    draw_titles(figure, title, f"{counted(len(table), 'finalist')} with {seeds}", handles)
    return figure


def finalist_marks(table: pd.DataFrame, trainings: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each mark, by its row from the top: `row`, `trial`, `mark`, `value`, `low` and `high`.

    Marks are `before`, `training`, `diverged` (without a value) and `expected`; only this one has an interval.
    """
    rows: list[tuple[Any, ...]] = []
    columns = [table[name].tolist() for name in ("trial", "before", "expected", "low", "high")]
    for row, (trial, before, expected, low, high) in enumerate(zip(*columns, strict=True)):
        rows.append((row, trial, "before", before, None, None))
        own = trainings[trainings["trial"] == trial]
        for status, value in zip(own["status"], own["value"], strict=True):
            if status == "completed":
                rows.append((row, trial, "training", value, None, None))
            elif status == "diverged":
                rows.append((row, trial, "diverged", None, None, None))
        if not pd.isna(expected):
            rows.append((row, trial, "expected", expected, low, high))
    frame = pd.DataFrame(rows, columns=["row", "trial", "mark", "value", "low", "high"])
    return frame.astype({"value": "float64", "low": "float64", "high": "float64"})


def _draw_marks(axes: Axes, marks: pd.DataFrame, objective: Objective) -> None:
    """Draw the marks; crosses stand side by side at the bad end."""
    known = marks[["value", "low", "high"]].to_numpy().ravel()
    known = known[~np.isnan(known)]
    low, high = float(known.min()), float(known.max())
    margin = 0.04 * ((high - low) or abs(high) or 1.0)
    bad, step = (low - 2 * margin, -margin) if objective.is_max else (high + 2 * margin, margin)
    for row, group in marks.groupby("row"):
        for mark, same in group.groupby("mark", sort=False):
            style, place = _MARKS[str(mark)], float(str(row))
            if mark == "diverged":
                axes.plot([bad + step * index for index in range(len(same))], [place] * len(same), ls="", **style)
                continue
            if mark == "expected" and same["low"].notna().all():
                axes.plot([same["low"].iloc[0], same["high"].iloc[0]], [place, place], color=BLUE, lw=2, zorder=2.5)
            # Trainings with equal values stand apart.
            around = np.linspace(-SPREAD, SPREAD, len(same)) if len(same) > 1 else np.zeros(1)
            axes.plot(same["value"], place + around, ls="", **style)
