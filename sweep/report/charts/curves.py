"""A metric of the trials over their epochs: the best ten in color, and beside it the end of these enlarged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup
from matplotlib.ticker import MaxNLocator

from sweep.errors import counted
from sweep.metrics import Objective, metric
from sweep.report.charts.drawing import CROSS, POINTER, SQUARE, Axes, Floats, Ticks, line, marks
from sweep.report.charts.values import MetricPlaces, even_places
from sweep.results.format import format_value
from sweep.results.plots.style import number_word

if TYPE_CHECKING:
    import pandas as pd

MOST = 300
"""Curves that are drawn at most: more hide each other, and make the page slow."""
MOST_POINTS = 120
"""Points of a curve."""
DIPS = 0.04
"""Share of the values of the best, the worst, that need not be seen where they are enlarged."""
BEYOND = 3.0
"""Heights of a chart up to which a curve goes on beyond it."""

Curves = dict[int, tuple[Floats, Floats]]
"""Epochs and values of each trial by number."""


def curves_of(epochs: pd.DataFrame, objective: Objective) -> Curves:
    """Return the epochs that have the metric, of each trial."""
    if objective.metric not in epochs:
        return {}
    known = epochs[np.isfinite(epochs[objective.metric].to_numpy(np.float64))]
    return {
        int(str(number)): (rows["epoch"].to_numpy(np.float64), rows[objective.metric].to_numpy(np.float64))
        for number, rows in known.groupby("trial")
    }


def chosen(curves: Curves, winners: Sequence[int], most: int = MOST) -> list[int]:
    """Return which curves are drawn: the winners, and evenly chosen others by number."""
    first = [number for number in winners if number in curves]
    others = [number for number in sorted(curves) if number not in set(first)]
    room = most - len(first)
    if len(others) > room:
        places = np.unique(np.linspace(0, len(others) - 1, room).round().astype(int))
        others = [others[place] for place in places]
    return [*others, *first[::-1]]


def all_curves(curves: Curves, statuses: dict[int, str], winners: Sequence[int], objective: Objective) -> Markup:
    """Draw all that are chosen, over all epochs."""
    drawn = chosen(curves, winners)
    values = np.concatenate([curves[number][1] for number in drawn])
    # Of a metric with limits, as an accuracy has, all is shown; of others outliers would squeeze the rest.
    is_bounded = bool(np.isfinite(metric(objective.metric).limits).all())
    shown = np.array([values.min(), values.max()]) if is_bounded else values
    ends = (min(curves[number][0][0] for number in drawn), max(curves[number][0][-1] for number in drawn))
    some = f"{len(drawn)} of {counted(len(curves), 'trial')}"
    text = f"{objective.metric} of {some} against the epoch, {_range(objective, values.min(), values.max())}"
    return _chart({number: curves[number] for number in drawn}, shown, ends, (statuses, winners, objective), text)


def enlarged(curves: Curves, statuses: dict[int, str], winners: Sequence[int], objective: Objective) -> Markup | None:
    """Draw the second half of the best; None where it would be no larger than in the chart of all."""
    best = {number: curves[number] for number in winners[::-1] if number in curves}
    last = max((each[0][-1] for each in best.values()), default=0)
    parts = {number: (x[x >= last / 2], y[x >= last / 2]) for number, (x, y) in best.items() if (x >= last / 2).any()}
    if len(parts) < 2 or last < 4:
        return None
    values = np.concatenate([y for _, y in parts.values()])
    low, high = np.quantile(values, [DIPS, 1] if objective.is_max else [0, 1 - DIPS])
    if not high > low:
        return None
    which = f"the best {len(parts)} in the second half of the epochs"
    text = f"{objective.metric} of {which}, {_range(objective, low, high)}"
    about = (statuses, winners, objective)
    return _chart(parts, np.array([low, high]), (last / 2, last), about, text)


def _range(objective: Objective, low: float, high: float) -> str:
    return " to ".join(format_value(objective.metric, float(end)) for end in (low, high))


def _chart(
    curves: Curves,
    shown: Floats,
    ends: tuple[float, float],
    about: tuple[dict[int, str], Sequence[int], Objective],
    text: str,
) -> Markup:
    statuses, winners, objective = about
    places = MetricPlaces.of(shown, objective)
    axes = Axes(_epoch_ticks(*ends), places.ticks, "epoch", objective.metric)
    thinned = {number: _thinned(*each) for number, each in curves.items()}
    points = {
        number: (axes.across(even_places(x, *ends)).tolist(), axes.up(places.of_values(y, beyond=BEYOND)).tolist())
        for number, (x, y) in thinned.items()
    }
    look = "curves many" if len(points) > 60 else "curves"
    lines = axes.within(_lines(points, statuses, winners))
    group = Markup('<g class="{}">').format(look) + lines + Markup("</g>")
    return axes.drawn([group, *_ends(axes, points, statuses), axes.within([POINTER])], text, "chart linked")


def _thinned(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return some points of a long curve, with its best and its worst one."""
    if len(x) <= MOST_POINTS:
        return x, y
    some = {*np.linspace(0, len(x) - 1, MOST_POINTS).round().astype(int).tolist(), int(y.argmax()), int(y.argmin())}
    kept = sorted(some)
    return x[kept], y[kept]


def _lines(
    points: dict[int, tuple[list[int], list[int]]], statuses: dict[int, str], winners: Sequence[int]
) -> Iterator[Markup]:
    places = {number: place for place, number in enumerate(winners)}
    for number, (x, y) in points.items():
        look = ("first" if places[number] == 0 else "top") if number in places else statuses.get(number, "")
        name = Markup(' class="{}"').format(look) if look in ("first", "top", "diverged") else ""
        yield Markup('<path{} data-trial="{}" d="{}"/>').format(name, number, line(x, y))


def _ends(axes: Axes, points: dict[int, tuple[list[int], list[int]]], statuses: dict[int, str]) -> Iterator[Markup]:
    """Yield the marks at the ends of the trials that ended early; beyond the axis they are at its edge."""
    bottom, top = axes.up([0, 1]).tolist()
    for status, shape in (("diverged", CROSS), ("pruned", SQUARE)):
        own = [number for number in points if statuses.get(number) == status]
        ends = [(points[number][0][-1], points[number][1][-1]) for number in own]
        yield marks(f"marks {status}", [x for x, _ in ends], [min(max(y, top), bottom) for _, y in ends], own, shape)


def _epoch_ticks(low: float, high: float) -> Ticks:
    if high <= low:
        return [0.5], [number_word(low)]
    numbers = [float(tick) for tick in MaxNLocator(6, integer=True).tick_values(low, high) if low <= tick <= high]
    return even_places(np.array(numbers), low, high).tolist(), [number_word(tick) for tick in numbers]
