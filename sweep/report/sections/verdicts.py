"""The verdicts of `sweep review`."""

from __future__ import annotations

from sweep.errors import SweepError, counted
from sweep.report.content import Item, Section, sentence
from sweep.report.source import Source


def section(source: Source) -> Section | None:
    """Return the verdicts, those that call for something first; nothing of a sweep that is no search."""
    from sweep.analysis.review import FINE, MARKS
    from sweep.results.review import verdicts

    try:
        found = verdicts(source.results)
    except SweepError:
        return None
    ordered = sorted(found, key=lambda each: (each.passed is not False, each.passed is None))
    items = [
        Item(
            MARKS[each.passed],
            FINE[each.name] if each.passed else each.name,
            each.evidence,
            each.advice,
        )
        for each in ordered
    ]
    failing = sum(each.passed is False for each in found)
    words = f"{failing} of {counted(len(found), 'verdict')} call for something to be done"
    legend = "✓ all is well, ! something may be wrong, – it cannot be judged"
    return Section("verdicts", "What may be wrong", (sentence(words), sentence(legend)), items=tuple(items))
