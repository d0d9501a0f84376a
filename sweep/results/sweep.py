"""A sweep's results from Python: pandas frames and charts.

What only some methods need is imported in them: pandas, matplotlib and the models of an experiment take as long as
many a command.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sweep.errors import UsageError, suggest
from sweep.experiment.parameters import parameters_of
from sweep.metrics import NATIVE_METRICS
from sweep.records import Parameter, Status, SweepRecord, TrialRecord
from sweep.store import Store

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from sweep.checks.replay import Replay
    from sweep.experiment.experiment import Experiment
    from sweep.observer import Observer
    from sweep.results.prediction import TrialPrediction
    from sweep.store.frames import Selection


class Sweep:
    """One sweep in a database; every method reads it anew, so that it may still be running."""

    def __init__(self, store: Store, record: SweepRecord) -> None:
        self.store = store
        self.record = record

    def __repr__(self) -> str:
        return f"<Sweep {self.record.name!r}: {self.record.trials} trials in {self.store.database.shown}>"

    @property
    def name(self) -> str:
        """Its name on the command line."""
        return self.record.name

    @property
    def folder(self) -> Path:
        """Where its charts and weights belong: a folder of its name beside the database."""
        return self.store.folder / self.name

    @cached_property
    def experiment(self) -> Experiment:
        """The experiment that it was drawn from."""
        from sweep.experiment.file import experiment_of

        return experiment_of(self.record)

    @cached_property
    def parameters(self) -> list[Parameter]:
        """What it searches."""
        return parameters_of(self.record)

    def trials(self, metric: str = "test_accuracy") -> pd.DataFrame:
        """Return one row for each trial, with its best epoch by `metric` and its parameters by their short names."""
        return self._trials(metric, None)

    def _trials(self, metric: str, selection: Selection | None) -> pd.DataFrame:
        if metric not in NATIVE_METRICS:
            raise UsageError(f"there is no metric {metric!r}; {suggest(str(metric), NATIVE_METRICS)}")
        objective = self.record.objective.by(metric)
        short_names = {parameter.name: parameter.short_name for parameter in self.parameters}
        frame = self.store.trials(self.record.id, objective, selection).rename(columns=short_names)
        others = [column for column in frame if column not in short_names.values()]
        return frame[others + [name for name in short_names.values() if name in frame]]

    def _some(
        self,
        status: Status,
        where: str | None,
        metric: str = "test_accuracy",
        n: int | None = None,
        best: bool = True,
    ) -> pd.DataFrame:
        """Return the trials for a table; with a condition all of them, so that a mistake in it always shows."""
        from sweep.store.frames import Selection

        return self._trials(metric, Selection(status, n and max(n, 1), best) if where is None else None)

    def epochs(self, trial: int | None = None) -> pd.DataFrame:
        """Return one row for each epoch of all trials, or of one."""
        return self.store.epochs(self.record.id, trial)

    def batches(self, trial: int | None = None) -> pd.DataFrame:
        """Return the loss of each mini-batch of all trials, or of one, as far as they were recorded."""
        return self.store.batches(self.record.id, trial)

    def predict(self, trial: int, data: str | Path | None = None) -> TrialPrediction:
        """Apply the kept weights of a trial to the training and the test part; `data` is the folder of its files.

        Raises:
            SweepError: when its weights are not kept or damaged, or the data set is not there.
        """
        from sweep.results.prediction import predict

        return predict(self.record, trial, self.store, data=None if data is None else Path(data))

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

        folder = None if data is None else Path(data)
        return replay(self.record, trial, self.store, data=folder, observer=observer, progress=progress)

    def trial(self, number: int) -> TrialRecord:
        """Return all that is known of one trial besides its epochs.

        Raises:
            SweepError: when there is no such trial.
        """
        return self.store.trial(self.record.id, number)

    def best(self, n: int = 10, by: str = "test_accuracy", where: str | None = None) -> pd.DataFrame:
        """Rank the best `n` completed trials by their best epoch."""
        from sweep.results import leaderboard

        return leaderboard.best(self._some("completed", where, by, n), self.parameters, by, n, where)

    def worst(self, n: int = 10, by: str = "test_accuracy", where: str | None = None) -> pd.DataFrame:
        """Rank the worst `n` completed trials; those that diverged stand in `diverged`."""
        from sweep.results import leaderboard

        return leaderboard.worst(self._some("completed", where, by, n, best=False), self.parameters, by, n, where)

    def diverged(self, n: int | None = None, where: str | None = None) -> pd.DataFrame:
        """List the trials that diverged, with epoch, step, place and kind."""
        from sweep.results import leaderboard

        return leaderboard.diverged(self._some("diverged", where), self.parameters, n, where)

    def plot(self, x: Sequence[str] | None = None, y: str = "test_accuracy") -> Figure:
        """Draw a metric against each searched parameter, or against those named."""
        from sweep.results import plots

        return plots.scatter_grid(self.trials(y), self.parameters, y, title=self.name, x=x)

    def plot_costs(self, trials: Sequence[int] | None = None) -> Figure:
        """Draw the loss of each mini-batch and its average over each epoch, for all trials or for those named.

        Raises:
            SweepError: when there is no such trial, or no losses of mini-batches were recorded.
        """
        from sweep.results import plots

        for number in trials or ():
            self.trial(number)
        return plots.cost_curves(self.batches(), self.epochs(), title=self.name, trials=trials)
