"""What statistics say of a sweep, and the charts of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sweep.arguments import texts
from sweep.metrics import Direction
from sweep.results.charts import DrawnTrials

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


class StudiedTrials(DrawnTrials):
    """The trials of one sweep, about which questions may be asked."""

    def effects(
        self, x: str | Sequence[str] | None = None, by: str | None = None, direction: Direction | None = None
    ) -> pd.DataFrame:
        """Return what the metric is expected to be along each parameter, or those named, the others averaged.

        The columns are those of `sweep.analysis.importance_report.effects_table`.

        Raises:
            SweepError: as of `importance`.
            UsageError: when there is no such parameter or metric.
        """
        from sweep.results.effects import effects_of, told_study

        return effects_of(*told_study(self, by, direction), [] if x is None else texts(x, "x"))

    def importance(self, by: str | None = None, direction: Direction | None = None) -> pd.DataFrame:
        """Return how much each parameter matters among the configurations that completed.

        The columns are those of `sweep.analysis.importance_report.importance_table`.

        Args:
            by, direction: the metric, as of `ranked_by`.

        Raises:
            SweepError: when too few have completed, or their parameters explain too little.
        """
        from sweep.analysis.importance_report import importance_table
        from sweep.results.effects import told_study

        return importance_table(told_study(self, by, direction)[0].importance)

    def interactions(self, by: str | None = None, direction: Direction | None = None) -> pd.DataFrame:
        """Return the evidence that pairs of parameters act together, the strongest first.

        The columns are those of `sweep.analysis.importance_report.pairs_table`.

        Raises:
            SweepError: as of `importance`.
        """
        from sweep.analysis.importance_report import pairs_table
        from sweep.results.effects import told_study

        return pairs_table(told_study(self, by, direction)[0].importance)

    def plot_effect(
        self, x: str | Sequence[str] | None = None, by: str | None = None, direction: Direction | None = None
    ) -> Figure:
        """Draw what the metric is expected to be along each parameter, or those named.

        Raises:
            SweepError: as of `effects`.
        """
        from sweep.results.effects import draw_effects, told_study

        return draw_effects(*told_study(self, by, direction), [] if x is None else texts(x, "x"), self.name)

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
