"""The trials of a sweep as frames: all of them, ranked by a metric, or those that diverged."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from sweep.arguments import text, whole
from sweep.errors import Argument, UsageError, suggest
from sweep.experiment.parameters import parameters_of
from sweep.experiment.parents import labels_of
from sweep.metrics import NATIVE_METRICS, Direction, Objective
from sweep.records import Parameter, SweepRecord
from sweep.store import Store

if TYPE_CHECKING:
    import pandas as pd


class SweepTrials:
    """The trials of one sweep; every method reads the database, so the sweep may still be running."""

    def __init__(self, store: Store, record: SweepRecord) -> None:
        self.store = store
        self.record = record

    @property
    def name(self) -> str:
        """Its name."""
        return self.record.name

    @cached_property
    def parameters(self) -> list[Parameter]:
        """The searched parameters; no short name is that of a metric."""
        is_own = self.objective.metric not in NATIVE_METRICS
        return parameters_of(self.record, self.metrics() if is_own else ())

    @cached_property
    def searched(self) -> list[Parameter]:
        """Its parameters without the labels that trials of a sweep made from another one carry."""
        labels = labels_of(self.record)
        return [parameter for parameter in self.parameters if parameter.name not in labels]

    @property
    def objective(self) -> Objective:
        """What its trials are ranked by."""
        return self.record.objective

    @property
    def repeats(self) -> int:
        """The number of trainings of each configuration."""
        return self.record.repeats

    def metrics(self) -> list[str]:
        """Return the names of the metrics that its epochs have, in the order of tables."""
        recorded = self.store.metrics(self.record.id)
        own = [self.objective.metric, *([self.objective.tie_break] if self.objective.tie_break else [])]
        if not recorded and self.objective.metric in NATIVE_METRICS:
            recorded = list(NATIVE_METRICS)
        return list(dict.fromkeys([*recorded, *own]))

    def ranked_by(self, by: str | None = None, direction: Direction | None = None) -> Objective:
        """Return the objective that ranks by a metric of the sweep, by default its own.

        Args:
            by: the name of a metric.
            direction: whether more ("max") or less ("min") is better, where that is not known of the metric.

        Raises:
            UsageError: when there is no such metric, or its direction is not known.
        """
        own = self.objective
        by = None if by is None else text(by, "by")
        if direction not in (None, "max", "min"):
            raise UsageError(f"the direction must be max or min, not {direction!r}")
        if by is None or by == own.metric:
            if direction not in (None, own.direction):
                raise UsageError(f"{own.metric} of {self.name} has the direction {own.direction}; give no other one")
            return own
        names = self.metrics()
        if by not in names:
            raise UsageError(f"there is no metric '{by}' in {self.name}: {suggest(by, names)}")
        try:
            return own.by(by, direction)
        except ValueError:
            options = Argument("direction", "max"), " or ", Argument("direction", "min")
            raise UsageError(f"whether more or less of {by} is better is not known; say it with ", *options) from None

    def trials(self, by: str | None = None, direction: Direction | None = None) -> pd.DataFrame:
        """Return one row for each trial, with its metrics at the epoch that stands for it and its parameters.

        `finding` says of trials that never learned why, in short, if there are any.

        Args:
            by: the metric that chooses the epoch, by default that of the sweep's objective.
            direction: as of `ranked_by`.

        Raises:
            UsageError: when there is no such metric, or its direction is not known.
        """
        return self._trials(self.ranked_by(by, direction))

    def _trials(
        self,
        objective: Objective,
        which: Literal["ranked", "diverged", "pruned"] | None = None,
        n: int | None = None,
        best_first: bool = True,
        also: Iterable[str] = (),
    ) -> pd.DataFrame:
        """Return all trials, or the first `n` of some by rank, with parameters by their short names.

        `also` are further metrics at the same epoch.
        """
        from sweep.results.leaderboard import counterpart
        from sweep.store.frames import Selection

        selection = Selection(which, n, best_first) if which else None
        also = [*filter(None, [counterpart(objective)]), *also]
        frame = self.store.trials(self.record.id, objective, selection, also)
        if (tags := self.store.tags(self.record.id)).keys() - {None} and "tags" not in frame:
            frame["tags"] = frame["trial"].map({number: ", ".join(names) for number, names in tags.items()})
        short_names = {parameter.name: parameter.short_name for parameter in self.parameters}
        if "finding" in frame:
            from sweep.training.findings import short

            frame["finding"] = frame["finding"].map(short, na_action="ignore")
        frame = frame.rename(columns=short_names)
        others = [column for column in frame if column not in short_names.values()]
        return frame[others + [name for name in short_names.values() if name in frame]]

    def best(
        self, n: int | None = 10, by: str | None = None, where: str | None = None, direction: Direction | None = None
    ) -> pd.DataFrame:
        """Rank the best `n` completed trials, or with repeats the best `n` configurations, by their mean.

        `ranks` says of classifiers which ranks the examples of the test part cannot tell apart, and `attrs["ranks"]`
        how that was tested; see `sweep.analysis.brackets`.

        Args:
            n: number of rows; None for all.
            by: a metric of the sweep; by default that of its objective.
            where: a condition on parameters and metrics, such as "alpha < 0.1 and batch_size >= 50".
            direction: as of `ranked_by`.

        Raises:
            UsageError: when an argument cannot be used.
        """
        return self._ranked(n, by, where, direction, best_first=True)

    def worst(
        self, n: int | None = 10, by: str | None = None, where: str | None = None, direction: Direction | None = None
    ) -> pd.DataFrame:
        """Rank the worst `n` that completed, the worst first; for diverged trials see `diverged`."""
        return self._ranked(n, by, where, direction, best_first=False)

    def _ranked(
        self, n: int | None, by: str | None, where: str | None, direction: Direction | None, *, best_first: bool
    ) -> pd.DataFrame:
        from sweep.results import leaderboard
        from sweep.results.brackets import with_ranks

        n = None if n is None else whole(n, "n")
        objective, rank = self.ranked_by(by, direction), leaderboard.best if best_first else leaderboard.worst
        # With a condition all trials are read, so that a mistake in it always shows; with repeats for their counts.
        needs_all = where is not None or self.repeats > 1
        trials = self._trials(objective, None if needs_all else "ranked", n and max(n, 1), best_first)
        ranked = leaderboard.ranked_as_completed(trials)
        table = rank(ranked, self.parameters, objective, n, where, repeats=self.repeats)
        return with_ranks(self, table, objective) if best_first else table

    def best_trials(self, n: int) -> list[int]:
        """Return the numbers of the best `n` completed trials; with repeats of the best `n` configurations."""
        from sweep.results import leaderboard

        table = self.best(n)
        if self.repeats == 1:
            return [int(number) for number in table["trial"]]
        firsts = [int(text.partition("–")[0]) for text in table["trials"]]
        trials = leaderboard.ranked_as_completed(self.trials())
        completed = set(trials.loc[trials["status"] == "completed", "trial"])
        return [number for first in firsts for number in self.siblings(first) if number in completed]

    def siblings(self, number: int) -> list[int]:
        """Return the numbers of all trainings of a trial's configuration, its own included."""
        number = whole(number, "number")
        first = number - number % self.repeats
        return list(range(first, min(first + self.repeats, self.record.trials)))

    def caption(self, by: str | None = None, direction: Direction | None = None, *, best_first: bool = True) -> str:
        """Return one or two lines that say what the leaderboard is ranked by."""
        from sweep.results import leaderboard

        return leaderboard.caption(self.ranked_by(by, direction), self.repeats, best_first)

    def diverged(self, n: int | None = None, where: str | None = None) -> pd.DataFrame:
        """List the trials that diverged, with epoch, step, place and kind."""
        from sweep.results import leaderboard

        n = None if n is None else whole(n, "n")
        trials = self._trials(self.objective, "diverged" if where is None else None)
        return leaderboard.diverged(trials, self.parameters, n, where)

    def pruned(self, n: int | None = None, where: str | None = None) -> pd.DataFrame:
        """List the trials that a stopping rule has ended, with when, by which rule, and what was compared."""
        from sweep.results import leaderboard

        n = None if n is None else whole(n, "n")
        trials = self._trials(self.objective, "pruned" if where is None else None)
        made = {each.trial: each for each in self.store.decisions(self.record.id) if each.decision == "stop"}
        return leaderboard.pruned(trials, made, self.parameters, self.objective, n, where)
