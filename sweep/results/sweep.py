"""A sweep's results from Python: pandas frames and charts.

What only some methods need is imported in them, since pandas, matplotlib and the models of an experiment take as long
to import as many commands need in all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sweep.arguments import folder_or_file, whole
from sweep.errors import counted
from sweep.results.housekeeping import KeptTrials

if TYPE_CHECKING:
    import pandas as pd

    from sweep.checks.replay import Replay
    from sweep.checks.trace_result import Trace
    from sweep.experiment.experiment import Experiment
    from sweep.observer import Observer
    from sweep.results.export.base import Table
    from sweep.results.export.weights import ExportedWeights
    from sweep.results.following import Following
    from sweep.results.prediction import TrialPrediction


class Sweep(KeptTrials):
    """One sweep in a database; every method reads the database, so the sweep may still be running."""

    def __repr__(self) -> str:
        return f"<Sweep {self.record.name!r}: {counted(self.record.trials, 'trial')} in {self.store.database.shown}>"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: how far it is, the best trials, and a small chart."""
        from sweep.results.page import page

        return page(self)

    @property
    def folder(self) -> Path:
        """The folder of its charts and weights, beside the database."""
        return self.store.files / self.name

    @cached_property
    def experiment(self) -> Experiment:
        """The experiment file that it was drawn from."""
        from sweep.experiment.file import experiment_of

        return experiment_of(self.record)

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

    def trace(
        self,
        trial: int,
        *,
        from_step: int | None = None,
        steps: int | None = None,
        data: str | Path | None = None,
        sharpness: bool = False,
        observer: Observer | None = None,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> Trace:
        """Train a trial again and record its arrays step by step; nothing is written to the database.

        Args:
            trial: its number.
            from_step: the first step, counted over the whole training from 1.
            steps: how many; by default the 50 before the divergence, or the first 100.
            data: folder of the data set's files.
            sharpness: whether the sharpness of the loss is computed at the start and after each epoch, too.
            observer, progress: told what is done.

        Raises:
            SweepError: as of `sweep.checks.trace.trace`.
        """
        from sweep.checks.trace import trace
        from sweep.checks.trace_result import Range

        given = {"from_step": from_step, "steps": steps}
        wanted = Range(*(None if each is None else whole(each, name) for name, each in given.items()))
        return trace(
            self.record,
            whole(trial, "trial"),
            self.store,
            wanted,
            data=_folder(data),
            with_sharpness=sharpness,
            observer=observer,
            progress=progress,
        )

    def export(self, destination: str | Path, *, format: str | None = None, table: Table = "trials") -> int:
        """Write all single trials, their epochs or their losses of mini-batches; return the number of rows.

        Args:
            destination: a file whose suffix says the format; a folder for "tensorboard", the URL of a
                database for "mlflow" or "optuna".
            format: a name of `sweep.results.export.KINDS`, whatever the suffix.
            table: "trials", "epochs" or "batches".

        Raises:
            SweepError: when the format is unknown or it cannot be written.
        """
        from sweep.results.export import exporter

        is_url = isinstance(destination, str) and "://" in destination
        place = str(destination) if is_url else str(folder_or_file(destination, "destination"))
        return exporter(place, format).write(self, place, table)

    def export_weights(self, trial: int, file: str | Path, data: str | Path | None = None) -> ExportedWeights:
        """Write the kept weights of a trial, with its normalization, for other programs.

        Args:
            trial: its number.
            file: `.npz` for arrays of NumPy by layer; `.onnx` for one graph from the values of the data set to the
                probability of each class, or to the prediction of a regression, which onnxruntime has checked.
            data: folder of the data set's files, to which the normalization is fitted.

        Raises:
            SweepError: as `predict`, or when the file cannot be written.
        """
        from sweep.results.export.weights import export_weights

        return export_weights(self, whole(trial, "trial"), folder_or_file(file, "file"), _folder(data))

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

    def report(self, file: str | Path, *, progress: Callable[[int, int], None] = lambda done, total: None) -> Path:
        """Write a report that can be sent as it is: one file, with the charts in .html, without them in .md.

        Args:
            file: where it is written, in place of an older one, such as report.html.
            progress: called with (parts done, all parts).

        Raises:
            UsageError: when its name ends in something else.
            SweepError: when it cannot be written.
        """
        from sweep.report.writing import write_report

        return write_report(self, folder_or_file(file, "file"), progress)


def _folder(data: str | Path | None) -> Path | None:
    return None if data is None else folder_or_file(data, "data")
