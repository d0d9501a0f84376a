"""Which classes are taken for which."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, PowerNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from sweep.results.plots.chart import Chart
from sweep.results.plots.settings import default_settings
from sweep.results.plots.style import BLUE, GRAY, INK, RED, draw_titles, escape, fits, shorten

_MOST_WITH_COUNTS = 20
_MOST_NAMED = 100
_RIGHT = LinearSegmentedColormap.from_list("right", ["white", BLUE], N=256)
_WRONG = LinearSegmentedColormap.from_list("wrong", ["white", RED], N=256)


@default_settings()
def confusion(matrix: ArrayLike, class_names: Sequence[str], *, title: str = "") -> Figure:
    """Draw how often examples of each class (a row) are taken for each class (a column).

    Each cell has the color of its share of the row: blue on the diagonal, where the network is right, red beside
    it; red deepens with the square root of the share, up to the largest error, so that small errors are seen. The
    counts are written into the cells of at most 20 classes. A class without examples is a gray row.

    Args:
        matrix: (classes, classes) whole numbers of at least 0: examples by true class and predicted class.
        class_names: what each index of both axes stands for.
        title: what stands before the accuracy above the matrix, such as the trial's name.
    """
    counts = np.asarray(matrix, dtype=np.int64)
    shares, side = _shares(counts), float(np.clip(0.46 * len(counts), 3.2, 9.5))
    names = _Names.of(class_names, side)
    figure = Chart(figsize=(side + names.width + 1.7, side + names.height + 0.9), layout="constrained")
    axes = figure.subplots()
    _draw_shares(figure, axes, shares)
    _draw_names(axes, names)
    axes.set_ylabel("true class" if counts.any(axis=1).all() else "true class (gray: without examples)")
    axes.set_xlabel("predicted class")
    if len(counts) <= _MOST_WITH_COUNTS:
        _draw_counts(axes, counts, shares, side / len(counts))
    draw_titles(figure, title, _accuracy(counts))
    return figure


def _shares(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return each count as a part of its row; NaN in a row of zeros."""
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.full(counts.shape, np.nan)
    np.divide(counts, totals, out=shares, where=totals > 0)
    return shares


def _accuracy(counts: NDArray[np.int64]) -> str:
    total, right = int(counts.sum()), int(counts.trace())
    return f"accuracy {right / total:.4f}, {right} of {total} right" if total else "no examples"


@dataclass(frozen=True, slots=True)
class _Names:
    """The words beside the rows and below the columns."""

    words: list[str]
    size: float
    """Of the letters, in points."""
    is_upright: bool
    """Whether the words below the columns would overlap otherwise."""

    @classmethod
    def of(cls, names: Sequence[str], side: float) -> _Names:
        """Choose words that have room along `side` inches: small ones if many, and not all if very many."""
        apart = math.ceil(len(names) / _MOST_NAMED)
        words = [shorten(name, 24) if number % apart == 0 else "" for number, name in enumerate(names)]
        size = float(np.clip(0.75 * 72 * side * apart / len(names), 5, 9))
        return cls(words, size, not fits(words, 72 * side / (0.6 * size)))

    @property
    def width(self) -> float:
        """The length of the longest word, in inches."""
        return 0.6 * self.size / 72 * max(map(len, self.words))

    @property
    def height(self) -> float:
        """What the words below the columns take, in inches."""
        return self.width if self.is_upright else 1.5 * self.size / 72


def _draw_shares(figure: Figure, axes: Axes, shares: NDArray[np.float64]) -> None:
    """Draw the diagonal and the cells beside it, each with its own colors and a bar that explains them."""
    diagonal = np.eye(len(shares), dtype=np.bool_)
    errors = np.ma.array(shares, mask=diagonal | np.isnan(shares))
    hits = np.ma.array(shares, mask=~diagonal | np.isnan(shares))
    largest = float(errors.max()) if errors.count() else 0.0
    axes.set_facecolor(GRAY)
    right = axes.imshow(hits, aspect="auto", cmap=_RIGHT, vmin=0.0, vmax=1.0)
    wrong = axes.imshow(errors, aspect="auto", cmap=_WRONG, norm=PowerNorm(0.5, vmin=0.0, vmax=largest or 1.0))
    _draw_bar(figure, axes, right, 0.53, "right, share of the row")
    _draw_bar(figure, axes, wrong, 0.0, "wrong, share of the row")


def _draw_bar(figure: Figure, axes: Axes, image: AxesImage, bottom: float, words: str) -> None:
    """Draw a color bar beside the matrix, as high as half of it."""
    bar = axes.inset_axes((1.04, bottom, 0.04, 0.47))
    figure.colorbar(image, cax=bar, format=lambda share, _: f"{100 * share:.3g} %")
    bar.yaxis.set_major_locator(MaxNLocator(5))
    bar.tick_params(colors=INK, labelsize=8)
    bar.set_ylabel(words, fontsize=8)


def _draw_names(axes: Axes, names: _Names) -> None:
    count, words = len(names.words), [escape(word) for word in names.words]
    axes.set_xticks(range(count), words, rotation=90 if names.is_upright else 0)
    axes.set_yticks(range(count), words)
    axes.tick_params(colors=INK, labelsize=names.size, length=0)
    borders = np.arange(count + 1) - 0.5
    axes.set_xticks(borders, minor=True)
    axes.set_yticks(borders, minor=True)
    axes.tick_params(which="minor", length=0)
    axes.grid(which="minor", color=GRAY, linewidth=0.6 if count <= _MOST_WITH_COUNTS else 0.2)
    axes.spines[:].set_visible(False)


def _draw_counts(axes: Axes, counts: NDArray[np.int64], shares: NDArray[np.float64], cell: float) -> None:
    """Write the counts into the cells of `cell` inches, save zeros beside the diagonal and rows without examples."""
    size = min(8.0, 72 * cell / (0.7 * len(str(counts.max()))))
    largest = np.max(shares, where=~np.eye(len(shares), dtype=np.bool_) & ~np.isnan(shares), initial=0.0)
    for row, column in np.argwhere(~np.isnan(shares)):
        count, share = counts[row, column], shares[row, column]
        if count or row == column:
            is_dark = share > 0.55 if row == column else share > 0.3 * largest
            color = "white" if is_dark else INK
            axes.text(column, row, str(count), ha="center", va="center", fontsize=size, color=color)
