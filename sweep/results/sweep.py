"""A sweep's results from Python: pandas frames and charts.

What only some methods need is imported in them, since pandas, matplotlib and the models of an experiment take as long
to import as many commands need in all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sweep.arguments import folder_or_file, texts, whole, wholes
from sweep.errors import counted
from sweep.metrics import Direction
from sweep.records import TrialRecord
from sweep.results.divergence import AnalyzedTrials

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from sweep.checks.replay import Replay
    from sweep.experiment.experiment import Experiment
    from sweep.observer import Observer
    from sweep.results.export.base import Table
    from sweep.results.following import Following
    from sweep.results.prediction import TrialPrediction


class Sweep(AnalyzedTrials):
    """One sweep in a database; every method reads the database, so the sweep may still be running."""

    def __repr__(self) -> str:
        return f"<Sweep {self.record.name!r}: {counted(self.record.trials, 'trial')} in {self.store.database.shown}>"

    @property
    def folder(self) -> Path:
        """The folder of its charts and weights, beside the database."""
        return self.store.files / self.name

    @cached_property
    def experiment(self) -> Experiment:
        """The experiment file that it was drawn from."""
        from sweep.experiment.file import experiment_of

        return experiment_of(self.record)

    def epochs(self, trial: int | None = None) -> pd.DataFrame:
        """Return one row for each epoch of all trials, or of one.

        Raises:
            SweepError: when there is no such trial.
        """
        return self._details(self.store.epochs, trial)

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

    def predict(self, trial: int, data: str | Path | None = None) -> TrialPrediction:
        """Apply the kept weights of a trial to each part of its data set; `data` is the folder of its files.

        Raises:
            SweepError: when its weights are not kept or damaged, or the data set is not there.
        """
        from sweep.results.prediction import predict

        return predict(self.record, whole(trial, "trial"), self.store, data=_folder(data))

    def predict_rows(self, trial: int, table: str | Path, data: str | Path | None = None) -> pd.DataFrame:
        """Apply the kept weights of a trial to the rows of a new CSV file; `data` is the folder of its data set.

        Returns: the rows with a column `predicted` and, for a classifier, the probability of each class.

        Raises:
            SweepError: as `predict`, or when the file lacks a column that the network was trained on.
        """
        from sweep.results.prediction import predict_rows

        file = folder_or_file(table, "table")
        return predict_rows(self.record, whole(trial, "trial"), self.store, file, _folder(data))

    def replay(
        self,
        trial: int,
        data: str | Path | None = None,
        *,
        observer: Observer | None = None,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> Replay:
        """Train a trial again without writing anything; the result has its epochs as stored and as they are now.

        Raises:
            SweepError: when it has no epochs yet, or the data set is not there.
        """
        from sweep.checks.replay import replay

        number, folder = whole(trial, "trial"), _folder(data)
        return replay(self.record, number, self.store, data=folder, observer=observer, progress=progress)

    def trial(self, number: int) -> TrialRecord:
        """Return all that is known of one trial besides its epochs.

        Raises:
            SweepError: when there is no such trial.
        """
        return self.store.trial(self.record.id, whole(number, "number"))

    def export(self, destination: str | Path, *, format: str | None = None, table: Table = "trials") -> int:
        """Write all single trials, their epochs or their losses of mini-batches; return the number of rows.

        Args:
            destination: a file whose suffix says the format.
            format: a name of `sweep.results.export.KINDS`, whatever the suffix.
            table: "trials", "epochs" or "batches".

        Raises:
            SweepError: when the format is unknown or it cannot be written.
        """
        from sweep.results.export import exporter

        file = str(folder_or_file(destination, "destination"))
        return exporter(file, format).write(self, file, table)

    def next(self, file: str | Path, after: Sequence[Sweep] = ()) -> Following:
        """Write the experiment file of the search that follows this one, changed where the results say so.

        Args:
            file: a new file, such as next.toml; the model of the results is written beside it.
            after: earlier sweeps of the same objective whose results count, too.

        Raises:
            SweepError: when too few trials have ended, or the file cannot be written.
        """
        from sweep.results.following import write_following

        return write_following([*after, self], folder_or_file(file, "file"))

    def plot(
        self, x: str | Sequence[str] | None = None, y: str | None = None, direction: Direction | None = None
    ) -> Figure:
        """Draw a metric, by default that of the objective, against each searched parameter or those named."""
        from sweep.results import plots
        from sweep.results.leaderboard import ranked_as_completed

        objective = self.ranked_by(y, direction)
        trials = ranked_as_completed(self._trials(objective))
        x = None if x is None else texts(x, "x")
        return plots.scatter_grid(trials, self.parameters, objective, title=self.name, x=x, repeats=self.repeats)

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
        return plots.cost_curves(self.batches(), self.epochs(), title=self.name, trials=trials)

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
        return plots.pareto_chart(trials, goals[1], goals[0], self.parameters, title=self.name)

    def plot_rescue(self) -> Figure:
        """Draw what would have saved the trials that diverged, of this sweep or of that whose twins are in it.

        Raises:
            SweepError: when no twins have been trained.
        """
        from sweep.results import plots
        from sweep.results.rescue import outcomes, twins_of

        twins = twins_of(self)
        return plots.rescue_chart(outcomes(twins), twins.objective, title=twins.name)


def _folder(data: str | Path | None) -> Path | None:
    return None if data is None else folder_or_file(data, "data")
