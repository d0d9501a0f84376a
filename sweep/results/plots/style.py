"""What all charts share: colors, the style of axes, legible ticks, titles and legends."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from itertools import pairwise

import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from sweep.results.plots.chart import Chart

BLUE, PALE_BLUE, GOLD, RED, PALE_RED = "#3b6ea8", "#b4cae2", "#ffb000", "#c8102e", "#fbeff0"
INK, GRAY = "#333333", "#e4e4e4"


def empty_grid(count: int) -> tuple[Chart, list[Axes]]:
    """Return a figure and its `count` panels, in rows of at most four that share their vertical axis."""
    columns = {4: 2, 5: 3, 6: 3}.get(count, min(count, 4))
    rows = math.ceil(count / columns)
    size = (7.0, 5.0) if count == 1 else (3.3 * columns + 0.7, 2.9 * rows + 0.9)
    figure = Chart(figsize=size, layout="constrained")
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for axes in grid.flat[count:]:
        axes.remove()
    return figure, list(grid.flat[:count])


def style_axes(axes: Axes) -> None:
    """Give `axes` two spines, small ticks and a pale grid behind what is drawn."""
    sns.despine(ax=axes)
    axes.tick_params(colors=INK, labelsize=9)
    axes.grid(color=GRAY, linewidth=0.7)
    axes.set_axisbelow(True)


def draw_ticks(axis: Axis, low: float, high: float, *, is_log: bool, is_whole: bool) -> None:
    """Give `axis`, which shows what lies from `low` to `high`, a few ticks; whole ones if `is_whole`."""
    ratio = 10 ** min(math.log10(high) - math.log10(low), 300) if is_log else 1
    axis.set_minor_locator(NullLocator())
    if low == high:
        axis.set_ticks([low])
    elif is_log and math.log10(high) - math.log10(low) > 100:
        # LogLocator cannot compute the powers beside such ends.
        powers = range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)
        axis.set_ticks([float(f"1e{power}") for power in powers[:: math.ceil(len(powers) / 5)]])
    elif ratio > 200:
        axis.set_major_locator(LogLocator(numticks=6))
    elif ratio > 8:
        # So short an axis holds too few powers of ten to be read.
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    else:
        axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10], integer=is_whole))
    label_numbers(axis)


def label_numbers(axis: Axis) -> None:
    """Write the ticks of `axis` in full, none as a power of ten with a raised exponent."""
    axis.set_major_formatter(FuncFormatter(lambda place, _: number_word(place)))


def log_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Return round numbers for the ticks of an axis from 10^low to 10^high, some perhaps beyond its ends.

    >>> log_ticks(-3, 0)
    [0.001, 0.01, 0.1, 1.0]
    """
    # The powers of ten that a float can be.
    low, high = max(low, -307.0), min(high, 308.0)
    span = high - low
    if span > 2.3:
        powers = range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1)
        return [float(f"1e{power}") for power in powers[:: math.ceil(len(powers) / most)]]
    if span < 0.9:
        ticks = MaxNLocator(most - 1, steps=[1, 2, 2.5, 5, 10]).tick_values(10**low, 10**high)
        return [float(tick) for tick in ticks if tick > 0]
    powers = range(math.floor(low), math.ceil(high) + 1)
    return [float(f"{digit}e{power}") for power in powers for digit in (1, 2, 5)]


def number_word(number: float) -> str:
    """Return a number as it stands at a tick.

    >>> number_word(1e-5)
    '1e-5'
    """
    return f"{number:.10g}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")


def fits(labels: Sequence[str], letters: float) -> bool:
    """Tell whether labels, evenly spaced along an axis with room for `letters` letters, do not overlap."""
    lengths = [max(map(len, label.split("\n"))) for label in labels]
    return all((left + right) / 2 + 0.5 <= letters / len(labels) for left, right in pairwise(lengths))


def escape(word: str) -> str:
    """Return `word` such that matplotlib shows it as it is: a pair of dollar signs would be set as a formula."""
    return word.replace("$", r"\$")


def shorten(name: str, letters: int) -> str:
    """Return `name` on one line and in at most `letters` letters, the middle left out where it is longer.

    >>> shorten("a_very_long_name_indeed", 11)
    'a_ver…ndeed'
    """
    line = " ".join(name.split())
    if len(line) <= letters:
        return line
    tail = (letters - 1) // 2
    return f"{line[: letters - 1 - tail]}…{line[len(line) - tail :]}"


def shorten_all(names: Sequence[str], letters: int) -> list[str]:
    """Return names in at most `letters` letters each that differ as the names do.

    What is left out is the middle, or the beginning and the end that all have in common; where neither will do,
    numbers tell them apart.

    >>> shorten_all(["a" * 30 + "1" + "b" * 30, "a" * 30 + "2" + "b" * 30], 9)
    ['…1bb…bbbb', '…2bb…bbbb']
    """
    begin = next((place for place, letters in enumerate(zip(*names, strict=False)) if len(set(letters)) > 1), 0)
    for words in (names, [f"…{name[begin:]}" for name in names]):
        for cut in (shorten, _beginning):
            short = [cut(word, letters) for word in words]
            if len(set(short)) == len(set(names)):
                return short
    digits = len(str(len(names)))
    return [f"{number}: {shorten(name, letters - digits - 2)}" for number, name in enumerate(names, start=1)]


def _beginning(name: str, letters: int) -> str:
    return " ".join(name.split())[:letters]


def keep_panel_size(figure: Figure, grid: Sequence[Axes]) -> None:
    """Make the figure higher where labels that stand upright would take the height from the panels."""
    upright = [len(label.get_text()) for axes in grid for label in axes.get_xticklabels() if label.get_rotation() == 90]
    rows = len({axes.get_position().y0 for axes in grid})
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height + 0.08 * rows * max(upright, default=0))


def draw_titles(figure: Figure, title: str, facts: str, handles: Sequence[Artist] = ()) -> None:
    """Write `title` and `facts` above the panels, on as many lines as they need, and a legend below them."""
    heading = f"{title}: {facts}" if title else facts
    lines = textwrap.fill(heading, int(10 * figure.get_figwidth()), break_on_hyphens=False)
    figure.suptitle(lines, fontsize=11, color=INK).set_parse_math(False)
    if handles:
        figure.legend(handles=list(handles), loc="outside lower center", ncols=2, frameon=False, fontsize=9)
