"""Sweeps whose trials are drawn only once others have ended: of samplers that learn, or as many as a budget allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from statistics import fmean

from sweep.engines import RunOptions
from sweep.experiment.experiment import Experiment, History
from sweep.records import ENDED, LOST, Scalar, SweepRecord
from sweep.runner.draws import Datasets, grouped
from sweep.runner.prepare import plan
from sweep.space.samplers.adaptive import Result
from sweep.store import Store
from sweep.store.decisions import Competitor


class Growth:
    """Draws the further trials of a sweep and stores them."""

    def __init__(
        self, experiment: Experiment, record: SweepRecord, store: Store, datasets: Datasets, options: RunOptions
    ) -> None:
        self._experiment = experiment
        self._record = record
        self._store = store
        self._datasets = datasets
        self._options = options
        self._parameters: dict[int, dict[str, Scalar]] = {}
        """The drawn values of each trial, as far as they were read."""

    @property
    def _most(self) -> int | None:
        """Number of configurations that are drawn in all; None for no limit."""
        planned = self._record.planned_trials
        if planned is not None:
            return planned // self._record.repeats
        return None if self._experiment.is_endless and self._options.has_budget else 0

    def draw_more(self) -> list[int]:
        """Draw and store the trials that can be drawn now; return their numbers."""
        if self._most == 0:
            return []
        found = self._store.competitors(self._record.id)
        drawn = len(found) // self._record.repeats
        if self._most is not None and drawn >= self._most:
            return []
        history, experiment, options = self._history(found), self._experiment, self._options
        if history is None:
            return []
        trials = self._datasets.take(
            experiment, lambda outside: experiment.draw_more(drawn, self._most, history, outside)
        )
        if not trials:
            return []
        trials = plan(trials, self._datasets.folders, options.observer)
        following = (found[-1].round if found else -1) + experiment.draws_in_rounds
        new = grouped(trials, experiment, following)
        if not self._store.add_trials(self._record.id, new, self._datasets.listed()):
            return []  # another process was quicker
        return [trial.number for trial in new]

    def _history(self, found: Sequence[Competitor]) -> History | None:
        """Return the results in the order in which the sampler is told, and what it was told before each draw.

        None while a trial whose result it was told is being trained again.
        """
        repeats = self._record.repeats
        self._parameters |= self._store.parameters(self._record.id, len(self._parameters))
        by_number = {}
        for number in range(len(found) // repeats):
            same = found[number * repeats : (number + 1) * repeats]
            if all(each.status in ENDED for each in same):
                by_number[number] = result_of(number, self._parameters[number * repeats], same)
        told = [found[number * repeats].told or [] for number in range(len(found) // repeats)]
        earlier = [number for each in told for number in each]
        if not set(earlier) <= by_number.keys():
            return None
        new = [number for number in by_number if number not in set(earlier)]
        new.sort(key=lambda number: _finished(found[number * repeats : (number + 1) * repeats]))
        return History([by_number[number] for number in (*earlier, *new)], told, new)


def result_of(number: int, parameters: Mapping[str, Scalar], same: Sequence[Competitor]) -> Result:
    """Return how a configuration has done, by its trainings."""
    values = [each.best_value for each in same if each.status not in LOST]
    known = [value for value in values if value is not None]
    is_lost = len(known) < len(same)
    stopped = [each.last_epoch for each in same if each.status == "pruned"]
    return Result(number, parameters, None if is_lost else fmean(known), min(stopped) if stopped else None)


def _finished(same: Sequence[Competitor]) -> tuple[datetime, int]:
    """Return when the last training of a configuration ended, and its number for equal times."""
    return max(each.finished or datetime.min for each in same), same[0].number
