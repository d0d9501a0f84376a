"""What a trained network predicts: the kept weights of a trial, applied to its data set or to new rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd

from sweep.data.dataset import Array, Dataset, Part, PartName
from sweep.data.tables import Dialect, read_table
from sweep.errors import Argument, SweepError, UsageError
from sweep.experiment.imported import refuse_imported
from sweep.experiment.sections import Configuration
from sweep.nn.losses import OUTPUTS, loss_work
from sweep.nn.regression import r2, rmse
from sweep.observer import Silent
from sweep.records import SweepRecord
from sweep.runner.extend import kept_trainer
from sweep.runner.prepare import prepare_again
from sweep.store import Store
from sweep.training.evaluation import Evaluation, predicted_classes
from sweep.training.loop import NetworkTrainer

NEW = "new"
"""Name of the part that new rows are, while they are predicted."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """The outputs of a classifier for one part of a data set."""

    dataset: Dataset
    part: PartName
    logits: Array
    """What the last affine layer gives, (classes, samples)."""
    outputs: Array
    """(samples, classes); with the output softmax or sigmoid probabilities."""
    meaning: str
    """What an output is: `probability` or, with the output identity, `output`."""

    @property
    def labels(self) -> Array:
        """True classes, (samples,) int64."""
        return self.dataset.parts[self.part].t

    @property
    def predicted(self) -> Array:
        """Predicted classes, (samples,) int64; see `predicted_classes`."""
        return predicted_classes(self.logits)

    @property
    def accuracy(self) -> float:
        """Fraction of the part that is classified correctly."""
        return float(np.count_nonzero(self.predicted == self.labels) / len(self.labels))

    @property
    def misclassified(self) -> Array:
        """Indices of the examples whose predicted class is wrong, in order."""
        return np.flatnonzero(self.predicted != self.labels)

    @property
    def row(self) -> dict[str, object]:
        """Its row in the table of parts."""
        return {
            "part": self.part,
            "samples": len(self.labels),
            "misclassified": len(self.misclassified),
            "accuracy": self.accuracy,
        }

    def confusion(self) -> pd.DataFrame:
        """Count examples by true class (rows) and predicted class (columns)."""
        names = list(self.dataset.class_names)
        counts = np.bincount(self.labels * len(names) + self.predicted, minlength=len(names) ** 2)
        table = counts.reshape(len(names), len(names))
        return pd.DataFrame(table, index=pd.Index(names, name="true"), columns=pd.Index(names, name="predicted"))

    def images(self, indices: Array) -> Array:
        """Return examples in their own shape, such as (n, channels, rows, columns), as the data set has them."""
        return self.dataset.parts[self.part].x[indices].reshape(len(indices), *self.dataset.shape)

    @property
    def limits(self) -> tuple[float, float]:
        """The lowest and the highest value of the training part, which are black and white in pictures."""
        x = self.dataset.train.x
        return float(x.min()), float(x.max())

    def example(self, index: int) -> pd.DataFrame:
        """Return each class with its output for one example, the largest first: class, its `meaning`, true.

        Raises:
            UsageError: when there is no such example.
        """
        _check_index(index, len(self.labels), self.part)
        is_true = np.arange(len(self.dataset.class_names)) == self.labels[index]
        frame = pd.DataFrame({"class": self.dataset.class_names, self.meaning: self.outputs[index], "true": is_true})
        # By logits, as equal outputs may come of different ones; so the predicted class is the first.
        return frame.iloc[np.argsort(-self.logits[:, index], kind="stable")].reset_index(drop=True)


@dataclass(frozen=True, eq=False)
class RegressionPrediction:
    """The predictions of a regression for one part of a data set, in the target's own units."""

    dataset: Dataset
    part: PartName
    predicted: Array
    """(samples,) float64."""

    @property
    def labels(self) -> Array:
        """True values, (samples,) float64."""
        return self.dataset.parts[self.part].t

    @property
    def row(self) -> dict[str, object]:
        """Its row in the table of parts: root mean squared error and coefficient of determination."""
        total = float(np.square(self.predicted - self.labels).sum())
        samples = len(self.labels)
        return {"part": self.part, "samples": samples, "rmse": rmse(total, samples, 1.0), "r2": r2(total, self.labels)}

    def example(self, index: int) -> pd.DataFrame:
        """Return the prediction for one example: predicted, true, error.

        Raises:
            UsageError: when there is no such example.
        """
        _check_index(index, len(self.labels), self.part)
        predicted, true = float(self.predicted[index]), float(self.labels[index])
        return pd.DataFrame({"predicted": [predicted], "true": [true], "error": [predicted - true]})


PartPrediction = Prediction | RegressionPrediction


@dataclass(frozen=True)
class TrialPrediction:
    """What the kept weights of a trial predict."""

    epoch: int
    """The epoch that the weights are of."""
    parts: Mapping[str, PartPrediction]
    """Predictions by the name of the part: train, test and, where there is one, validation."""

    @property
    def train(self) -> PartPrediction:
        """The predictions for the training part."""
        return self.parts["train"]

    @property
    def test(self) -> PartPrediction:
        """The predictions for the test part."""
        return self.parts["test"]

    def part(self, name: str) -> PartPrediction:
        """Return the predictions of a part.

        Raises:
            UsageError: when the data set has no such part.
        """
        if name not in self.parts:
            raise UsageError(f"the data set has no {name} part; choose from {', '.join(self.parts)}")
        return self.parts[name]


def predict(record: SweepRecord, number: int, store: Store, *, data: Path | None = None) -> TrialPrediction:
    """Apply the kept weights of a trial to each part of its data set.

    Raises:
        SweepError: when there is no such trial, it has a trainer of the user's own, its weights are not kept or
            damaged, or the data set is not there.
    """
    trainer, output = kept_network(record, number, store, data)
    names: tuple[PartName, ...] = get_args(PartName)
    parts: dict[str, Prediction | RegressionPrediction] = {
        name: _predict_part(trainer, name, output) for name in names if name in trainer.dataset.parts
    }
    return TrialPrediction(trainer.state.epoch, parts)


def predict_rows(record: SweepRecord, number: int, store: Store, path: Path, data: Path | None = None) -> pd.DataFrame:
    """Apply the kept weights of a trial to the rows of a new table.

    Args:
        path: a CSV file with the columns that the network was trained on; the label may be missing.
        data: folder of the data set's files; by default where the sweep found them.

    Returns: the table with a column `predicted` and, for a classifier, one column `probability of CLASS` for each class
        (`output of CLASS` if its outputs are not probabilities).

    Raises:
        SweepError: as `predict`, or when the data set is not a table, or the new one lacks a column or has one of the
            added columns already.
    """
    trainer, output = kept_network(record, number, store, data)
    dataset = trainer.dataset
    if dataset.encoding is None:
        raise SweepError(
            f"{record.name}/{number} was trained on {dataset.name}, which is not a table with named columns; new rows "
            "can be predicted only by networks that were trained on a CSV file"
        )
    encoding = dataset.encoding
    x = encoding.transform(path)
    outputs = outputs_of(trainer, x)
    added = _columns(dataset, outputs, output)
    texts = [column.name for column in encoding.columns if column.levels is not None]
    dialect = Dialect(encoding.separator, encoding.decimal)
    table = read_table(path, [column.name for column in encoding.columns], texts, dialect).frame
    if taken := [name for name in added if name in table]:
        raise SweepError(f"{path} has a column {taken[0]!r} already; rename it, since the predictions are called so")
    return pd.concat([table.reset_index(drop=True), added], axis=1)


def kept_network(record: SweepRecord, number: int, store: Store, data: Path | None) -> tuple[NetworkTrainer, str]:
    """Return a trial's network with its kept weights, and the name of its output.

    Raises:
        SweepError: as `predict`.
    """
    row = store.trial(record.id, number)
    refuse_imported(record)
    if "network" not in row.configuration:
        raise SweepError(
            f"{record.name}/{number} has a trainer of your own, whose model sweep cannot apply; load what it has saved "
            "with its own program"
        )
    folders = prepare_again(record, data, Silent()) if row.weights else {}
    trainer = kept_trainer(record, row, store, folders)
    assert isinstance(trainer, NetworkTrainer)
    return trainer, Configuration.model_validate(row.configuration).output


def _predict_part(trainer: NetworkTrainer, part: PartName, output: str) -> PartPrediction:
    dataset, outputs = trainer.dataset, trainer.outputs(part)
    if dataset.target is not None:
        return RegressionPrediction(dataset, part, in_own_units(dataset, outputs))
    return Prediction(dataset, part, outputs, probabilities(outputs, output), meaning_of(output))


def outputs_of(trainer: NetworkTrainer, x: Array) -> Array:
    """Return what the last affine layer gives for new samples, shape (outputs, samples)."""
    part = Part(x, np.zeros(len(x), dtype=trainer.dataset.train.t.dtype))
    dataset = replace(trainer.dataset, parts={**trainer.dataset.parts, NEW: part})
    evaluation = Evaluation(dataset, trainer.settings)
    found = evaluation.outputs(trainer.settings.network, trainer.params, trainer.state.layer_states, NEW)
    return np.concatenate([outputs.copy() for _, _, outputs in found], axis=1)


def _columns(dataset: Dataset, outputs: Array, output: str) -> pd.DataFrame:
    """Return the predictions of new rows as columns."""
    if dataset.target is not None:
        return pd.DataFrame({"predicted": in_own_units(dataset, outputs)})
    values, names = probabilities(outputs, output), np.array(dataset.class_names, dtype=object)
    columns = {f"{meaning_of(output)} of {name}": values[:, place] for place, name in enumerate(dataset.class_names)}
    return pd.DataFrame({"predicted": names[predicted_classes(outputs)], **columns})


def in_own_units(dataset: Dataset, outputs: Array) -> Array:
    """Return the predictions of a regression, (samples,) float64."""
    assert dataset.target is not None
    predicted: Array = outputs[0].astype(np.float64) * dataset.target.scale + dataset.target.mean
    return predicted


def probabilities(outputs: Array, output: str) -> Array:
    """Return the outputs of a classifier, (samples, classes)."""
    evaluate, _ = OUTPUTS[output]
    classes, samples = outputs.shape
    values: Array = evaluate(outputs, loss_work(classes, samples, outputs.dtype)).T
    return values


def meaning_of(output: str) -> str:
    """Return what an output of a classifier is: `probability` or, with the output identity, `output`."""
    return "output" if output == "identity" else "probability"


def _check_index(index: int, samples: int, part: str) -> None:
    if not 0 <= index < samples:
        raise UsageError(Argument("index"), f" must be from 0 to {samples - 1} in the {part} part, not {index}")
