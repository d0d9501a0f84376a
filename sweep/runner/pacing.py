"""The time that a sweep still takes, from its trials in the database."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from sweep.metrics import Objective
from sweep.records import ENDED, Progress, Remaining, Scalar
from sweep.runner.comparing import MOST, compare
from sweep.runner.remaining import Pace, Stopping, remaining
from sweep.stopping import AnyRule, RungRule
from sweep.stopping.halving import CANDIDATES, Halving
from sweep.stopping.hyperband import Hyperband
from sweep.stopping.median import Median
from sweep.stopping.rungs import rungs
from sweep.store import Store
from sweep.store.growth import read_parameters
from sweep.store.histories import read_curves
from sweep.store.paces import TrialPace, read_paces

SECONDS = 2.0
"""Interval between two estimates."""
SHARE = 50
"""The interval is at least so many times as long as an estimate takes."""
MOST_LABELS = 8
"""A text with more different values than that tells nothing of the time of an epoch."""
STOPPED_BY_MEDIAN, MEDIAN_WEIGHT = 0.35, 4.0
"""What the rule of the median stops at its first comparison, and how many trials it takes to know better."""


class TimeLeft:
    """Estimates how long a sweep still takes, and does so again only now and then."""

    def __init__(
        self,
        store: Store,
        sweep_id: int,
        rules: Mapping[str, AnyRule],
        objective: Objective,
        *,
        duration: float | None = None,
        only: Collection[int] | None = None,
    ) -> None:
        """Estimate for a sweep.

        Args:
            rules: its stopping rules.
            objective: what it searches for.
            duration: seconds from now after which no trial is begun any more; None for no limit.
            only: numbers of the trials that are trained; None for all.
        """
        self._store = store
        self._sweep_id = sweep_id
        self._rules = rules
        self._objective = objective
        self._only = only
        self._closes = None if duration is None else time.monotonic() + duration
        self._features: dict[int, tuple[float, ...]] = {}
        self._workers: list[int] = []
        self._due = -math.inf
        self._estimate: Remaining | None = None
        self._made = 0.0

    def left(self, progress: Progress) -> Remaining | None:
        """Return the time until no trial is trained any more; None where it is not known."""
        # Between two trials a worker has none, so the latest counts together tell how many there are.
        self._workers = [*self._workers, len(progress.running)][-10:]
        now = time.monotonic()
        if now >= self._due:
            try:
                self._estimate = self._estimated(progress)
            except (ArithmeticError, ValueError):  # what was drawn may be beyond all numbers; nothing else must suffer
                self._estimate = None
            self._made = now
            self._due = now + max(SECONDS, SHARE * (time.monotonic() - now))
        return None if self._estimate is None else self._estimate.after(now - self._made)

    def _estimated(self, progress: Progress) -> Remaining | None:
        with self._store.database.reading() as connection:
            rows = read_paces(connection, self._sweep_id)
            if len(self._features) != len(rows):
                self._features = features(rows, read_parameters(connection, self._sweep_id, 0))
            stopping = self._stopping(connection, rows, progress)
        paces = [
            Pace(
                "ended" if row.status in ENDED else "running" if row.status == "running" else "waiting",
                row.epochs,
                row.planned or progress.epochs,
                row.seconds,
                row.overhead,
                self._features.get(row.number, ()),
                row.status == "pruned",
            )
            for row in rows
            if row.status in (*ENDED, "running") or (self._is_trained(row.number) and row.status != "interrupted")
        ]
        undrawn = progress.total - sum(progress.counts.values()) if self._only is None else 0
        closes = None if self._closes is None else self._closes - time.monotonic()
        return remaining(paces, max(self._workers), undrawn, stopping, closes) if paces else None

    def _stopping(self, connection: Connection, rows: Sequence[TrialPace], progress: Progress) -> Stopping | None:
        """Return what is known of the rules, that of the median from the curves if it is the only one."""
        stopping = stopping_of(self._rules.values(), progress.epochs)
        rule = next(iter(self._rules.values()), None)
        if stopping is None or len(self._rules) > 1 or not isinstance(rule, Median):
            return stopping
        latest = [row.trial_id for row in rows if row.epochs][-MOST:]
        found = read_curves(connection, self._sweep_id, self._objective.metric, latest)
        curves = [[curve[epoch] for epoch in sorted(curve) if epoch] for curve in found.values()]
        finite = [list(itertools.takewhile(math.isfinite, curve)) for curve in curves]
        comparison = compare(finite, rule, progress.epochs, is_max=self._objective.is_max)
        return replace(stopping, comparison=comparison)

    def _is_trained(self, number: int) -> bool:
        return self._only is None or number in self._only


def stopping_of(rules: Iterable[AnyRule], planned: int) -> Stopping | None:
    """Return what is known of stopping rules before they have stopped anything; None where that is nothing."""
    for rule in rules:
        if isinstance(rule, Median):
            return Stopping((rule.grace + 1,), STOPPED_BY_MEDIAN, MEDIAN_WEIGHT)
        if isinstance(rule, RungRule) and not isinstance(rule, Hyperband):
            factor, first = getattr(rule, "factor", 2), getattr(rule, "first", 3)
            if isinstance(rule, Halving) and first == "auto":
                first = CANDIDATES[len(CANDIDATES) // 2]
            return Stopping(tuple(rungs(first, factor, planned)), 1 - 1 / factor)
    return None


def features(rows: Sequence[TrialPace], parameters: Mapping[int, Mapping[str, Scalar]]) -> dict[int, tuple[float, ...]]:
    """Return numbers that may tell what an epoch of each trial costs, by trial number.

    Positive numbers are taken by their logarithm, a text as one number for each of its values; what a trial does not
    have is the mean of the others.
    """
    names = sorted({name for drawn in parameters.values() for name in drawn})
    columns: list[list[float | None]] = [[_log(row.multiplications) for row in rows]]
    for name in names:
        values = [parameters.get(row.number, {}).get(name) for row in rows]
        texts = sorted({value for value in values if isinstance(value, str)})
        numbers = [value for value in values if isinstance(value, int | float)]
        if numbers:
            is_positive = min(numbers) > 0
            found = [value if isinstance(value, int | float) else None for value in values]
            columns.append([_log(value) if is_positive else value for value in found])
        if len(texts) <= MOST_LABELS:
            columns += [[float(value == text) for value in values] for text in texts]
    filled = [_filled(column) for column in columns]
    return {row.number: tuple(column[place] for column in filled) for place, row in enumerate(rows)}


def _log(value: float | None) -> float | None:
    return math.log(value) if value is not None and value > 0 else None


def _filled(column: Sequence[float | None]) -> list[float]:
    known = [value for value in column if value is not None]
    mean = sum(known) / len(known) if known else 0.0
    return [mean if value is None else value for value in column]
