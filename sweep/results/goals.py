"""The trials of a sweep compared by several goals at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sweep.arguments import texts, whole
from sweep.results.trials import SweepTrials

if TYPE_CHECKING:
    import pandas as pd

    from sweep.results.pareto import Goal


class ComparedTrials(SweepTrials):
    """The trials of one sweep, which may be compared by several goals."""

    def pareto(self, goals: str | Sequence[str], where: str | None = None, n: int | None = None) -> pd.DataFrame:
        """Return the completed trials that no other beats in all goals, with repeats the configurations.

        Args:
            goals: two or more of metrics at the epoch that stands for a trial, `seconds`, `network_parameters` (or
                `parameters`), `multiplications`, and searched parameters that are numbers, with commas between them or
                as a list. Less is better of all but metrics; ":max" or ":min" behind a name says otherwise.
            where: as of `best`; what it leaves out beats no trial.
            n: number of rows; None for all.

        Raises:
            UsageError: when an argument cannot be used.
        """
        from sweep.results import leaderboard, pareto

        n = None if n is None else whole(n, "n")
        leaderboard.check_count(n)
        chosen = self.goals(goals)
        return pareto.table(self.compared(chosen, where), chosen, self.parameters)[:n]

    def goals(self, goals: str | Sequence[str]) -> list[Goal]:
        """Return goals as they are named for `pareto`.

        Raises:
            UsageError: when one is not known, or they are fewer than two.
        """
        from sweep.results.pareto import read_goals

        names = goals.split(",") if isinstance(goals, str) else texts(goals, "goals")
        directions = {name: self.objective.known_direction(name) for name in self.metrics()}
        directions[self.objective.metric] = self.objective.direction
        return read_goals(names, directions, self.parameters)

    def compared(self, goals: Sequence[Goal], where: str | None = None) -> pd.DataFrame:
        """Return the trials, or with repeats the configurations, with the values of some goals.

        Raises:
            UsageError: when the condition cannot be used.
        """
        from sweep.results.filter import matching
        from sweep.results.leaderboard import ranked_as_completed
        from sweep.results.repeats import configurations

        recorded = self.metrics()
        metrics = [goal.name for goal in goals if goal.name in recorded]
        trials = ranked_as_completed(self._trials(self.objective, also=metrics))
        if self.repeats > 1:
            trials = configurations(trials, self.objective, self.repeats, metrics)
        return trials if where is None else trials[matching(trials, where, self.parameters)]
