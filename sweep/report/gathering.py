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
    report = Report(
        results.name,
        results.record.description,
        state(source),
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, by sweep {own_version()}",
        answer(source),
        tuple(each for each in sections if each is not None),
        marks(source),
    )
    progress(total, total)
    return report


def marks(source: Source) -> dict[str, list[str]]:
    """Return what is said of each trial beside the charts: number and status, the metric, the parameters."""
    metric = source.objective.metric
    names = [each.short_name for each in source.results.searched if each.short_name in source.trials][:NAMED]
    columns = [source.trials[name].astype(object) for name in (metric, *names)]
    found = {}
    for number, status, *values in zip(source.trials["trial"], source.trials["status"], *columns, strict=True):
        if status in ("queued", "failed"):
            continue
        told = [(name, format_value(name, value)) for name, value in zip((metric, *names), values, strict=True)]
        found[str(number)] = [f"trial {number}: {status}", *(f"{name} {word}" for name, word in told if word)]
    return found
