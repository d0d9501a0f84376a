"""Examples of a data set, with what a network takes them for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.transforms import offset_copy
from numpy.typing import ArrayLike, NDArray

from sweep.results.plots.chart import Chart
from sweep.results.plots.settings import default_settings
from sweep.results.plots.style import (
    BLUE,
    GOLD,
    INK,
    PALE_BLUE,
    RED,
    draw_ticks,
    draw_titles,
    escape,
    shorten,
    style_axes,
)

Array = NDArray[Any]

_MOST_EXAMPLES = 25
_IN_A_ROW = 5
_LETTERS = 21
"""What has room above a picture of a gallery."""
_MOST_CLASSES = 20
_PROBABILITY = "probability"
_MOST_BARS = 40
"""Features that are drawn as bars; more of them as a line."""
_STAR: dict[str, Any] = {
    "marker": "*",
    "markersize": 13,
    "color": GOLD,
    "markeredgecolor": INK,
    "markeredgewidth": 0.8,
    "linestyle": "",
    "clip_on": False,
}


@default_settings()
def gallery(
    images: ArrayLike,
    true_names: Sequence[str],
    predicted_names: Sequence[str],
    *,
    title: str = "",
    limits: tuple[float, float] | None = None,
) -> Figure:
    """Draw the first 25 examples, each below its true class and the class that it was taken for.

    Args:
        images: (n, channels, rows, columns) with 1 channel, gray, or 3, red, green and blue. Examples of another
            shape, such as (n, features), are charts of their features, all to one scale.
        true_names: the n names of the classes that the examples belong to.
        predicted_names: the n names of the classes that they were taken for.
        title: what stands above the examples, such as the trial's name.
        limits: what is drawn black and white; by default 0 and 255 for uint8, else the lowest and highest number here.
    """
    examples = np.asarray(images)
    count = len(examples)
    if count == 0:
        return _nothing(title)
    drawn = examples[:_MOST_EXAMPLES]
    pairs = _pairs(true_names[: len(drawn)], predicted_names[: len(drawn)])
    figure = _grid_of(drawn, pairs, limits or _limits(examples))
    facts = "true → predicted"
    draw_titles(figure, title, f"{facts}, the first {len(drawn)} of {count}" if count > len(drawn) else facts)
    return figure


@default_settings()
def samples(images: ArrayLike, names: Sequence[str], *, title: str, facts: str) -> Figure:
    """Draw samples of a data set, each below its name.

    Args:
        images: (n, channels, rows, columns) or another shape, drawn as `gallery` does; at least one.
        names: the n names, such as those of their classes.
        title: what stands above the samples, such as the name of the data set.
        facts: what they are, such as "one of each class".
    """
    drawn = np.asarray(images)
    figure = _grid_of(drawn, [shorten(name, _LETTERS) for name in names], _limits(drawn))
    draw_titles(figure, title, facts)
    return figure


def _grid_of(drawn: Array, words: Sequence[str], limits: tuple[float, float]) -> Figure:
    """Draw examples in rows, each below its words."""
    figure, grid = _gallery_grid(len(drawn), lines=words[0].count("\n") + 1)
    for axes, one, word in zip(grid, drawn, words, strict=True):
        _draw_one(axes, one, *limits)
        axes.set_title(word, fontsize=9, color=INK, parse_math=False)
    if not _is_picture(drawn[0]):
        figure.supxlabel("feature", fontsize=10)
        figure.supylabel("value", fontsize=10)
    return figure


@default_settings()
def example(
    image: ArrayLike,
    class_names: Sequence[str],
    probabilities: ArrayLike,
    true_name: str,
    *,
    title: str = "",
    meaning: str = _PROBABILITY,
    limits: tuple[float, float] | None = None,
) -> Figure:
    """Draw one example beside the probability of each class, the most probable at the top.

    Args:
        image: (channels, rows, columns) or another shape, drawn as `gallery` does.
        class_names: what each index of `probabilities` stands for.
        probabilities: (classes,), each in [0, 1]. Of more than 20 classes the 20 most probable are drawn, in
            place of the last one the true class if it is not among them.
        true_name: one of `class_names`: the class that the example belongs to.
        title: what stands above, such as the example's number.
        meaning: what the probabilities are if something else, such as `output`; then they may be any numbers.
        limits: as for `gallery`.
    """
    one, values = np.asarray(image), np.asarray(probabilities, dtype=np.float64)
    order, truth = np.argsort(-values, kind="stable"), list(class_names).index(true_name)
    rows = order[:_MOST_CLASSES].copy()
    if truth not in rows:
        rows[-1] = truth
    figure = Chart(figsize=(8.0, max(3.2, 0.25 * len(rows) + 1.4)), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.5), gridspec_kw={"wspace": 0.06})
    _draw_one(left, one, *(limits or _limits(one)))
    left.set_xlabel("feature")
    _draw_bars(right, [class_names[row] for row in rows], values[rows], list(rows).index(truth), meaning)
    right.set_xlabel(f"{meaning}, {len(rows)} of {len(values)} classes" if len(values) > len(rows) else meaning)
    best = int(order[0])
    facts = f"true class {shorten(true_name, 30)}, predicted {shorten(class_names[best], 30)}"
    draw_titles(figure, title, f"{facts} ({_words(values[best], meaning)})", _bar_legend(is_right=best == truth))
    return figure


def _is_picture(one: Array) -> bool:
    return one.ndim == 3 and one.shape[0] in {1, 3}


def _limits(examples: Array) -> tuple[float, float]:
    """Return what is drawn black and white, or the lowest and the highest of a chart."""
    if examples.dtype == np.uint8 and examples.ndim > 2:
        return 0.0, 255.0
    return float(examples.min()), float(examples.max())


def _draw_one(axes: Axes, one: Array, low: float, high: float) -> None:
    """Draw an example as a picture, if its shape is that of one, or as a chart of its features."""
    if not _is_picture(one):
        _draw_features(axes, one.ravel(), low, high)
        return
    light = np.moveaxis((one.astype(np.float64) - low) / (high - low or 1.0), 0, -1).clip(0, 1)
    axes.imshow(light[..., 0] if light.shape[-1] == 1 else light, cmap="gray", vmin=0.0, vmax=1.0)
    axes.set_axis_off()


def _draw_features(axes: Axes, features: Array, low: float, high: float) -> None:
    style_axes(axes)
    axes.grid(visible=False, axis="x")
    places = np.arange(len(features))
    if len(features) <= _MOST_BARS:
        axes.bar(places, features, color=BLUE)
        axes.axhline(0, color=INK, linewidth=0.8)
        low, high = min(low, 0.0), max(high, 0.0)
    else:
        axes.plot(places, features, color=BLUE, linewidth=1.0)
    pad = 0.05 * (high - low) or 0.5
    axes.set_ylim(low - pad, high + pad)
    axes.set_xlim(-0.7, len(features) - 0.3)
    draw_ticks(axes.xaxis, 0, len(features) - 1, is_log=False, is_whole=True)
    draw_ticks(axes.yaxis, low, high, is_log=False, is_whole=False)


def _gallery_grid(count: int, lines: int) -> tuple[Figure, list[Axes]]:
    columns = min(count, _IN_A_ROW)
    rows = math.ceil(count / columns)
    size = (max(1.8 * columns, 4.5) + 0.2, (1.75 + 0.17 * lines) * rows + 0.6)
    figure = Chart(figsize=size, layout=ConstrainedLayoutEngine(w_pad=0.07, h_pad=0.07))
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes in grid.flat[count:]:
        axes.remove()
    return figure, list(grid.flat[:count])


def _nothing(title: str) -> Figure:
    figure = Chart(figsize=(5.0, 0.5), layout="constrained")
    draw_titles(figure, title, "nothing was misclassified")
    return figure


def _pairs(true_names: Sequence[str], predicted_names: Sequence[str]) -> list[str]:
    """Return "true → predicted" for each example, all on two lines if one of them is too long for one."""
    names = zip(true_names, predicted_names, strict=True)
    pairs = [(shorten(true, _LETTERS), shorten(predicted, _LETTERS - 2)) for true, predicted in names]
    between = " → " if all(len(true + predicted) + 3 <= _LETTERS for true, predicted in pairs) else "\n→ "
    return [true + between + predicted for true, predicted in pairs]


def _draw_bars(axes: Axes, names: Sequence[str], values: Array, truth: int, meaning: str) -> None:
    """Draw the bars of the classes, from the top down; the first one is the predicted class."""
    colors = [PALE_BLUE] * len(names)
    colors[truth] = GOLD
    colors[0] = BLUE if truth == 0 else RED
    style_axes(axes)
    axes.grid(visible=False, axis="y")
    axes.barh(range(len(names)), values, color=colors, height=0.7)
    axes.set_yticks(range(len(names)), [escape(shorten(name, 30)) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    is_share = meaning == _PROBABILITY
    low, high = (0.0, 1.0) if is_share else (min(values.min(), 0.0), max(values.max(), 0.0))
    axes.set_xlim(low, high + 0.25 * (high - low or 1.0))
    draw_ticks(axes.xaxis, low, high, is_log=False, is_whole=False)
    if is_share:
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1])
    ends = np.maximum(values, 0.0)
    # Beside the bar's end, where a bar of no length leaves the star as visible.
    beside = offset_copy(axes.transData, axes.get_figure(root=True), x=9, units="points")
    axes.plot(ends[truth], truth, transform=beside, **_STAR)
    for place, (end, value) in enumerate(zip(ends, values, strict=True)):
        gap = (18 if place == truth else 4, 0)
        axes.annotate(_words(value, meaning), (end, place), gap, textcoords="offset points", va="center", fontsize=9)


def _words(value: float, meaning: str) -> str:
    """Return an output in words; a probability is never rounded to certainty or to nothing."""
    if meaning != _PROBABILITY:
        return f"{value:.3g}"
    if 0 < value < 0.001:
        return "<0.1\u00a0%"
    return ">99.9\u00a0%" if 0.999 < value < 1 else f"{100 * value:.1f}\u00a0%"


def _bar_legend(*, is_right: bool) -> list[Artist]:
    color, words = (BLUE, "predicted, rightly") if is_right else (RED, "predicted, wrongly")
    return [Line2D([], [], label="true class", **_STAR), Patch(color=color, label=words)]
