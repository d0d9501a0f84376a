"""What luck does: the best of n random trials."""

from __future__ import annotations

import numpy as np

from sweep.errors import SweepError
from sweep.report.content import Picture, Section, sentence, sentences, table_of
from sweep.report.source import Source


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
        return Section("luck", "How far more trials get", (sentence(str(error)),))
    if not np.isfinite(curve.scores).any():
        return None
    svg = tuning_chart(tuning_points({source.record.name: curve}), source.objective)
    rows = table(curve, counts_up_to(len(curve.scores)))
    caption = "The median best of n random trials, with a 95 % band of the whole curve."
    pictures = () if svg is None else (Picture(caption, svg),)
    note = "low and high are the ends of the band; what is not known is inf."
    tables = (table_of(rows, f"Best {source.objective.metric} of n trials", note),)
    return Section("luck", "How far more trials get", sentences(summary(source.results)), pictures, tables)
