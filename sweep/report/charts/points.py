"""A metric of each trial against one parameter: circles completed, crosses diverged, squares stopped early."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from sweep.errors import counted
from sweep.metrics import Objective
from sweep.report.charts.drawing import CROSS, DOT, POINTER, SQUARE, Axes, Floats, marks
from sweep.report.charts.values import MetricPlaces, parameter_places

if TYPE_CHECKING:
    import pandas as pd

    from sweep.records import Parameter

SHOWN = ("completed", "pruned", "diverged")
"""Statuses of trials with a mark, what is drawn last on top."""


def points(trials: pd.DataFrame, parameter: Parameter, objective: Objective, first: int | None) -> Markup:
    """Draw trials by a parameter.

    Args:
        trials: `trial`, `status`, the metric and the parameter by its short name.
        parameter: what is across.
        objective: the metric, which is up.
        first: the number of the best trial.
    """
    values = trials[objective.metric].to_numpy(np.float64, na_value=np.nan)
    status = trials["status"].to_numpy(str)
    has_band = bool((status == "diverged").any())
    known = np.isfinite(values) & (status != "diverged")
    up = MetricPlaces.of(values[known], objective, has_band=has_band)
    across, ticks = parameter_places(parameter, trials[parameter.short_name])
    axes = Axes(ticks, up.ticks, parameter.short_name, objective.metric)
    heights = np.where(status == "diverged", up.band, 0.0) if has_band else np.zeros(len(values))
    heights[known] = up.of_values(values[known])
    is_drawn = np.isfinite(across) & (known | (status == "diverged"))
    inside = _marks(axes, trials["trial"].to_numpy(np.int64), status, (across, heights), is_drawn, first)
    count = counted(int(is_drawn.sum()), "trial")
    text = f"{objective.metric} of {count} against {parameter.short_name}{_range(ticks[1])}"
    return axes.drawn([*inside, POINTER], text, "chart linked")


def _range(words: object) -> str:
    known = list(words) if isinstance(words, list) else []
    return f", from {known[0]} to {known[-1]}" if len(known) > 1 else ""


def _marks(
    axes: Axes,
    numbers: np.ndarray[tuple[int], np.dtype[np.int64]],
    status: np.ndarray[tuple[int], np.dtype[np.str_]],
    places: tuple[Floats, Floats],
    is_drawn: np.ndarray[tuple[int], np.dtype[np.bool_]],
    first: int | None,
) -> Iterator[Markup]:
    size = " many" if is_drawn.sum() > 400 else ""
    for each, shape in zip(SHOWN, (DOT, SQUARE, CROSS), strict=True):
        own = is_drawn & (status == each)
        x, y = axes.across(places[0][own]).tolist(), axes.up(places[1][own]).tolist()
        yield marks(f"marks {each}{size}", x, y, numbers[own].tolist(), shape)
    own = is_drawn & (numbers == (-1 if first is None else first))
    yield marks("marks best", axes.across(places[0][own]).tolist(), axes.up(places[1][own]).tolist(), [*numbers[own]])
