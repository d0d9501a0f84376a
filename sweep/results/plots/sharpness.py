"""The sharpness of trials beside the limit of stable steps: over their epochs, or at the start.

Drawn is the instability, the sharpness in units of that limit (2/learning_rate for SGD), so that one line at 1 stands
for all trials; of optimizers without such a limit the sharpness itself. The axis is logarithmic; a value that is not
positive has no place on it.
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
from sweep.results.plots.chart import Chart
from sweep.results.plots.marks import CROSS, PRUNED, count_statuses, handle, label_ends
from sweep.results.plots.settings import default_settings
from sweep.results.plots.style import BLUE, INK, PALE_RED, RED, draw_ticks, draw_titles, empty_grid, style_axes

MOST = 300
"""Curves of a figure; more of them hide each other."""
MOST_NAMED = 10
"""Curves with the numbers of their trials beside them."""
_SPAN = 1000
"""Where the axis ends at the latest, in units of the median, to either side; what is beyond is drawn at its edge."""
_LIMIT: dict[str, Any] = {"color": INK, "lw": 1.4, "zorder": 3}
_LIMIT_WORDS = "stability limit: 2/learning_rate for SGD"
_CROSS: dict[str, Any] = {**CROSS, "zorder": 4}
_DASHES: dict[str, Any] = {"linestyle": (0, (4, 2)), "lw": 1.2}
_LABELS = {"instability": "instability = sharpness / stability limit", "sharpness": "sharpness"}

Points = NDArray[np.float64]
"""The epochs and the values of a trial, of shape (points, 2)."""


@default_settings()
def sharpness_chart(epochs: pd.DataFrame, trials: pd.DataFrame, *, title: str = "", most: int = MOST) -> Chart:
    """Draw the instability of each trial against the epochs, or on a line if it was recorded at the start alone.

    Args:
        epochs: `trial`, `epoch` and, as far as they are recorded, `sharpness` and `instability` of all epochs.
        trials: `trial` and `status` of the same trials.
        title: what stands before the counts, such as the sweep's name.
        most: how many curves are drawn at most, a quarter of them of diverged trials if there are many.

    Raises:
        UsageError: no sharpness was recorded.
    """
    name = next((name for name in ("instability", "sharpness") if _has_values(epochs, name)), None)
    if name is None:
        raise UsageError('no sharpness was recorded; set training.record_sharpness = true, or "start"')
    points = _points(epochs, name)
    diverged = set(trials.loc[trials["status"] == "diverged", "trial"]) & points.keys()
    figure, (axes,) = empty_grid(1)
    style_axes(axes)
    is_of_start = all(each[-1, 0] == 0 for each in points.values())
    drawn = sorted(points) if is_of_start else _chosen(points, diverged, most)
    values = np.concatenate([points[number][:, 1] for number in drawn])
    low, high = _ends(values, name)
    (_draw_start if is_of_start else _draw_curves)(axes, {n: points[n] for n in drawn}, diverged, (low, high), name)
    if not is_of_start:
        pruned = [n for n in drawn if n in set(trials.loc[trials["status"] == "pruned", "trial"])]
        _draw_names(axes, {n: points[n] for n in drawn}, diverged, pruned)
    handles = [Line2D([], [], label=_LIMIT_WORDS, **_LIMIT)] if name == "instability" else []
    if any(number in diverged for number in drawn):
        style = {"linestyle": ""} if is_of_start else _DASHES
        words = "diverged" if is_of_start else "diverged after its last epoch"
        handles.append(Line2D([], [], label=words, **{**_CROSS, **style}))
    if not is_of_start and any(number not in diverged for number in drawn):
        handles.append(Line2D([], [], label="not diverged", color=BLUE, lw=1.2))
    if not is_of_start and (trials["status"] == "pruned").any():
        handles.append(handle("pruned after its last epoch", PRUNED))
    draw_titles(figure, title, _counts(trials, len(drawn), len(points)), handles)
    return figure


def _has_values(epochs: pd.DataFrame, name: str) -> bool:
    return name in epochs and bool((epochs[name] > 0).any())


def _points(epochs: pd.DataFrame, name: str) -> dict[int, Points]:
    """Return the points of each trial that has any, in the order of its epochs."""
    rows = epochs[epochs[name] > 0].sort_values(["trial", "epoch"])
    pairs = rows[["epoch", name]].to_numpy(dtype=np.float64)
    numbers, firsts = np.unique(rows["trial"].to_numpy(), return_index=True)
    return dict(zip(map(int, numbers), np.split(pairs, firsts[1:]), strict=True))


def _chosen(points: dict[int, Points], diverged: set[int], most: int) -> list[int]:
    """Return all trials, or `most` of them at even distances, a quarter of them diverged ones if there are many."""
    if len(points) <= most:
        return sorted(points)
    others = sorted(points.keys() - diverged)
    first = _evenly(sorted(diverged), max(most // 4, most - len(others)))
    return sorted([*first, *_evenly(others, most - len(first))])


def _evenly(numbers: Sequence[int], most: int) -> list[int]:
    places = np.linspace(0, len(numbers) - 1, min(most, len(numbers))).round().astype(int)
    return [numbers[place] for place in places]


def _ends(values: NDArray[np.float64], name: str) -> tuple[float, float]:
    """Return where the axis of the values begins and ends."""
    middle = float(np.median(values))
    low, high = max(float(values.min()), middle / _SPAN), min(float(values.max()), middle * _SPAN)
    if name == "instability":
        low, high = min(low, 1.0), max(high, 1.0)
    return low / 1.25, high * 1.25


def _draw_curves(
    axes: Axes, points: dict[int, Points], diverged: set[int], ends: tuple[float, float], name: str
) -> None:
    """Draw all curves, the more the paler; those of diverged trials are dashed and end with a cross."""
    places = np.concatenate(list(points.values()))[:, 0]
    pad = 0.02 * np.ptp(places) or 0.5
    axes.set_xlim(places.min() - pad, places.max() + pad)
    draw_ticks(axes.xaxis, places.min(), places.max(), is_log=False, is_whole=True)
    axes.set_xlabel("epoch")
    axes.set_ylabel(_LABELS[name])
    axes.set_yscale("log")
    axes.set_ylim(*ends)
    draw_ticks(axes.yaxis, *ends, is_log=True, is_whole=False)
    if name == "instability":
        axes.axhspan(1, ends[1], color=PALE_RED, zorder=0)
        axes.axhline(1, **_LIMIT)
    alpha = float(np.clip(6 / np.sqrt(len(points)), 0.25, 0.8))
    others = [each for number, each in points.items() if number not in diverged]
    lost = [each for number, each in points.items() if number in diverged]
    axes.add_collection(LineCollection(others, colors=BLUE, linewidths=0.9, alpha=alpha), autolim=False)
    axes.add_collection(LineCollection(lost, colors=RED, zorder=3, linewidths=1.2, linestyles="--"), autolim=False)
    for single in (each for each in others if len(each) == 1):
        axes.plot(*single.T, "o", ms=3, color=BLUE, alpha=alpha)
    if lost:
        last = np.array([each[-1] for each in lost])
        axes.plot(last[:, 0], last[:, 1].clip(*ends), clip_on=False, **_CROSS)


def _draw_names(axes: Axes, points: dict[int, Points], diverged: set[int], pruned: Sequence[int]) -> None:
    """Draw the ends of pruned trials, and write the numbers of the trials with the highest last values."""
    low, high = axes.get_ylim()
    if pruned:
        ends = np.array([points[number][-1] for number in pruned])
        axes.plot(ends[:, 0], ends[:, 1].clip(low, high), clip_on=False, zorder=4, **PRUNED)
    named = sorted(points, key=lambda number: -points[number][-1, 1])[:MOST_NAMED]
    ends = np.array([points[number][-1] for number in named])
    ends[:, 1] = ends[:, 1].clip(low, high)
    label_ends(axes, ends, [f"trial {n}" for n in named], [RED if n in diverged else BLUE for n in named])


def _draw_start(
    axes: Axes, points: dict[int, Points], diverged: set[int], ends: tuple[float, float], name: str
) -> None:
    """Draw the values of the start in two rows, apart at random: diverged trials above all others."""
    axes.set_xscale("log")
    axes.set_xlim(*ends)
    draw_ticks(axes.xaxis, *ends, is_log=True, is_whole=False)
    axes.set_xlabel(f"{_LABELS[name]}, before the training")
    axes.set_ylim(-0.6, 1.6)
    axes.set_yticks([0, 1], ["not diverged", "diverged"])
    axes.grid(visible=False, axis="y")
    if name == "instability":
        axes.axvspan(1, ends[1], color=PALE_RED, zorder=0)
        axes.axvline(1, **_LIMIT)
    apart = np.random.default_rng(0).uniform(-0.35, 0.35, len(points))
    alpha = float(np.clip(12 / np.sqrt(len(points)), 0.3, 0.9))
    styles: dict[bool, dict[str, Any]] = {False: {"marker": "o", "color": BLUE, "ms": 4, "alpha": alpha}, True: _CROSS}
    for is_lost, style in styles.items():
        chosen = [index for index, number in enumerate(points) if (number in diverged) is is_lost]
        values = np.array([each[0, 1] for each in points.values()])[chosen].clip(*ends)
        axes.plot(values, is_lost + apart[chosen], **{"linestyle": "", **style})


def _counts(trials: pd.DataFrame, drawn: int, known: int) -> str:
    """Say how many trials there are of each status, and of how many a sharpness is drawn."""
    words = count_statuses(trials)
    if drawn < known:
        words.append(f"{drawn} of {known} curves drawn")
    elif known < len(trials):
        words.append(f"{known} of {len(trials)} with such values")
    return ", ".join(words)
