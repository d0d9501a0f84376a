"""What statistics say of a sweep."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sweep.arguments import folder_or_file, texts, whole
from sweep.errors import SweepError
from sweep.metrics import Direction
from sweep.results.charts import DrawnTrials

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from sweep.pack.writing import Packed
    from sweep.results.comparison import Comparison
    from sweep.results.trials import SweepTrials


class StudiedTrials(DrawnTrials):
    """The trials of one sweep, about which questions may be asked."""

    def compare(self, *others: SweepTrials, n: Sequence[float] | None = None) -> Comparison:
        """Return how good the best of n random trials of this sweep and of others is, and which is better.

        Args:
            others: sweeps that are ranked by the same metric.
            n: numbers of trials; by default 1, 2, 5, 10 and so on up to the most that all have.

        Raises:
            SweepError: when the trials of one are not independent draws that ran to their end.
            UsageError: when the sweeps cannot be compared.
        """
        from sweep.results.comparison import compare

        return compare([self, *others], n)

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

    def diff(self, first: int, second: int, other: SweepTrials | None = None) -> pd.DataFrame:
        """Return what differs between two trials, side by side; the columns are those of `sweep diff`.

        Args:
            first: number of a trial.
            second: number of another one.
            other: the sweep that the second is of, by default this one.

        Raises:
            SweepError: when there is no such trial, or both are the same.
        """
        from sweep.results.difference import difference

        return difference(self, whole(first, "first"), other or self, whole(second, "second"))[0]

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

    def pack(self, file: str | Path, *, batches: bool = False) -> Packed:
        """Write the sweep to one file that `sweep.verify` checks; the same sweep always gives the same bytes.

        Args:
            file: where it is written, in place of an older one, such as digits.zip.
            batches: whether the losses of mini-batches are written, too.

        Raises:
            SweepError: when trials are being trained, or the file cannot be written.
        """
        from sweep.pack.writing import pack

        return pack(self.record, self.store, folder_or_file(file, "file"), with_batches=batches)

    def review(self) -> pd.DataFrame:
        """Return the verdicts on the sweep, one row each: whether it passed, the figure, the evidence, the advice.

        `verdict` is in words; `fault` names what was looked for, whatever came of it. `passed` is missing where it
        cannot be judged; the evidence says why.

        Raises:
            SweepError: when its trials were made from those of another sweep.
        """
        from sweep.analysis.review import frame
        from sweep.results.review import verdicts

        return frame(verdicts(self))

    def tuning_curve(self, n: Sequence[float] | None = None, quantile: float = 0.5) -> pd.DataFrame:
        """Return the median best of n random trials, or another quantile, with a band of 95 % for the whole curve.

        With repeats these are configurations, each by its mean. Diverged trials count as worst, failed ones not at all.

        Args:
            n: numbers of trials; by default 1, 2, 5, 10 and so on up to those of the sweep.
            quantile: of how good the best is, between 0 and 1: with 0.9 as good a one is found once in ten times.

        Returns: `trials`, `best`, `low`, `high`; an end that is not known is infinite.

        Raises:
            SweepError: when the trials are not independent draws that ran to their end.
            UsageError: when an argument is out of range.
        """
        from sweep.errors import UsageError
        from sweep.results.tuning_curve import checked_counts, curve_of, table

        if not 0 < quantile < 1:
            raise UsageError(f"quantile must be between 0 and 1, not {quantile}")
        curve = curve_of(self)[0]
        return table(curve, checked_counts(n, len(curve.scores)), quantile)
