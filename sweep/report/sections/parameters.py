"""The metric against each parameter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sweep.report.charts.points import SHOWN, points
from sweep.report.content import Key, Picture, Section
from sweep.report.sections.curves import ended_early
from sweep.report.source import Source

if TYPE_CHECKING:
    from sweep.records import Parameter

MOST = 12
"""Charts at most."""


def section(source: Source) -> Section | None:
    """Return a chart for each parameter; nothing where none was searched or no trial has ended."""
    trials, objective = source.trials, source.objective
    ended = trials[trials["status"].isin(SHOWN)]
    known = [each for each in _ordered(source) if each.short_name in trials and ended[each.short_name].notna().any()]
    if ended.empty or not known:
        return None
    first = source.winners[0] if source.winners else None
    pictures = [Picture(_caption(each), points(ended, each, objective, first)) for each in known[:MOST]]
    if len(known) > MOST:
        pictures[-1] = replace(pictures[-1], caption=f"{pictures[-1].caption} {len(known) - MOST} more are not shown.")
    return Section("parameters", "Each parameter", pictures=tuple(pictures), legend=tuple(_legend(source)))


def _legend(source: Source) -> Iterator[Key]:
    if source.winners:
        yield Key("●", "first", f"trial {source.winners[0]}, the best")
    if source.count("completed"):
        yield Key("●", "top", "completed")
    yield from ended_early(source)


def _caption(parameter: Parameter) -> str:
    return f"Against {parameter.short_name}{', on a logarithmic axis' if parameter.log else ''}."


def _ordered(source: Source) -> Sequence[Parameter]:
    """Return the searched parameters, those that matter most first."""
    searched, study = source.results.searched, source.study
    if study is None or not study.importance.has_figures:
        return searched
    ranks: dict[str, int] = {}
    for place, each in enumerate(study.importance.matters):
        ranks.setdefault(study.places[each.index].name, place)
    return sorted(searched, key=lambda each: ranks.get(each.name, len(ranks)))
