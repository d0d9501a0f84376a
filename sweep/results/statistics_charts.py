"""Charts of what statistics say of a sweep, and of all its trials beside each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sweep.arguments import texts
from sweep.metrics import Direction
from sweep.results.statistics import StudiedTrials

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sweep.results.trials import SweepTrials


class ChartedTrials(StudiedTrials):
    """The trials of one sweep, with the charts of questions about all of them."""

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
        from sweep.results.distributions import draw_distributions

        return draw_distributions(self, others, by, direction)

    def plot_effect(
        self, x: str | Sequence[str] | None = None, by: str | None = None, direction: Direction | None = None
    ) -> Figure:
        """Draw what the metric is expected to be along each parameter, or those named.

        Raises:
            SweepError: as of `effects`.
        """
        from sweep.results.effects import draw_effects, told_study

        return draw_effects(*told_study(self, by, direction), [] if x is None else texts(x, "x"), self.name)

    def plot_efficiency(self, by: str | None = None, direction: Direction | None = None) -> Figure:
        """Draw the best of groups of 1, 2, 4, … trials: what a smaller sweep would have found.

        Raises:
            SweepError: when its trials were not drawn independently, some were pruned, or fewer than two have ended.
        """
        from sweep.results import plots
        from sweep.results.independent import check_independent

        check_independent(self, "efficiency chart")
        objective = self.ranked_by(by, direction)
        return plots.efficiency_chart(self._trials(objective), objective, title=self.name, repeats=self.repeats)

    def plot_finalists(self) -> Figure:
        """Draw the trainings of the finalists with fresh seeds, what is expected of each, and the value in the search.

        Raises:
            SweepError: when no configuration was trained with fresh seeds.
        """
        from sweep.results import plots
        from sweep.results.finalists import trainings_of

        return plots.finalists_chart(self.finalists(), trainings_of(self), self.objective, title=self.name)

    def plot_heatmap(
        self, x: str | Sequence[str] | None = None, y: str | None = None, direction: Direction | None = None
    ) -> Figure:
        """Draw the mean of a metric by two parameters: those named, or those that tell most about a trial's rank.

        Raises:
            SweepError: when there is no such parameter or metric, or no trial has ended.
        """
        from sweep.results import plots

        return self._by_parameters(plots.heatmap_chart, x, y, direction)

    def plot_history(self, by: str | None = None, direction: Direction | None = None) -> Figure:
        """Draw a metric, by default that of the objective, by trial number, with the best so far.

        Raises:
            SweepError: when there is no such metric, or no trial has ended.
        """
        from sweep.results import plots

        objective = self.ranked_by(by, direction)
        return plots.history_chart(self._trials(objective), objective, title=self.name, repeats=self.repeats)

    def plot_importance(self, by: str | None = None, direction: Direction | None = None) -> Figure:
        """Draw how much each parameter matters, with intervals.

        Raises:
            SweepError: as of `importance`.
        """
        from sweep.analysis.importance_report import importance_table, summary
        from sweep.results import plots
        from sweep.results.effects import told_study

        study, _ = told_study(self, by, direction)
        metric, found = study.objective.metric, study.importance
        table = importance_table(found)
        return plots.importance_chart(table, metric=metric, facts=summary(found, metric), title=self.name)

    def plot_interaction(
        self, x: str | Sequence[str] | None = None, by: str | None = None, direction: Direction | None = None
    ) -> Figure:
        """Draw how two parameters act together, by default the two with the strongest evidence.

        Raises:
            SweepError: as of `importance`, or when the evidence carries none and none are named.
            UsageError: when not two are named.
        """
        from sweep.results.effects import draw_interaction, told_study

        return draw_interaction(*told_study(self, by, direction), [] if x is None else texts(x, "x"), self.name)

    def plot_parallel(
        self, x: str | Sequence[str] | None = None, y: str | None = None, direction: Direction | None = None
    ) -> Figure:
        """Draw each trial as a line across an axis for each parameter, or those named, and one of the metric.

        Raises:
            SweepError: when there is no such parameter or metric, or no trial has ended.
        """
        from sweep.results import plots

        return self._by_parameters(plots.parallel_chart, x, y, direction)

    def _by_parameters(
        self, draw: Callable[..., Figure], x: str | Sequence[str] | None, y: str | None, direction: Direction | None
    ) -> Figure:
        """Draw a chart of all trials by the searched parameters, or by those named."""
        objective, names = self.ranked_by(y, direction), None if x is None else texts(x, "x")
        trials = self._trials(objective)
        return draw(trials, self.searched, objective, title=self.name, x=names, repeats=self.repeats)

    def plot_tuning_curve(self) -> Figure:
        """Draw the median best of n random trials against n, with a band of 95 % for the whole curve.

        Raises:
            SweepError: when the trials are not independent draws that ran to their end.
        """
        from sweep.results import plots
        from sweep.results.tuning_curve import curve_of

        curve = curve_of(self)[0]
        return plots.tuning_curves(plots.tuning_points({self.name: curve}), self.objective, title=self.name)
