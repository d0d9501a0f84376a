"""What the sections of a report look at, each read from the database once."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from sweep.errors import SweepError
from sweep.experiment.parameters import read_table
from sweep.experiment.parents import parent_of

if TYPE_CHECKING:
    import pandas as pd

    from sweep.analysis.divergence import Law
    from sweep.records import Progress
    from sweep.results.importance import Study
    from sweep.results.sweep import Sweep


class Source:
    """A sweep, and what several sections ask of it."""

    def __init__(self, results: Sweep) -> None:
        self.results = results
        self.record = results.record
        self.objective = results.objective

    @cached_property
    def progress(self) -> Progress:
        """How far it has come."""
        return self.results.store.progress(self.record.id)

    @cached_property
    def table(self) -> dict[str, object]:
        """The tables of its experiment file."""
        return read_table(self.record.experiment, self.record.name, self.record.overrides)

    @cached_property
    def parent(self) -> str | None:
        """The sweep that its trials were made from; None where they were drawn."""
        return parent_of(self.record)

    @cached_property
    def trials(self) -> pd.DataFrame:
        """One row for each trial, as of `Sweep.trials`, those that rank by an earlier training as completed."""
        from sweep.results.leaderboard import ranked_as_completed

        return ranked_as_completed(self.results.trials())

    @cached_property
    def epochs(self) -> pd.DataFrame:
        """One row for each epoch of each trial."""
        return self.results.epochs()

    @cached_property
    def best(self) -> pd.DataFrame:
        """The best ten trials, or configurations."""
        return self.results.best()

    @cached_property
    def winners(self) -> Sequence[int]:
        """Numbers of the best ten trials, or of those of the best configurations."""
        return self.results.best_trials(10) if self.results.repeats > 1 else [int(each) for each in self.best["trial"]]

    @cached_property
    def law(self) -> Law | None:
        """The probability to diverge; None where no trial has completed or diverged."""
        with suppress(SweepError):
            return self.results.divergence_law()
        return None

    @cached_property
    def study(self) -> Study | None:
        """What is known about what matters; None where it cannot be asked."""
        from sweep.results.importance import study_of

        with suppress(SweepError):
            return study_of([self.results])
        return None

    def count(self, *statuses: str) -> int:
        """Return the number of trials with one of some statuses."""
        return sum(count for status, count in self.progress.counts.items() if status in statuses)
