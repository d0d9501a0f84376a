"""The tuning curve: the median best of n random trials against n, with its band."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from sweep.metrics import Objective
from sweep.report.charts.drawing import Axes, line
from sweep.report.charts.values import MetricPlaces, count_places
from sweep.results.format import format_value

if TYPE_CHECKING:
    import pandas as pd


def tuning_chart(points: pd.DataFrame, objective: Objective) -> Markup | None:
    """Draw a tuning curve; None where all trials diverged.

    Args:
        points: `trials`, `best`, `low` and `high`, as of `sweep.results.plots.tuning_points`; an end that is not known
            is infinite, and drawn at the edge.
        objective: the metric.
    """
    ends = points[["best", "low", "high"]].to_numpy(np.float64)
    values = ends[np.isfinite(ends)]
    known = points[np.isfinite(points["best"])]
    if known.empty:
        return None
    most = float(points["trials"].max())
    up = MetricPlaces.of(values, objective)
    numbers = points["trials"].to_numpy(np.float64)
    across, ticks = count_places(numbers, most)
    axes = Axes(ticks, up.ticks, "random trials", objective.metric)
    x = axes.across(across).tolist()
    low, high = (_clipped(up, points[name].to_numpy(np.float64), axes) for name in ("low", "high"))
    band = _steps(x, low) + "L" + "L".join(_steps(x, high)[1:].split("L")[::-1]) + "z"
    kept = [place for place, value in enumerate(points["best"]) if np.isfinite(value)]
    best = axes.up(up.of_values(known["best"].to_numpy(np.float64))).tolist()
    last = known.iloc[-1]
    text = (
        f"median best {objective.metric} of n random trials: {format_value(objective.metric, known['best'].iloc[0])} "
        f"of {known['trials'].iloc[0]:.0f}, {format_value(objective.metric, last['best'])} of {last['trials']:.0f}"
    )
    curve = _steps([x[place] for place in kept], best) if len(kept) > 1 else line([x[kept[0]]], best)
    inside = [Markup('<path class="band" d="{}"/>').format(band), Markup('<path class="best" d="{}"/>').format(curve)]
    return axes.drawn(inside, text)


def _clipped(up: MetricPlaces, values: np.ndarray[tuple[int], np.dtype[np.float64]], axes: Axes) -> list[int]:
    """Return where ends of the band stand, those that are not known at the edge of their side."""
    places = np.where(values == np.inf, 1.0, np.where(values == -np.inf, 0.0, np.nan))
    finite = np.isfinite(values)
    places[finite] = np.clip(up.of_values(values[finite]), 0, 1)
    found: list[int] = axes.up(places).tolist()
    return found


def _steps(x: list[int], y: list[int]) -> str:
    """Return a line that keeps each height until the next point."""
    points = [f"{x[0]} {y[0]}"]
    for left, before, height in zip(x[1:], y, y[1:], strict=False):
        points += [f"{left} {before}", f"{left} {height}"]
    return "M" + "L".join(points)
