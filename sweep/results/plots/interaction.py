"""How two parameters act together: the expectation along one, within parts of the range of the other."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sweep.metrics import Objective
from sweep.records import Parameter
from sweep.results.plots.effect import draw_effect_axis, draw_expectation
from sweep.results.plots.metric_axis import MetricAxis
from sweep.results.plots.settings import default_settings
from sweep.results.plots.style import BLUE, GOLD, INK, RED, draw_titles, empty_grid, escape, shorten_all, style_axes

COLORS = (BLUE, GOLD, RED, INK)
"""One for each part of the other parameter."""
_LETTERS = 40


def interaction_lines(curves: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the chart with the `color` and the `shift` of each part; a shift keeps dots side by side.

    Args:
        curves: `part` of the other parameter, in order, `value` of the first one, `expectation`, `low` and `high`.
    """
    parts = list(dict.fromkeys(curves["part"]))
    colors = {part: COLORS[place % len(COLORS)] for place, part in enumerate(parts)}
    shifts = {part: 0.16 * (place - (len(parts) - 1) / 2) for place, part in enumerate(parts)}
    return curves.assign(color=curves["part"].map(colors), shift=curves["part"].map(shifts))


@default_settings()
def interaction_chart(
    curves: pd.DataFrame, parameter: Parameter, other: str, objective: Objective, *, facts: str, title: str = ""
) -> Figure:
    """Draw the expectation along a parameter, a line for each part of another one.

    Args:
        curves: as of `interaction_lines`.
        parameter: the one on the horizontal axis.
        other: the name of the other one.
        objective: whose metric it is.
        facts: what stands above the panel.
        title: what stands before that, such as the sweep's name.
    """
    lines = interaction_lines(curves)
    figure, (axes,) = empty_grid(1)
    style_axes(axes)
    ends = lines[["low", "high"]].to_numpy(np.float64).ravel()
    axis = MetricAxis.of(ends, np.full(len(ends), np.nan), objective, has_band=False)
    names = list(dict.fromkeys(lines["part"]))
    places = draw_effect_axis(axes, parameter, lines["value"], lines["value"])[len(lines) :]
    handles = []
    for name, word in zip(names, shorten_all(names, _LETTERS), strict=True):
        own = (lines["part"] == name).to_numpy()
        color, shift = str(lines["color"][own].iloc[0]), float(lines["shift"][own].iloc[0])
        draw_expectation(axes, places[own], lines[own], color=color, is_line=not parameter.categorical, shift=shift)
        handles.append(Line2D([], [], color=color, lw=2, label=escape(f"{other} {word}")))
    axes.set_ylim(axis.bottom, axis.top)
    axes.set_yticks(*axis.ticks())
    draw_titles(figure, title, facts, handles)
    figure.supylabel(axis.label, fontsize=10)
    return figure
