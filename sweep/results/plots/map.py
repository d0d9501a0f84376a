"""The trainability map: which pairs of hyperparameters let a network converge, and which make it blow up.

The lighter a converging network is drawn, the fewer steps it takes; in shades of gray all that converge are lighter
than all that blow up.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure

from sweep.analysis.dimension import Dimension
from sweep.analysis.trainability import Axis, Map
from sweep.results.plots.chart import Chart
from sweep.results.plots.settings import default_settings
from sweep.results.plots.style import INK, draw_ticks, draw_titles

LABELS = {
    "alpha": "alpha: slope of the leaky ReLU below 0",
    "learning_rate": "learning rate: length of each step",
    "momentum": "momentum",
    "std": "standard deviation of the first weights",
}
"""Hyperparameter -> the label of its axis."""
CONVERGES = LinearSegmentedColormap.from_list("converges", ["#fffbe0", "#cfe3f5", "#6f9bc8"])
BLOWS_UP = LinearSegmentedColormap.from_list("blows up", ["#c8402f", "#8c1a2b", "#1a0508"])


@default_settings()
def map_chart(found: Map, steps: int, dimension: Dimension | None, *, title: str = "") -> Figure:
    """Draw what became of each network of a map.

    Args:
        found: what became of them.
        steps: number of steps of each network, the longest that it can take.
        dimension: of the boundary; None where there is none.
        title: what stands first above the map, such as the name of the experiment.
    """
    figure = Chart(figsize=(8.6, 6.4), layout="constrained")
    axes = figure.subplots()
    for is_shown, colors, bottom, words in (
        (found.converged, CONVERGES, 0.54, "converges: steps it takes"),
        (~found.converged, BLOWS_UP, 0.0, "blows up, or ends no better\nthan it began: steps it takes"),
    ):
        if is_shown.any():
            _draw_region(figure, axes, found, is_shown, colors, steps, bottom, words)
    _draw_axis(axes.xaxis, found.x)
    _draw_axis(axes.yaxis, found.y)
    axes.tick_params(colors=INK, labelsize=9)
    axes.set_title(facts(found, dimension), fontsize=9, color=INK)
    draw_titles(figure, title, "where training converges, and where it blows up")
    return figure


def facts(found: Map, dimension: Dimension | None) -> str:
    """Return in words how many networks of a map converge, and how rough its boundary is."""
    share = f"{100 * found.converged.mean():.3g} % of {found.converged.size:,} networks converge"
    if dimension is None:
        return share
    return f"{share}; the boundary has dimension {dimension.value:.2f} ± {dimension.error:.2f}, a smooth line has 1"


def _draw_region(
    figure: Figure, axes: Axes, found: Map, is_shown: Any, colors: Colormap, steps: int, bottom: float, words: str
) -> None:
    """Draw the networks that came to one end, in colors over the range of their durations, and a bar for these."""
    durations = found.duration[is_shown].clip(1, max(steps, 2))
    low, high = float(durations.min()), float(durations.max())
    rows, columns = is_shown.shape
    image = axes.pcolormesh(
        _edges(found.x, columns),
        _edges(found.y, rows),
        np.ma.array(found.duration, mask=~is_shown),
        cmap=colors,
        norm=LogNorm(low, max(high, 1.1 * low), clip=True),
        rasterized=True,
    )
    bar = axes.inset_axes((1.03, bottom, 0.035, 0.46))
    figure.colorbar(image, cax=bar)
    draw_ticks(bar.yaxis, *bar.get_ylim(), is_log=True, is_whole=False)
    bar.invert_yaxis()
    bar.tick_params(colors=INK, labelsize=8)
    bar.set_ylabel(words, fontsize=9, color=INK)


def _edges(axis: Axis, size: int) -> Any:
    return np.geomspace(axis.low, axis.high, size + 1) if axis.is_log else np.linspace(axis.low, axis.high, size + 1)


def _draw_axis(drawn: Any, axis: Axis) -> None:
    drawn.axes.set(**{f"{drawn.axis_name}scale": "log" if axis.is_log else "linear"})
    draw_ticks(drawn, axis.low, axis.high, is_log=axis.is_log, is_whole=False)
    drawn.set_label_text(LABELS.get(axis.name, axis.name), fontsize=10, color=INK)
