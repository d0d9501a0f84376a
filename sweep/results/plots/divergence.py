"""The phase diagram of divergence: trials by two parameters, over the probability to diverge.

Completed trials are circles and diverged ones crosses. The shading is the probability by the law of divergence,
averaged over what the trials of the panel have of all other parameters, with contours at 10, 50 and 90 %. A choice of
text has a panel for each of its options, up to four, the commonest first. By one parameter alone the probability is a
curve, between the completed trials at its bottom and the diverged ones at its top.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sweep.analysis.divergence import USED, Law, fit_law
from sweep.analysis.predictors import Array, as_numbers, is_learning_rate, is_missing, is_number
from sweep.errors import UsageError, counted, suggest
from sweep.records import Parameter
from sweep.results.plots.parameter_axis import jitter
from sweep.results.plots.settings import default_settings
from sweep.results.plots.style import BLUE, INK, draw_ticks, draw_titles, empty_grid, escape, shorten, style_axes

CELLS = 36
"""Points of the shading along each side of a panel."""
AVERAGED = 16
"""Trials over whose other parameters the probability is averaged."""
MOST_PANELS = 4
WIDE = 8.0
"""The factor between whole numbers from which on their axis is logarithmic, as that of a logarithmic range is."""
CROWDED = 10
"""Trials for each different value from which on marks are spread."""
GOLDEN = (math.sqrt(5) - 1) / 2
LEVELS = {0.1: ":", 0.5: "-", 0.9: "--"}
"""Contours of the probability, and how they are dashed."""
_OTHERS = "averaged over the others\n(which analyze puts at their means)"
"""Words for how the other parameters enter, which is not as in the formula of `analyze --divergence`."""
_SHADES = LinearSegmentedColormap.from_list("probability", ["#ffffff", "#f3c9bd", "#c9705f"])


@dataclass(frozen=True)
class Scale:
    """An axis of a parameter."""

    parameter: Parameter
    low: float
    """The least value."""
    high: float
    is_log: bool
    is_whole: bool
    spacing: float
    """The least distance of neighboring values where so many trials share them that marks are spread, else 0."""

    @classmethod
    def of(cls, parameter: Parameter, numbers: Array) -> Scale:
        """Choose it for the numbers of some trials."""
        known = numbers[np.isfinite(numbers)]
        low = float(known.min() if parameter.low is None else min(parameter.low, known.min()))
        high = float(known.max() if parameter.high is None else max(parameter.high, known.max()))
        is_whole = bool((known % 1 == 0).all())
        is_log = low > 0 and (parameter.log or (is_whole and high / WIDE >= low))
        distinct = np.unique(np.log(known) if is_log else known)
        is_crowded = len(distinct) >= 2 and len(known) >= CROWDED * len(distinct)
        return cls(parameter, low, high, is_log, is_whole, float(np.diff(distinct).min()) if is_crowded else 0.0)

    def limits(self) -> tuple[float, float]:
        """Return where the axis begins and ends, with a margin."""
        if self.is_log:
            pad = math.exp(0.03 * math.log(self.high / self.low) + 0.3 * self.spacing) if self.high > self.low else 1.1
            return self.low / pad, self.high * pad
        pad = 0.03 * (self.high - self.low) + 0.3 * self.spacing or 0.05 * abs(self.high) or 0.5
        return self.low - pad, self.high + pad

    def points(self) -> Array:
        """Return the points of the shading along it."""
        low, high = self.limits()
        return np.geomspace(low, high, CELLS) if self.is_log else np.linspace(low, high, CELLS)

    def spread(self, numbers: Array) -> Array:
        """Return where the marks of trials stand."""
        shift = 0.5 * self.spacing * jitter(len(numbers), GOLDEN)
        return numbers * np.exp(shift) if self.is_log else numbers + shift

    def draw(self, axis: Axis) -> None:
        """Give an axis its ticks."""
        draw_ticks(axis, self.low, self.high, is_log=self.is_log, is_whole=self.is_whole)


@default_settings()
def phase_diagram(
    trials: pd.DataFrame, parameters: Sequence[Parameter], *, title: str = "", x: Sequence[str] = ()
) -> Figure:
    """Draw trials by two parameters, or by one, over their probability to diverge.

    Args:
        trials: as of `sweep.analysis.divergence.fit_law`.
        parameters: what was searched.
        title: what stands before the counts, such as the sweep's name.
        x: the parameters, by short or full name; by default the two that matter most.

    Raises:
        UsageError: no parameter is a number, or those named are not.
    """
    law = fit_law(trials, parameters)
    used = trials[trials["status"].isin(USED)].reset_index(drop=True)
    across, up = chosen_axes(law, used, parameters, x)
    choice = chosen_choice(law, used, parameters)
    panels = panels_of(used, choice)
    figure, grid = empty_grid(len(panels))
    scales = [Scale.of(each, as_numbers(used[each.name])) for each in (across, up) if each is not None]
    for axes, (name, rows) in zip(grid, panels, strict=True):
        if len(scales) == 2:
            _draw_panel(axes, law, rows, (scales[0], scales[1]))
        else:
            _draw_curve(axes, law, rows, scales[0])
        if name:
            axes.set_title(escape(shorten(name, 40)), fontsize=10, color=INK)
    shown = sum(len(rows) for _, rows in panels)
    draw_titles(figure, title, _facts(law, len(used) - shown), _legend(law, has_contours=up is not None))
    figure.supylabel(escape(up.short_name) if up else "probability to diverge", fontsize=10)
    return figure


def _numeric(used: pd.DataFrame, parameters: Sequence[Parameter]) -> list[Parameter]:
    """Return the parameters whose values are numbers, of which at least two differ."""
    found = []
    for each in parameters:
        known = [value for value in used[each.name].tolist() if not is_missing(value)]
        if known and all(map(is_number, known)) and len(set(known)) > 1:
            found.append(each)
    return found


def chosen_axes(
    law: Law, used: pd.DataFrame, parameters: Sequence[Parameter], x: Sequence[str]
) -> tuple[Parameter, Parameter | None]:
    """Return the parameters of the two axes, a learning rate on the horizontal one; only that where there is one."""
    numeric = _numeric(used, parameters)
    if x:
        known = {name: each for each in numeric for name in (each.short_name, each.name)}
        for name in x:
            if name not in known:
                raise UsageError(f"'{name}' is not a searched number: {suggest(name, known)}")
        chosen = [known[name] for name in x]
        if len({each.name for each in chosen}) != len(chosen):
            raise UsageError("a phase diagram has two different parameters; name two")
        return chosen[0], chosen[1] if len(chosen) > 1 else None
    if not numeric:
        raise UsageError("no number was searched that has two values among the ended trials, by which to draw them")
    if len(numeric) == 1:
        return numeric[0], None
    # Of equal strength, as without a model, learning rates come first.
    ranked = sorted(numeric, key=lambda each: (-law.strength(each), not is_learning_rate(each)))
    first, second = ranked[:2]
    return (second, first) if is_learning_rate(second) and not is_learning_rate(first) else (first, second)


def chosen_choice(law: Law, used: pd.DataFrame, parameters: Sequence[Parameter]) -> Parameter | None:
    """Return the choice of text that has panels, the one that matters most; None where there is none."""
    numeric = {each.name for each in _numeric(used, parameters)}
    choices = [each for each in parameters if each.name not in numeric and used[each.name].nunique() > 1]
    return max(choices, key=law.strength, default=None)


def panels_of(used: pd.DataFrame, choice: Parameter | None) -> list[tuple[str, pd.DataFrame]]:
    """Return the trials of each panel with its title."""
    if choice is None:
        return [("", used)]
    options = used[choice.name].astype(str).where(used[choice.name].notna())
    names = options.value_counts().index[:MOST_PANELS]
    return [(f"{choice.short_name} {name}", used[options == name]) for name in names]


def _draw_panel(axes: Axes, law: Law, rows: pd.DataFrame, scales: tuple[Scale, Scale]) -> None:
    across, up = scales
    style_axes(axes)
    axes.grid(visible=False)
    for scale, axis, set_scale, set_limits in (
        (across, axes.xaxis, axes.set_xscale, axes.set_xlim),
        (up, axes.yaxis, axes.set_yscale, axes.set_ylim),
    ):
        if scale.is_log:
            set_scale("log")
        set_limits(*scale.limits())
        scale.draw(axis)
    axes.set_xlabel(escape(across.parameter.short_name))
    if law.has_model:
        _shade(axes, law, rows, scales)
    _draw_trials(axes, rows, scales)


def _draw_curve(axes: Axes, law: Law, rows: pd.DataFrame, scale: Scale) -> None:
    """Draw trials by one parameter, at 0 or 1, and the probability between them."""
    style_axes(axes)
    if scale.is_log:
        axes.set_xscale("log")
    axes.set_xlim(*scale.limits())
    scale.draw(axes.xaxis)
    axes.set_xlabel(escape(scale.parameter.short_name))
    axes.set_ylim(-0.12, 1.12)
    axes.set_yticks([0, *LEVELS, 1], [f"{100 * level:.0f} %" for level in (0, *LEVELS, 1)])
    numbers = as_numbers(rows[scale.parameter.name])
    heights = (rows["status"] == "diverged").to_numpy(np.float64) + 0.12 * jitter(len(rows), GOLDEN)
    _draw_marks(axes, rows, numbers, heights)
    if law.has_model:
        x = scale.points()
        axes.plot(x, averaged(law, rows, [(scale, x)]), color=INK, lw=1.5, zorder=3)


def _shade(axes: Axes, law: Law, rows: pd.DataFrame, scales: tuple[Scale, Scale]) -> None:
    """Shade the probability, and draw and label its contours."""
    x, y = (scale.points() for scale in scales)
    chances = averaged(law, rows, [(scales[0], x), (scales[1], y)])
    axes.pcolormesh(x, y, chances, cmap=_SHADES, vmin=0, vmax=1, shading="gouraud", rasterized=True, zorder=0.5)
    for level, dashes in LEVELS.items():
        if chances.min() < level < chances.max():
            lines = axes.contour(x, y, chances, [level], colors=INK, linestyles=dashes, linewidths=1.3, zorder=3)
            for text in axes.clabel(lines, fmt={level: f"{100 * level:.0f} %"}, fontsize=8):
                text.set(bbox={"facecolor": "white", "alpha": 0.7, "pad": 0.5, "linewidth": 0}, zorder=4)


def averaged(law: Law, rows: pd.DataFrame, axes: Sequence[tuple[Scale, Array]]) -> Array:
    """Return the probability at each point of a grid, averaged over some trials' other parameters.

    Args:
        law: what gives it.
        rows: the trials.
        axes: each parameter of the grid with its values, the last one down the rows.
    """
    some = rows.iloc[np.unique(np.linspace(0, len(rows) - 1, AVERAGED).round().astype(np.int64))]
    grid = np.meshgrid(*(values for _, values in axes))
    points, count = grid[0].size, len(some)
    values: dict[str, list[Any]] = {each.name: some[each.name].tolist() * points for each in law.parameters}
    for (scale, _), numbers in zip(axes, grid, strict=True):
        values[scale.parameter.name] = np.repeat(numbers.ravel(), count).tolist()
    found: Array = law.probabilities(values, points * count).reshape(*grid[0].shape, count).mean(axis=-1)
    return found


def _looks(count: int) -> dict[str, dict[str, Any]]:
    """Return how each kind of trial is drawn; the more trials there are, the smaller."""
    size = float(np.clip(420 / math.sqrt(max(count, 1)), 7, 44))
    alpha = float(np.clip(16 / math.sqrt(max(count, 1)), 0.45, 0.95))
    thin = float(np.clip(size / 30, 0.35, 1.1))
    return {
        "completed": {
            "marker": "o",
            "s": size,
            "facecolor": "white",
            "edgecolor": BLUE,
            "linewidth": thin,
            "alpha": alpha,
        },
        "diverged": {"marker": "x", "s": size, "color": INK, "linewidth": thin + 0.5, "alpha": alpha},
    }


def _draw_trials(axes: Axes, rows: pd.DataFrame, scales: tuple[Scale, Scale]) -> None:
    x, y = (scale.spread(as_numbers(rows[scale.parameter.name])) for scale in scales)
    _draw_marks(axes, rows, x, y)


def _draw_marks(axes: Axes, rows: pd.DataFrame, x: Array, y: Array) -> None:
    for place, (status, look) in enumerate(_looks(len(rows)).items()):
        some = (rows["status"] == status).to_numpy()
        axes.scatter(x[some], y[some], label=status, zorder=2 + 0.1 * place, rasterized=len(rows) > 5000, **look)


def _facts(law: Law, hidden: int) -> str:
    words = [f"{law.diverged} of {counted(law.trials, 'trial')} diverged"]
    if hidden:
        words.append(f"{counted(hidden, 'trial')} of other options not shown")
    if not law.has_model:
        words.append("which is too one-sided to tell what it depends on")
    return ", ".join(words)


def _legend(law: Law, *, has_contours: bool) -> list[Line2D]:
    """Explain the marks and the contours."""
    circle = Line2D([], [], label="completed", linestyle="", marker="o", mfc="white", mec=BLUE, ms=6)
    cross = Line2D([], [], label="diverged", linestyle="", marker="x", color=INK, ms=6, mew=1.5)
    if not law.has_model:
        return [circle, cross]
    if not has_contours:
        curve = Line2D([], [], label=f"probability to diverge, {_OTHERS}", color=INK, lw=1.5)
        return [circle, cross, curve]
    shares = ", ".join(f"{level:.0%}".replace("%", "") for level in LEVELS)
    contour = Line2D([], [], label=f"diverges with {shares} %, {_OTHERS}", color=INK, lw=1.3)
    return [circle, cross, contour]
