"""The trial scheduler: which trial of a sweep is trained next."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator

from sweep.records import SweepRecord
from sweep.runner.budget import BudgetCheck
from sweep.runner.growth import Growth
from sweep.runner.rungs import Rungs
from sweep.runner.waves import Waves
from sweep.store import Store
from sweep.trial.worker import Assignment


class Scheduler(Iterator[Assignment | None]):
    """Yields the trials of a sweep that can be trained, until nothing is left to do.

    It yields None where there is none at the moment, as a decision waits for trials that are being trained.
    """

    def __init__(
        self,
        record: SweepRecord,
        store: Store,
        assigned: Callable[[int], Assignment],
        *,
        rungs: Rungs | None = None,
        waves: Waves | None = None,
        growth: Growth | None = None,
        budget: BudgetCheck | None = None,
        only: Collection[int] | None = None,
    ) -> None:
        """Take what decides about the trials of a sweep.

        Args:
            assigned: returns the assignment of a trial by its number.
            only: the trials that are trained; None for all that are queued.
        """
        self._assigned = assigned
        self._rungs = rungs
        self._waves = waves
        self._growth = growth
        self._budget = budget
        queued = [] if waves else store.queued(record.id)
        self._queue = deque(number for number in queued if only is None or number in only)
        self._running = 0
        self._has_changed = True
        """Whether a trial has ended since there was nothing to train."""
        self.has_handed_out = False
        """Whether there was a trial to train."""
        self.ended: str | None = None
        """Why no more trials are started, in one clause, if a budget has been reached."""

    def __next__(self) -> Assignment | None:
        """Return the next trial to train."""
        if self.ended is None and self._has_changed and self._budget:
            self.ended = self._budget.reached()
        if self.ended is None and self._has_changed:
            number = self._next_number()
            if number is not None:
                self._running += 1
                self.has_handed_out = True
                return self._assigned(number)
            self._has_changed = False
        if self._running:
            return None
        raise StopIteration

    def _next_number(self) -> int | None:
        if self._growth and self._rungs and self._rungs.is_eager and not (self._queue or self._running):
            self._queue.extend(self._growth.draw_more())  # as the rule stops all that wait once nobody is trained
        if self._rungs and self._rungs.is_eager:
            self._queue.extendleft(self._rungs.decide())
        if not self._queue and self._rungs:
            self._queue.extend(self._rungs.decide())
        if not self._queue and self._waves:
            self._queue.extend(self._waves.next())
        if not self._queue and self._growth:
            self._queue.extend(self._growth.draw_more() if self._waves is None else self._drawn_in_waves())
        return self._queue.popleft() if self._queue else None

    def _drawn_in_waves(self) -> list[int]:
        """Draw further trials and return those of their first wave."""
        return self._waves.next() if self._growth and self._waves and self._growth.draw_more() else []

    def count_ended(self) -> None:
        """Take note that a trial is not trained any more."""
        self._running -= 1
        self._has_changed = True
