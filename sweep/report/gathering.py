"""Gathering all that a report of a sweep tells."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sweep.report.answer import answer, state
from sweep.report.content import Report
from sweep.report.sections import SECTIONS
from sweep.report.source import Source
from sweep.results.format import format_value
from sweep.system.distribution import own_version

if TYPE_CHECKING:
    from sweep.results.sweep import Sweep

NAMED = 12
"""Parameters that are told of a trial that a pointer has found."""


def gather(results: Sweep, progress: Callable[[int, int], None]) -> Report:
    """Return the report of a sweep, whatever it has come to; `progress` is called with (sections done, all)."""
    source = Source(results)
    total, sections = len(SECTIONS) + 1, []
    for done, (_, make) in enumerate(SECTIONS):
        progress(done, total)
        sections.append(make(source))
    progress(total - 1, total)
    named = _named(source)
    report = Report(
        results.name,
        results.record.description,
        state(source),
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, by sweep {own_version()}",
        answer(source),
        tuple(each for each in sections if each is not None),
        named,
        _marks(source, named),
    )
    progress(total, total)
    return report


def _named(source: Source) -> tuple[str, ...]:
    """Return the metric and the parameters that are told of a trial."""
    searched = [each.short_name for each in source.results.searched if each.short_name in source.trials]
    return (source.objective.metric, *searched[:NAMED])


def _marks(source: Source, named: tuple[str, ...]) -> dict[str, list[str]]:
    """Return what is told of each trial that has a mark or a curve."""
    shown = source.trials[~source.trials["status"].isin(("queued", "failed"))]
    columns = [[format_value(name, value) for value in shown[name].astype(object)] for name in named]
    rows = zip(shown["trial"], shown["status"], *columns, strict=True)
    return {str(number): [str(status), *words] for number, status, *words in rows}
