"""What luck does: the best of n random trials."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from sweep.errors import SweepError
from sweep.report.content import Picture, Section, Table, sentences
from sweep.report.source import Source
from sweep.results.format import format_value

if TYPE_CHECKING:
    import pandas as pd


def section(source: Source) -> Section | None:
    """Return the tuning curve, or why there is none; nothing of trials that were made from others."""
    from sweep.report.charts.tuning_curve import tuning_chart
    from sweep.results.plots import tuning_points
    from sweep.results.tuning_curve import counts_up_to, curve_of, summary, table

    if source.parent is not None:
        return None
    try:
        curve, _ = curve_of(source.results)
    except SweepError as error:
        return Section("luck", "What more trials may bring", (f"{error}.",))
    if not np.isfinite(curve.scores).any():
        return None
    svg = tuning_chart(tuning_points({source.record.name: curve}), source.objective)
    rows = table(curve, counts_up_to(len(curve.scores)))
    caption = "The median best of n random trials, with a 95 % band of the whole curve."
    pictures = () if svg is None else (Picture(caption, svg),)
    tables = (_table(rows, source.objective.metric),)
    return Section("luck", "What more trials may bring", sentences(summary(source.results)), pictures, tables)


def _table(rows: pd.DataFrame, metric: str) -> Table:
    """Return the curve at some numbers of trials; an end of the band that is not known is infinite."""
    cells = tuple(
        (
            str(trials),
            *(format_value(metric, value) if math.isfinite(value) else "not known" for value in (best, low, high)),
        )
        for trials, best, low, high in rows.itertuples(index=False)
    )
    columns = ("trials", "median best", "from", "to")
    return Table(f"The median best {metric} of n trials, with its band", columns, cells, (True,) * 4)
