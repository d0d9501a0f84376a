"""The loss of every mini-batch, its average over each epoch, and the evaluated loss after each epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from sweep.errors import UsageError
from sweep.results.plots.curves import Curve, Floats, curve, thinned
from sweep.results.plots.settings import default_settings
from sweep.results.plots.style import (
    BLUE,
    GOLD,
    INK,
    PALE_BLUE,
    draw_ticks,
    draw_titles,
    empty_grid,
    label_numbers,
    style_axes,
)

_Kind = Literal["linear", "log", "symlog"]

_MOST = 12
"""Panels of a figure."""
_COLUMNS = 1000
"""Pixel columns of a panel at most."""
_HIGHEST = 1000
"""Where the axis ends at the latest, in units of the loss that a trial typically starts with."""
_LARGEST = 1e150
"""Where it ends in any case, and a logarithmic one at its inverse: further on its ends cannot be computed."""
_MOST_LINEAR = 20
"""The factor between the losses on a linear axis."""
_FEW = 40
"""Lines of at most this many points have a marker at each."""
_STYLES: tuple[dict[str, Any], ...] = (
    {"label": "each mini-batch", "color": PALE_BLUE, "lw": 0.9, "zorder": 2},
    {"label": "mean of an epoch's mini-batches", "color": BLUE, "lw": 2.2, "zorder": 5},
    {"label": "training part, after each epoch", "color": INK, "lw": 1.0, "zorder": 3},
    {"label": "test part, after each epoch", "color": GOLD, "lw": 1.4, "zorder": 4},
)
_TRIANGLE: dict[str, Any] = {
    "marker": "^",
    "linestyle": "",
    "ms": 7,
    "color": BLUE,
    "mec": "white",
    "mew": 0.4,
    "clip_on": False,
    "zorder": 6,
}


@default_settings()
def cost_curves(
    batches: pd.DataFrame,
    epochs: pd.DataFrame,
    *,
    title: str = "",
    trials: Sequence[int] | None = None,
) -> Figure:
    """Draw the loss of each mini-batch, its average over each epoch and the evaluated losses, a panel per trial.

    All panels share the vertical axis. It is logarithmic if the losses span more than a factor of 20; where
    some are exactly 0, what lies below nearly all others is linear. It ends at the latest at a thousand times the
    loss that the trials start with: a loss beyond is a triangle on the edge, and the legend counts them; an average
    beyond is not seen. No loss is dropped, however many there are: every peak and dip is drawn.

    Args:
        batches: `trial`, `epoch` (from 1), `step` (mini-batch within the epoch, from 1) and `loss`, finite: the
            mean over the mini-batch, before the network is updated with it.
        epochs: `trial`, `epoch` (0 is the untrained network), `train_loss` and `test_loss`, evaluated after it.
        title: what stands before the counts above the panels, such as the sweep's name.
        trials: the numbers of the trials to draw, in this order; all, in rising order, if None or empty. Of
            more than 12 the first 12 are drawn.

    Raises:
        UsageError: there are no batch losses, or none of a trial in `trials`.
    """
    recorded = _recorded(batches, trials)
    curves = [
        curve(trial, batches[batches["trial"] == trial], epochs[epochs["trial"] == trial]) for trial in recorded[:_MOST]
    ]
    scale = _Scale.of(curves)
    figure, grid = empty_grid(len(curves))
    for axes, each in zip(grid, curves, strict=True):
        _draw_axes(axes, each, scale)
        _draw_lines(axes, each, scale)
    figure.supylabel("loss", fontsize=10)
    draw_titles(figure, title, _counts(len(curves), len(recorded)), _legend(scale))
    return figure


def _recorded(batches: pd.DataFrame, trials: Sequence[int] | None) -> list[int]:
    if batches.empty:
        raise UsageError("no batch losses were recorded; set training.record_batches = true")
    known = [int(trial) for trial in np.unique(batches["trial"])]
    for trial in trials or ():
        if trial not in known:
            raise UsageError(f"no batch losses were recorded of trial {trial}")
    return list(dict.fromkeys(trials)) if trials else known


def _counts(drawn: int, recorded: int) -> str:
    text = f"loss of {drawn} trial{'s' if drawn > 1 else ''}"
    return f"{text}, {recorded - drawn} more not drawn" if recorded > drawn else text


@dataclass(frozen=True, slots=True)
class _Scale:
    """The vertical axis that all panels share."""

    kind: _Kind
    low: float
    high: float
    threshold: float
    """The lowest loss that stands on the logarithmic part of an axis of kind `symlog`."""
    beyond: int
    """How many losses are above the axis."""
    highest: float

    @classmethod
    def of(cls, curves: Sequence[Curve]) -> _Scale:
        """Choose the axis from what is to be drawn."""
        losses = np.concatenate([line.losses for each in curves for line in (each.batches, each.train, each.test)])
        start = float(np.median([max([each.batches.losses[0], *each.train.losses[:1]]) for each in curves]))
        bound = _HIGHEST * start if start > 0 and losses.min() >= 0 else math.inf
        kind, low, high, threshold = _limits(losses[losses <= bound].clip(-_LARGEST, _LARGEST), bound)
        return cls(kind, low, high, threshold, int(np.count_nonzero(losses > high)), float(losses.max()))


def _limits(losses: Floats, bound: float) -> tuple[_Kind, float, float, float]:
    """Return the kind of the axis, its ends around `losses`, and the threshold of a `symlog` one."""
    low, high, positive = float(losses.min()), float(losses.max()), losses[losses > 0]
    if low < 0 or len(positive) == 0 or high <= _MOST_LINEAR * positive.min():
        pad = 0.05 * (high - low) or 0.05 * abs(high) or 0.05
        return "linear", low - pad, high + pad, 0.0
    if low > 0:
        low = max(low, 1 / _LARGEST)
        pad = 10 ** (0.05 * (math.log10(high) - math.log10(low)))
        return "log", low / pad, min(high * pad, bound), 0.0
    threshold = max(float(positive.min()), 1e-4 * float(np.median(positive)))
    return "symlog", -0.3 * threshold, min(1.3 * high, bound), threshold


def _draw_axes(axes: Axes, each: Curve, scale: _Scale) -> None:
    style_axes(axes)
    axes.set_title(each.title, fontsize=10, color=INK, loc="left")
    axes.set_xlabel(each.unit)
    pad = 0.02 * (each.end - each.start)
    axes.set_xlim(each.start - pad, each.end + pad)
    draw_ticks(axes.xaxis, each.start, each.end, is_log=False, is_whole=True)
    if scale.kind == "symlog":
        axes.set_yscale("symlog", linthresh=scale.threshold)
        powers = np.arange(math.ceil(math.log10(scale.threshold)), math.floor(math.log10(scale.high)) + 1)
        axes.set_yticks([0.0, *10.0 ** powers[:: math.ceil(len(powers) / 6)]])
        axes.yaxis.set_minor_locator(NullLocator())
        label_numbers(axes.yaxis)
    else:
        axes.set_yscale(scale.kind)
        draw_ticks(axes.yaxis, scale.low, scale.high, is_log=scale.kind == "log", is_whole=False)
    axes.set_ylim(scale.low, scale.high)


def _draw_lines(axes: Axes, each: Curve, scale: _Scale) -> None:
    """Draw the four lines of a trial, and triangles for what is above the axis."""
    batches = thinned(each.batches, each.start, each.end, _COLUMNS)
    for line, style in zip((batches, each.means, each.train, each.test), _STYLES, strict=True):
        dots = {"marker": "o", "ms": 1.6 + 1.5 * style["lw"]} if len(line.places) <= _FEW else {}
        axes.plot(line.places, line.losses, **style, **dots)
    for line in (batches, each.train, each.test):
        above = line.places[line.losses > scale.high]
        if len(above):
            axes.plot(above, np.full(len(above), scale.high), **_TRIANGLE)


def _legend(scale: _Scale) -> list[Line2D]:
    """Explain the lines, which are the same in all panels, and the triangles, if there are any."""
    handles = [Line2D([], [], **style) for style in _STYLES]
    if scale.beyond:
        label = f"losses above the axis: {scale.beyond}, the highest {scale.highest:.4g}"
        handles.append(Line2D([], [], label=label, **_TRIANGLE))
    return handles
