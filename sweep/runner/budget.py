"""Budgets: when a sweep starts no more trials."""

from __future__ import annotations

import time

from sweep.engines import RunOptions
from sweep.metrics import Objective
from sweep.records import SweepRecord
from sweep.store import Store

_GOOD_ENOUGH = "a trial has a"


class BudgetCheck:
    """Tells whether the budget of a run is spent; trials that are being trained then go on to their end."""

    def __init__(self, options: RunOptions, record: SweepRecord, store: Store) -> None:
        self._options = options
        self._record = record
        self._store = store
        self._started = time.monotonic()

    def reached(self) -> str | None:
        """Return which limit has been reached, in one clause; None while none has."""
        duration, most = self._options.duration, self._options.epochs_total
        if duration is not None and time.monotonic() - self._started >= duration:
            return f"the {duration:.3g} seconds that it was given are over"
        if most is not None and (begun := self._store.epochs_begun(self._record.id)) >= most:
            return f"{begun} epochs are trained or begun, and {most} were asked for"
        return self._until_reached(self._record.objective)

    def _until_reached(self, objective: Objective) -> str | None:
        until = self._options.until
        best = None if until is None else self._store.progress(self._record.id).best
        if until is None or best is None or objective.is_better(until, best):
            return None
        return f"{_GOOD_ENOUGH} {objective.metric} of {best:.6g}, and {until:g} was asked for"


def is_of_value(reason: str) -> bool:
    """Tell whether a reason is that a trial has reached the value that was asked for."""
    return reason.startswith(_GOOD_ENOUGH)
