"""Histograms of the features of a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from sweep.results.plots.chart import Chart
from sweep.results.plots.settings import default_settings
from sweep.results.plots.style import BLUE, INK, draw_ticks, draw_titles, shorten_all, style_axes

MOST = 24
"""Most features that are drawn."""
_BINS = 20
_LETTERS = 32


@default_settings()
def feature_histograms(values: ArrayLike, names: Sequence[str], *, title: str) -> Figure:
    """Draw a histogram of each feature, of at most the first 24, with the number of samples upwards.

    Args:
        values: (samples, features), finite.
        names: of the features.
        title: what stands above, such as the name of the data set.
    """
    x = np.asarray(values, dtype=np.float64)[:, :MOST]
    columns = min(4, x.shape[1])
    rows = math.ceil(x.shape[1] / columns)
    figure = Chart(figsize=(max(2.6 * columns, 4.5), 1.9 * rows + 0.7), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False)
    grid = list(panels.flat)
    for axes in grid[x.shape[1] :]:
        axes.remove()
    for axes, column, name in zip(grid, x.T, shorten_all(names[:MOST], _LETTERS), strict=False):
        _draw(axes, column)
        axes.set_title(name, fontsize=9, color=INK, parse_math=False)
    figure.supylabel("samples", fontsize=10)
    count = len(names)
    facts = f"{len(x)} samples, " + (f"the first {MOST} of {count} features" if count > MOST else f"{count} features")
    draw_titles(figure, title, facts)
    return figure


def _draw(axes: Axes, column: NDArray[Any]) -> None:
    style_axes(axes)
    axes.grid(visible=False, axis="x")
    low, high = float(column.min()), float(column.max())
    levels = np.unique(column)
    if len(levels) <= _BINS:
        width = 0.8 * float(np.diff(levels).min()) if len(levels) > 1 else 0.8
        axes.bar(levels, [(column == level).sum() for level in levels], width=width, color=BLUE)
    else:
        axes.hist(column, bins=_BINS, color=BLUE)
    axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    draw_ticks(axes.xaxis, low, high, is_log=False, is_whole=bool((column == column.round()).all()))
