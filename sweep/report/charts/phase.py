"""The phase diagram of divergence: trials by two parameters, over the probability to diverge in four steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sweep.analysis.predictors import as_numbers
from sweep.errors import UsageError
from sweep.report.charts.drawing import CROSS, DOT, POINTER, Axes, Floats, Ticks, marks
from sweep.report.charts.values import even_places
from sweep.results.plots.divergence import Scale, averaged, chosen_axes, chosen_choice, panels_of
from sweep.results.plots.style import log_ticks, number_word

if TYPE_CHECKING:
    import pandas as pd

    from sweep.analysis.divergence import Law

LEVELS = (0.1, 0.5, 0.9)
"""Probabilities at which the shading changes."""


class Panel(NamedTuple):
    """One chart of the diagram."""

    title: str
    """The option whose trials it shows; nothing where there is one panel."""
    names: str
    """The two parameters."""
    svg: Markup


def phase_panels(law: Law, used: pd.DataFrame) -> list[Panel]:
    """Return the charts of a law, one for each option of the choice that matters most.

    Args:
        law: the probability to diverge.
        used: the trials that count, with their numbers as `trial`.

    Returns: nothing where no two numbers were searched.
    """
    try:
        across, up = chosen_axes(law, used, law.parameters, ())
    except UsageError:
        return []
    if up is None:
        return []
    x, y = (Scale.of(each, as_numbers(used[each.name])) for each in (across, up))
    panels = panels_of(used, chosen_choice(law, used, law.parameters))
    return [Panel(title, f"{across.short_name} and {up.short_name}", _drawn(law, rows, x, y)) for title, rows in panels]


def _drawn(law: Law, rows: pd.DataFrame, x: Scale, y: Scale) -> Markup:
    axes = Axes(_ticks(x), _ticks(y), x.parameter.short_name, y.parameter.short_name)
    inside = [*_shades(axes, law, rows, x, y)] if law.has_model else []
    numbers, status = rows["trial"].to_numpy(np.int64), rows["status"].to_numpy(str)
    places = [_places(scale, scale.spread(as_numbers(rows[scale.parameter.name]))) for scale in (x, y)]
    size = " many" if len(rows) > 400 else ""
    for each, shape in (("completed", DOT), ("diverged", CROSS)):
        own = (status == each) & np.isfinite(places[0]) & np.isfinite(places[1])
        left, top = axes.across(places[0][own]).tolist(), axes.up(places[1][own]).tolist()
        inside.append(marks(f"marks {each}{size}", left, top, numbers[own].tolist(), shape))
    diverged = int((status == "diverged").sum())
    text = f"{diverged} of {len(rows)} trials diverged, by {x.parameter.short_name} and {y.parameter.short_name}"
    return axes.drawn([*inside, POINTER], text, "chart linked")


def _shades(axes: Axes, law: Law, rows: pd.DataFrame, x: Scale, y: Scale) -> Iterator[Markup]:
    """Yield the areas in which so many diverge, and the line where a divergence is as likely as not."""
    chances = averaged(law, rows, [(x, x.points()), (y, y.points())])
    across, up = _places(x, x.points()), _places(y, y.points())
    drawing = Figure().subplots()
    for step, low in enumerate(LEVELS, start=1):
        if chances.max() > low:
            areas = drawing.contourf(across, up, chances, [low, 1.1]).get_paths()
            yield Markup('<path class="shade" data-step="{}" d="{}"/>').format(step, _path(axes, areas))
    if chances.min() < LEVELS[1] < chances.max():
        lines = drawing.contour(across, up, chances, [LEVELS[1]]).get_paths()
        yield Markup('<path class="even" d="{}"/>').format(_path(axes, lines))


def _path(axes: Axes, paths: object) -> str:
    words: list[str] = []
    for path in paths:  # type: ignore[attr-defined]
        for points in path.to_polygons(closed_only=False):
            x, y = axes.across(points[:, 0]).tolist(), axes.up(points[:, 1]).tolist()
            words.append("M" + "L".join(f"{left} {top}" for left, top in zip(x, y, strict=True)))
    return "".join(words)


def _places(scale: Scale, numbers: Floats) -> Floats:
    low, high = scale.limits()
    if not scale.is_log:
        return even_places(numbers, low, high)
    with np.errstate(divide="ignore", invalid="ignore"):
        return even_places(np.log(numbers), float(np.log(low)), float(np.log(high)))


def _ticks(scale: Scale) -> Ticks:
    low, high = scale.limits()
    if scale.is_log:
        numbers = log_ticks(float(np.log10(low)), float(np.log10(high)))
    else:
        numbers = [float(tick) for tick in MaxNLocator(6).tick_values(low, high)]
    kept = [number for number in numbers if low <= number <= high]
    return _places(scale, np.array(kept, np.float64)).tolist(), [number_word(number) for number in kept]
