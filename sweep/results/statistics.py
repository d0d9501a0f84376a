"""What statistics say of a sweep, and the charts of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sweep.arguments import texts
from sweep.metrics import Direction
from sweep.results.charts import DrawnTrials

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sweep.results.trials import SweepTrials


class StudiedTrials(DrawnTrials):
    """The trials of one sweep, about which questions may be asked."""

    def plot_distribution(
        self, others: Sequence[str | SweepTrials] = (), by: str | None = None, direction: Direction | None = None
    ) -> Figure:
        """Draw the share of trials with at most each value of a metric, over that of other sweeps.

        Args:
            others: sweeps, or names of sweeps in the same database.
            by, direction: as of `ranked_by`.

        Raises:
            SweepError: when there is no such sweep or metric, another sweep does not have it, or no trial has ended.
        """
        from sweep.results.comparison import draw_distributions

        return draw_distributions(self, others, by, direction)

    def plot_efficiency(self, by: str | None = None, direction: Direction | None = None) -> Figure:
        """Draw the best of groups of 1, 2, 4, … trials: what a smaller sweep would have found.

        Raises:
            SweepError: when its trials were not drawn independently, some were pruned, or fewer than two have ended.
        """
        from sweep.results import plots
        from sweep.results.comparison import check_independent

        check_independent(self.record)
        objective = self.ranked_by(by, direction)
        return plots.efficiency_chart(self._trials(objective), objective, title=self.name, repeats=self.repeats)

    def plot_heatmap(
        self, x: str | Sequence[str] | None = None, y: str | None = None, direction: Direction | None = None
    ) -> Figure:
        """Draw the mean of a metric by two parameters: those named, or those that tell most about a trial's rank.

        Raises:
            SweepError: when there is no such parameter or metric, or no trial has ended.
        """
        from sweep.results import plots

        objective, x = self.ranked_by(y, direction), None if x is None else texts(x, "x")
        trials = self._trials(objective)
        return plots.heatmap_chart(trials, self.searched, objective, title=self.name, x=x, repeats=self.repeats)

    def plot_history(self, by: str | None = None, direction: Direction | None = None) -> Figure:
        """Draw a metric, by default that of the objective, by trial number, with the best so far.

        Raises:
            SweepError: when there is no such metric, or no trial has ended.
        """
        from sweep.results import plots

        objective = self.ranked_by(by, direction)
        return plots.history_chart(self._trials(objective), objective, title=self.name, repeats=self.repeats)

    def plot_parallel(
        self, x: str | Sequence[str] | None = None, y: str | None = None, direction: Direction | None = None
    ) -> Figure:
        """Draw each trial as a line across an axis for each parameter, or those named, and one of the metric.

        Raises:
            SweepError: when there is no such parameter or metric, or no trial has ended.
        """
        from sweep.results import plots

        objective, x = self.ranked_by(y, direction), None if x is None else texts(x, "x")
        trials = self._trials(objective)
        return plots.parallel_chart(trials, self.searched, objective, title=self.name, x=x, repeats=self.repeats)
