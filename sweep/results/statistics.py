"""What statistics say of a sweep, and the charts of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from sweep.arguments import whole
from sweep.results.charts import DrawnTrials

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


class StudiedTrials(DrawnTrials):
    """The trials of one sweep, about which questions may be asked."""

    def explanation(
        self, trial: int, baseline: int | None = None, order: Literal["greedy", "file"] = "greedy"
    ) -> pd.DataFrame:
        """Return the steps from a baseline to a trial, as far as `sweep.explain` has trained them.

        Args:
            trial: its number.
            baseline: that of the trial at which the way begins; by default the middle of each range of the file.
            order: as of `sweep.explain`, which trains fewer steps in the order of the file.

        Raises:
            SweepError: when no step was trained.
        """
        from sweep.results.explain import explanation
        from sweep.runner.explain import Task

        begin = None if baseline is None else whole(baseline, "baseline")
        return explanation(self, Task(whole(trial, "trial"), begin, order=order), all_seeds=True)

    def finalist_pairs(self) -> pd.DataFrame:
        """Return one row for each pair of finalists; see `sweep.analysis.finalists.pairs_table`.

        Raises:
            SweepError: when no configuration was trained with fresh seeds.
        """
        from sweep.analysis.finalists import pairs_table
        from sweep.results.finalists import finalists_in

        return pairs_table(finalists_in(self))

    def finalists(self) -> pd.DataFrame:
        """Return one row for each configuration that was trained with fresh seeds, the best one first.

        See `sweep.analysis.finalists.finalists_table`.

        Raises:
            SweepError: when none was.
        """
        from sweep.analysis.finalists import finalists_table
        from sweep.results.finalists import finalists_in

        return finalists_table(finalists_in(self), self.objective.metric)

    def plot_finalists(self) -> Figure:
        """Draw the trainings of the finalists with fresh seeds, what is expected of each, and the value in the search.

        Raises:
            SweepError: when no configuration was trained with fresh seeds.
        """
        from sweep.results import plots
        from sweep.results.finalists import trainings_of

        return plots.finalists_chart(self.finalists(), trainings_of(self), self.objective, title=self.name)
