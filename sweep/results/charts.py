"""Charts of a sweep, and the rows that they are drawn from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, overload

from sweep.arguments import count, texts, whole, wholes
from sweep.experiment.imported import refuse_imported
from sweep.metrics import Direction
from sweep.records import TrialRecord
from sweep.results.divergence import AnalyzedTrials

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


class DrawnTrials(AnalyzedTrials):
    """The trials of one sweep, which may be drawn."""

    def trial(self, number: int) -> TrialRecord:
        """Return all that is known of one trial besides its epochs.

        Raises:
            SweepError: when there is no such trial.
        """
        return self.store.trial(self.record.id, whole(number, "number"))

    @overload
    def epochs(self, trial: int | None = None) -> pd.DataFrame: ...

    @overload
    def epochs(self, trial: int | None = None, *, chunk: int) -> Iterator[pd.DataFrame]: ...

    def epochs(self, trial: int | None = None, *, chunk: int | None = None) -> pd.DataFrame | Iterator[pd.DataFrame]:
        """Return one row for each epoch of all trials, or of one.

        Args:
            trial: its number; None for all.
            chunk: number of rows of a frame, at most; then the frames are returned one after another, so that never
                more than one is in memory. All are of one state of the database, and together they are the whole.

        Raises:
            UsageError: when the chunk is not a number from 1 on.
            SweepError: when there is no such trial.
        """
        if chunk is None:
            return self._details(self.store.epochs, trial)
        size = count(chunk, "chunk")
        number = None if trial is None else self.trial(trial).number  # says so if there is none
        return self.store.epochs_in_chunks(self.record.id, number, chunk=size)

    def batches(self, trial: int | None = None) -> pd.DataFrame:
        """Return the loss of each mini-batch of all trials, or of one, as far as they were recorded.

        Raises:
            SweepError: when there is no such trial.
        """
        return self._details(self.store.batches, trial)

    def _details(self, read: Callable[[int, int | None], pd.DataFrame], trial: int | None) -> pd.DataFrame:
        """Return what is read of all trials, or of one that is there."""
        frame = read(self.record.id, None if trial is None else whole(trial, "number"))
        if trial is not None and frame.empty:
            self.trial(trial)  # says so if there is none
        return frame

    def plot(
        self, x: str | Sequence[str] | None = None, y: str | None = None, direction: Direction | None = None
    ) -> Figure:
        """Draw a metric, by default that of the objective, against each searched parameter or those named."""
        from sweep.results import plots
        from sweep.results.leaderboard import ranked_as_completed

        objective = self.ranked_by(y, direction)
        trials = ranked_as_completed(self._trials(objective))
        x = None if x is None else texts(x, "x")
        return plots.scatter_grid(trials, self.searched, objective, title=self.name, x=x, repeats=self.repeats)

    def plot_curves(
        self, by: str | None = None, direction: Direction | None = None, trials: int | Sequence[int] | None = None
    ) -> Figure:
        """Draw a metric, by default that of the objective, of all trials or of those named against their epochs.

        Raises:
            SweepError: when there is no such trial or metric, or no epoch yet.
        """
        from sweep.results import plots

        objective = self.ranked_by(by, direction)
        epochs, rows = self.epochs(), self._trials(objective)
        if trials is not None:
            numbers = [self.trial(number).number for number in wholes(trials, "trials")]
            epochs, rows = epochs[epochs["trial"].isin(numbers)], rows[rows["trial"].isin(numbers)]
        return plots.learning_curves(epochs, rows, objective, title=self.name)

    def plot_costs(self, trials: int | Sequence[int] | None = None) -> Figure:
        """Draw the loss of each mini-batch and its average over each epoch, for all trials or for those named.

        Raises:
            SweepError: when there is no such trial, or no losses of mini-batches were recorded.
        """
        from sweep.results import plots

        trials = None if trials is None else wholes(trials, "trials")
        for number in trials or ():
            self.trial(number)
        batches = self.batches()
        if batches.empty:
            refuse_imported(self.record)
        return plots.cost_curves(batches, self.epochs(), title=self.name, trials=trials)

    def plot_sharpness(self, trials: int | Sequence[int] | None = None) -> Figure:
        """Draw the sharpness of all trials, or of those named, beside the limit of stable steps.

        Raises:
            SweepError: when there is no such trial, or no sharpness was recorded.
        """
        from sweep.results import plots

        epochs, rows = self.epochs(), self.trials()
        if trials is not None:
            numbers = [self.trial(number).number for number in wholes(trials, "trials")]
            epochs, rows = epochs[epochs["trial"].isin(numbers)], rows[rows["trial"].isin(numbers)]
        return plots.sharpness_chart(epochs, rows, title=self.name)

    def plot_pareto(self, x: str | None = None, y: str | None = None, direction: Direction | None = None) -> Figure:
        """Draw all completed trials by two goals, and those that no other beats in both as a line of steps.

        Args:
            x, y: goals as of `pareto`; by default `network_parameters` (`seconds` of trainers of one's own) and the
                metric of the objective.
            direction: whether more ("max") or less ("min") of y is better, where that is not known.

        Raises:
            UsageError: when an argument cannot be used, or no trial is completed.
        """
        from sweep.experiment.parameters import trainer_of
        from sweep.results import plots
        from sweep.results.pareto import comparable

        size = "network_parameters" if trainer_of(self.record) is None else "seconds"
        vertical = (y or self.objective.metric) + (f":{direction}" if direction else "")
        goals = self.goals([vertical, x or size])
        trials = comparable(self.compared(goals), goals)
        return plots.pareto_chart(trials, goals[1], goals[0], self.searched, title=self.name)

    def plot_rescue(self) -> Figure:
        """Draw what would have saved the trials that diverged, of this sweep or of that whose twins are in it.

        Raises:
            SweepError: when no twins have been trained.
        """
        from sweep.results import plots
        from sweep.results.rescue import outcomes, twins_of

        twins = twins_of(self)
        return plots.rescue_chart(outcomes(twins), twins.objective, title=twins.name)

    def plot_trace(self, trial: int, *, progress: Callable[[int, int], None] = lambda done, total: None) -> Figure:
        """Train a trial again, and draw its arrays in the steps before it diverged, or in its first ones.

        Raises:
            SweepError: as of `sweep.checks.trace.trace`.
        """
        from sweep.checks.trace import trace
        from sweep.checks.trace_result import Range
        from sweep.results import plots

        found = trace(self.record, whole(trial, "trial"), self.store, Range(), progress=progress)
        diverged = found.diverged_step
        return plots.trace_chart(found.frame, found.layers, title=found.name, growth=found.growth, diverged=diverged)

    def plot_map(
        self, size: int = 256, steps: int = 200, *, progress: Callable[[int, int], None] = lambda done, total: None
    ) -> Figure:
        """Draw where a tiny version of the sweep's network converges, by the two numbers that are searched.

        Args:
            size: points along each axis.
            steps: steps of gradient descent of each network.
            progress: called with (networks trained, all networks).

        Raises:
            UsageError: when the experiment cannot be mapped; see `sweep.analysis.shrinking`.
        """
        from sweep.analysis.dimension import boundary, box_counting_dimension
        from sweep.analysis.shrinking import shrink
        from sweep.analysis.trainability import train_map
        from sweep.experiment.file import experiment_of
        from sweep.results import plots

        found = train_map(
            *shrink(experiment_of(self.record)), whole(size, "size"), whole(steps, "steps"), None, progress
        )
        dimension = box_counting_dimension(boundary(found.converged))
        return plots.map_chart(found, steps, dimension, title=self.name)
