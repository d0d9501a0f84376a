"""The largest absolute values of a network's arrays over the steps of a training: a panel per array, a line per layer.

Later layers are darker, and of few layers each has a kind of line of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from sweep.errors import UsageError
from sweep.results.plots.chart import Chart
from sweep.results.plots.settings import default_settings
from sweep.results.plots.style import INK, RED, draw_ticks, draw_titles, empty_grid, escape, style_axes

PANELS = {
    "u": "u: before the activation",
    "z": "z: after the activation",
    "loss": "loss of the mini-batch",
    "W": "W: weights",
    "dW": "dW: gradient of W",
    "dz": "dz: gradient of z",
}
"""Array -> title of its panel."""
_MOST_NAMED = 8
"""Layers that the legend names; of more the first and the last, and some between."""
_STYLES = ("-", "--", "-.", ":")
_LOWEST = 1e-12
"""Where the axis begins at the lowest, in units of the highest first value: what lies below has no part in a growth."""
_CROSS: dict[str, Any] = {"marker": "x", "color": RED, "linestyle": "", "ms": 7, "mew": 1.8, "clip_on": False}
_START: dict[str, Any] = {"marker": "o", "mfc": "white", "mec": INK, "mew": 1.6, "linestyle": "", "ms": 8, "zorder": 6}
_END: dict[str, Any] = {"color": RED, "lw": 1.2, "alpha": 0.6, "zorder": 1}


class Grown(Protocol):
    """The series that began first to grow without return; see `sweep.checks.growth.Growth`."""

    @property
    def series(self) -> str:
        """Its column, such as `output/u`."""

    @property
    def start(self) -> int:
        """The first step of the growth."""


@default_settings()
def trace_chart(
    frame: pd.DataFrame,
    layers: Sequence[str],
    *,
    title: str = "",
    growth: Grown | None = None,
    diverged: int | None = None,
) -> Chart:
    """Draw the arrays of all layers on one logarithmic axis; a cross at the top is a value that is not finite.

    A value of exactly 0 is not drawn; what lies far below all else ends at the axis.

    Args:
        frame: one row for each step: `step`, `loss`, and `<layer>/u`, `/z`, `/W`, `/dW` and `/dz` of each layer;
            infinite where a value is not finite, NaN where the step did not come to it.
        layers: the layers with weights, from the first to the last.
        title: what stands before the facts, such as the name of the trial.
        growth: what is marked as the first to grow without return.
        diverged: the step that is marked as that of the divergence.

    Raises:
        UsageError: there is no step.
    """
    if frame.empty:
        raise UsageError("there is no step to draw")
    axis = _Axis.of(frame, layers)
    looks = _looks(layers)
    figure, grid = empty_grid(len(PANELS))
    for axes, (array, heading) in zip(grid, PANELS.items(), strict=True):
        _draw_axes(axes, heading, frame["step"], axis)
        for layer in layers if array != "loss" else ("",):
            name = f"{layer}/{array}" if layer else array
            _draw_line(axes, frame["step"], frame[name], axis, looks.get(layer, {"color": INK, "lw": 1.6}))
            if growth and growth.series == name:
                value = float(frame.loc[frame["step"] == growth.start, name].iloc[0])
                axes.plot(growth.start, value, **_START)
        if diverged is not None:
            axes.axvline(diverged, **_END)
    figure.supylabel("largest absolute value", fontsize=10)
    for axes in grid[len(grid) // 2 :]:
        axes.set_xlabel("step of the whole training")
    draw_titles(figure, title, _facts(frame, diverged), _legend(looks, growth, diverged))
    return figure


@dataclass(frozen=True, slots=True)
class _Axis:
    """The ends of the vertical axis that all panels share."""

    low: float
    high: float

    @classmethod
    def of(cls, frame: pd.DataFrame, layers: Sequence[str]) -> _Axis:
        """Choose them from what is to be drawn."""
        names = ["loss", *(f"{layer}/{array}" for layer in layers for array in PANELS if array != "loss")]
        values: NDArray[np.float64] = frame[names].to_numpy(dtype=np.float64)
        drawn = values[np.isfinite(values) & (values > 0)]
        if not len(drawn):
            return cls(0.1, 10.0)
        first = values[0][np.isfinite(values[0])].max(initial=1.0)
        low, high = max(float(drawn.min()), _LOWEST * float(first)), float(drawn.max())
        pad = min(max(0.04 * (math.log10(high) - math.log10(low)), 0.1), 2.0)
        return cls(low / 10**pad, 10.0 ** min(math.log10(high) + pad, 308.0))


def _looks(layers: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return how the line of each layer looks."""
    shades = np.linspace(0.75, 0.0, len(layers)) if len(layers) > 1 else [0.0]
    looks: dict[str, dict[str, Any]] = {}
    for place, (layer, shade) in enumerate(zip(layers, shades, strict=True)):
        style = _STYLES[(len(layers) - 1 - place) % len(_STYLES)] if len(layers) <= _MOST_NAMED else "-"
        looks[layer] = {"color": colormaps["viridis"](shade), "linestyle": style, "lw": 1.6, "label": escape(layer)}
    return looks


def _draw_axes(axes: Axes, heading: str, steps: pd.Series, axis: _Axis) -> None:
    style_axes(axes)
    axes.set_title(heading, fontsize=10, color=INK, loc="left")
    first, last = int(steps.iloc[0]), int(steps.iloc[-1])
    pad = 0.03 * (last - first) or 0.5
    axes.set_xlim(first - pad, last + pad)
    axes.set_yscale("log")
    axes.set_ylim(axis.low, axis.high)
    draw_ticks(axes.xaxis, first, last, is_log=False, is_whole=True)
    draw_ticks(axes.yaxis, axis.low, axis.high, is_log=True, is_whole=False)


def _draw_line(axes: Axes, steps: pd.Series, values: pd.Series, axis: _Axis, look: dict[str, Any]) -> None:
    places, numbers = steps.to_numpy(dtype=np.float64), values.to_numpy(dtype=np.float64)
    drawn = np.where(np.isfinite(numbers) & (numbers > 0), numbers, np.nan)
    axes.plot(places, np.clip(drawn, axis.low, axis.high), **look)
    lost = places[np.isinf(numbers)]
    if len(lost):
        axes.plot(lost, np.full(len(lost), axis.high), **_CROSS)


def _facts(frame: pd.DataFrame, diverged: int | None) -> str:
    first, last = frame["step"].iloc[0], frame["step"].iloc[-1]
    steps = f"step {first}" if first == last else f"steps {first} to {last}"
    return f"{steps}, diverging in step {diverged}" if diverged is not None else f"{steps}, not diverged"


def _legend(looks: dict[str, dict[str, Any]], growth: Grown | None, diverged: int | None) -> list[Line2D]:
    """Explain the lines and the marks."""
    layers = list(looks)
    if len(layers) > _MOST_NAMED:
        places = np.unique(np.linspace(0, len(layers) - 1, _MOST_NAMED).round().astype(int))
        layers = [layers[place] for place in places]
    handles = [Line2D([], [], **looks[layer]) for layer in layers]
    if growth is not None:
        layer, _, array = growth.series.rpartition("/")
        words = escape(f"growing without return from step {growth.start}: {array} of {layer}")
        handles.append(Line2D([], [], label=words, **_START))
    if diverged is not None:
        handles.append(Line2D([], [], label="step of the divergence", **_END))
        handles.append(Line2D([], [], label="not finite", **_CROSS))
    return handles
