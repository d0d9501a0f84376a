"""A sweep as a notebook shows it: how far it is, its best trials, and a small chart."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sweep.metrics import Objective
from sweep.observer import summary
from sweep.results.format import format_value

if TYPE_CHECKING:
    import pandas as pd

    from sweep.results.trials import SweepTrials

ROWS = 5
WIDTH, HEIGHT, MARGIN = 480, 110, 8
MOST_DOTS = 2_000
"""Of more trials, each so many-th is drawn."""


def page(results: SweepTrials) -> str:
    """Return the HTML of a sweep; whatever comes from users is escaped.

    Raises:
        SweepError: when the database cannot be read.
    """
    progress = results.store.progress(results.record.id)
    statuses = [f"{count} {status}" for status, count in progress.counts.items() if status in ("queued", "running")]
    line = " · ".join([summary(progress), *statuses])
    trials, objective = results.trials(), results.objective
    parts = [f"<strong>{html.escape(results.name)}</strong>"]
    if results.record.description:
        parts.append(f"<br>{html.escape(results.record.description)}")
    parts.append(f"<br>{html.escape(line)}")
    parts += _failures(trials)
    if progress.best is not None:
        parts += [_table(results.best(ROWS)), _chart(trials, objective)]
    return f"<div>{''.join(parts)}</div>"


def _failures(trials: pd.DataFrame) -> list[str]:
    """Return a line with why the first failed trial has failed, if one has."""
    failed = trials[trials["status"] == "failed"]
    if failed.empty:
        return []
    number, error = int(failed["trial"].iloc[0]), failed["error"].iloc[0]
    reason = f": {error}" if isinstance(error, str) else ""
    return [f"<br>{html.escape(f'trial {number} failed{reason}; see more with: s.trial({number}).traceback')}"]


def _table(frame: pd.DataFrame) -> str:
    heads = "".join(f'<th scope="col">{html.escape(str(name))}</th>' for name in frame.columns)
    columns = [[format_value(str(name), value) for value in frame[name]] for name in frame.columns]
    rows = ("".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in zip(*columns, strict=True))
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(f'<tr>{row}</tr>' for row in rows)}</tbody></table>"


def _chart(trials: pd.DataFrame, objective: Objective) -> str:
    """Return the value of each completed trial by its number, and the best so far, as SVG in the color of the text."""
    completed = trials[trials["status"] == "completed"]
    known = [
        (int(number), float(value))
        for number, value in zip(completed["trial"], completed[objective.metric], strict=True)
        if value is not None and math.isfinite(value)
    ]
    if len(known) < 2:
        return ""
    low, high = _limits([value for _, value in known], objective.is_max)
    last = max(1, int(trials["trial"].max()))

    def place(number: int, value: float) -> tuple[float, float]:
        share = 0.5 if high == low else min(1.0, max(0.0, (value - low) / (high - low)))
        return MARGIN + (WIDTH - 2 * MARGIN) * number / last, HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * share

    better, steps, best = max if objective.is_max else min, list[tuple[int, float]](), known[0][1]
    for number, value in known:
        steps.append((number, best))
        best = better(best, value)
        steps.append((number, best))
    dots = known[:: math.ceil(len(known) / MOST_DOTS)]
    words = f"{objective.metric} of each trial, in order, and the best so far: {best:.6g} at last"
    return (
        f'<svg role="img" aria-label="{html.escape(words)}" width="{WIDTH}" height="{HEIGHT}"'
        f' viewBox="0 0 {WIDTH} {HEIGHT}" style="max-width:100%"><title>{html.escape(words)}</title>'
        f'<g fill="currentColor" fill-opacity="0.5">{_circles(place(*each) for each in dots)}</g>'
        f'<polyline fill="none" stroke="currentColor" points="{_points(place(*each) for each in steps)}"/></svg>'
    )


def _limits(values: Sequence[float], is_max: bool) -> tuple[float, float]:
    """Return what the chart shows: the worst tenth may lie below it."""
    ordered = sorted(values)
    tenth = len(ordered) // 10
    return (ordered[tenth], ordered[-1]) if is_max else (ordered[0], ordered[-1 - tenth])


def _circles(places: Iterable[tuple[float, float]]) -> str:
    return "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>' for x, y in places)


def _points(places: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
