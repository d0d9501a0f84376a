"""What matters among the configurations that completed."""

from __future__ import annotations

from collections.abc import Iterator

from sweep.report.content import Picture, Section, sentence, sentences, table_of
from sweep.report.source import Source

MOST = 20
"""Parameters of the chart and of the table."""


def section(source: Source) -> Section | None:
    """Return what matters; nothing where it cannot be asked, as of trials that were made from others."""
    from sweep.analysis import importance_report

    study = source.study
    if study is None or source.parent is not None:
        return None
    found = study.importance
    words = [
        importance_report.summary(found, study.objective.metric),
        *importance_report.sentences(found),
        *importance_report.sensitivity_sentences(study.sensitivities(), study.places, study.names),
        *(f"{end.evidence}: {end.advice}" for end in study.ends()),
    ]
    if not found.has_figures:
        return Section("importance", "What matters", sentences(words))
    legend = sentence(importance_report.LEGEND)
    table = table_of(importance_report.shown_table(found), f"What matters for {study.objective.metric}", legend, MOST)
    return Section("importance", "What matters", sentences(words), tuple(_pictures(source)), (table,))


def _pictures(source: Source) -> Iterator[Picture]:
    from sweep.report.charts.intervals import Interval, interval_chart

    assert source.study is not None
    found, metric = source.study.importance, source.study.objective.metric
    rows = [
        Interval(found.survivors.names[each.index], each.share.value, each.share.low, each.share.high)
        for each in found.matters[:MOST]
    ]
    ticks = ([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100"])
    first = f"most by {rows[0].name}, {100 * rows[0].value:.0f} %"
    svg = interval_chart(rows, ticks, "share of the variance in %", f"Share of the variance of {metric}: {first}")
    yield Picture("Share of the variance, by each parameter alone, with 90 % intervals.", svg)
