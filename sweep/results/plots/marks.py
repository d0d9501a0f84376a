"""The marks of trials in charts, the words that count them, and labels at the ends of curves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from sweep.metrics import Objective
from sweep.records import STATUSES
from sweep.results.format import format_value
from sweep.results.leaderboard import ranked_as_completed
from sweep.results.plots.style import BLUE, GOLD, INK, RED
from sweep.results.repeats import configurations

STRONG_GRAY = "#8a8a8a"
"""The color of curves that stand behind those in colors."""
CROSS: dict[str, Any] = {"marker": "x", "color": RED, "linestyle": "", "ms": 6, "mew": 1.4}
"""A trial that diverged."""
PRUNED: dict[str, Any] = {"marker": "s", "color": INK, "mfc": "white", "linestyle": "", "ms": 4, "mew": 0.9}
"""A trial that a stopping rule has ended."""
STAR: dict[str, Any] = {"marker": "*", "color": GOLD, "mec": INK, "mew": 0.8, "ms": 12, "linestyle": ""}
"""The best trial."""
BEYOND: dict[str, Any] = {"color": BLUE, "mfc": "white", "linestyle": "", "ms": 7, "mew": 1.2, "zorder": 5}
"""What is too bad for the axis; the marker shows where to."""
_LETTER = 8.5
"""Points of the letters of labels at the ends of curves."""


def rows_of(trials: pd.DataFrame, objective: Objective, repeats: int = 1) -> pd.DataFrame:
    """Return the trials in order, or with repeats the configurations, with the means of their completed trainings.

    Trials that rank by an earlier, shorter training count as completed.
    """
    ranked = ranked_as_completed(trials)
    if repeats > 1:
        return configurations(ranked, objective, repeats, [objective.tie_break] if objective.tie_break else [])
    return ranked.sort_values("trial", ignore_index=True)


def is_ranked(rows: pd.DataFrame, name: str) -> pd.Series[bool]:
    """Tell which rows are completed with a value of a metric."""
    return (rows["status"] == "completed") & rows[name].notna()


def count_statuses(trials: pd.DataFrame, repeats: int = 1) -> list[str]:
    """Return how many trials there are of each status, such as "12 completed"; repeated trainings are named first."""
    counts = trials["status"].value_counts()
    words = [f"{counts[status]} {status}" for status in STATUSES if status in counts]
    if repeats == 1:
        return words
    first = f"{int((trials['trial'] // repeats).nunique())} configurations, {repeats} trainings of each: "
    return [first + words[0], *words[1:]] if words else words


def best_words(trial: int, value: float, objective: Objective, repeats: int = 1) -> str:
    """Return the entry of a legend for the best trial, or for all trainings of the best configuration.

    >>> best_words(6, 0.9, Objective(), repeats=3)
    'best: trials 6–8, 0.9000'
    """
    name = f"trial {trial}" if repeats == 1 else f"trials {trial}–{trial + repeats - 1}"
    return f"best: {name}, {format_value(objective.metric, value)}"


def handle(words: str, mark: dict[str, Any]) -> Line2D:
    """Return the entry of a legend for a mark."""
    return Line2D([], [], label=words, **{**mark, "zorder": 2})


def apart(places: NDArray[np.float64], gap: float, low: float = 0.0, high: float = 1.0) -> NDArray[np.float64]:
    """Return places at least `gap` apart, in the same order and near where they were, within the ends if they fit.

    >>> apart(np.array([0.5, 0.5, 0.0]), 0.25).tolist()
    [0.5, 0.75, 0.0]
    """
    order = np.argsort(places, kind="stable")
    steps = gap * np.arange(len(places))
    moved = np.maximum.accumulate(np.maximum(places[order], low) - steps) + steps
    most = high - steps[::-1]
    if len(moved) and most[0] >= low:
        moved = np.minimum(moved, most)
    result: NDArray[np.float64] = np.empty_like(places)
    result[order] = moved
    return result


def label_ends(axes: Axes, ends: NDArray[np.float64], words: Sequence[str], colors: Sequence[str]) -> None:
    """Write words beside the right edge of a panel, each with a line to the end of its curve.

    Args:
        axes: a panel with its limits and scales set.
        ends: the last point of each curve, of shape (curves, 2).
        words: one text for each curve.
        colors: one for each curve.
    """
    heights = axes.transAxes.inverted().transform(axes.transData.transform(ends))[:, 1].clip(0, 1)
    inches = axes.get_position().height * axes.figure.bbox.height / axes.figure.dpi
    for end, height, place, text, color in zip(
        ends, heights, apart(heights, 1.45 * _LETTER / (72 * inches)), words, colors, strict=True
    ):
        axes.annotate(
            text,
            (end[0], height),
            (1.03, place),
            xycoords=("data", "axes fraction"),
            textcoords="axes fraction",
            fontsize=_LETTER,
            color=color,
            va="center",
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": color,
                "lw": 0.7,
                "alpha": 0.6,
                "shrinkA": 1,
                "shrinkB": 1,
                "relpos": (0, 0.5),
            },
        )
