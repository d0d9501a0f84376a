"""Figures with their intervals, a line each: how much parameters matter, what is expected of finalists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from markupsafe import Markup

from sweep.report.charts.drawing import BOTTOM, TOP, Axes, Floats, Ticks

ROW = 96
"""Height of a line."""


class Interval(NamedTuple):
    """A figure from 0 to 1 along the axis, with the ends of its interval."""

    name: str
    value: float
    low: float
    high: float
    others: tuple[float, ...] = ()
    """Further figures, drawn small."""


def interval_chart(rows: Sequence[Interval], ticks: Ticks, x_label: str, text: str) -> Markup:
    """Draw figures with their intervals, the first at the top."""
    count = len(rows)
    height = TOP + BOTTOM + ROW * count
    middles = [1 - (place + 0.5) / count for place in range(count)]
    axes = Axes(ticks, (middles, [row.name for row in rows]), x_label, "", height, left=490)
    y = axes.up(middles).tolist()
    inside = []
    for row, top in zip(rows, y, strict=True):
        low, value, high = axes.across(np.clip([row.low, row.value, row.high], 0, 1)).tolist()
        inside.append(Markup('<path class="span" d="M{} {}H{}"/>').format(low, top, high))
        small = "".join(f"M{x} {top}h0" for x in axes.across(_inside(row.others)).tolist())
        inside.append(Markup('<path class="small" d="{}"/>').format(small) if small else Markup(""))
        inside.append(Markup('<path class="value" d="M{} {}h0"/>').format(value, top))
    return axes.drawn(inside, text)


def _inside(places: Sequence[float]) -> Floats:
    return np.clip(np.array(places, np.float64), 0, 1)
