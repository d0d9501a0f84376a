"""What statistics say of a sweep, and the charts of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from sweep.arguments import whole
from sweep.errors import SweepError
from sweep.results.charts import DrawnTrials

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.figure import Figure
    from numpy.typing import NDArray


class StudiedTrials(DrawnTrials):
    """The trials of one sweep, about which questions may be asked."""

    def correctness(self, trial: int) -> NDArray[np.bool_]:
        """Return whether each example of the objective's part is right, at the epoch that stands for a trial.

        Raises:
            SweepError: when that is not known, as of a user's own trainer or of another objective than an accuracy.
        """
        number = whole(trial, "trial")
        found = self.store.correctness(self.record.id, [number])
        if number not in found:
            self.store.trial(self.record.id, number)  # tells where there is no such trial
            raise SweepError(
                f"which examples {self.name}/{number} has right is not known: it is kept of networks of ours that are "
                "ranked by test_accuracy or validation_accuracy; train it again with this version of sweep"
            )
        return found[number]

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
