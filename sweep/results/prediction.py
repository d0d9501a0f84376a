"""What a trained network says of its data: the kept weights of a trial, applied to every example."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sweep.data.dataset import Array, Dataset, PartName
from sweep.errors import SweepError, UsageError
from sweep.experiment.sections import Configuration
from sweep.nn.losses import OUTPUTS, loss_work
from sweep.observer import Silent
from sweep.records import SweepRecord
from sweep.runner.extend import kept_trainer
from sweep.runner.prepare import prepare_again
from sweep.store import Store
from sweep.training.loop import NetworkTrainer


@dataclass(frozen=True, eq=False)
class Prediction:
    """The outputs of one part of a data set."""

    dataset: Dataset
    part: PartName
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
        """Predicted classes, the first of equally probable ones, (samples,) int64."""
        classes: Array = self.outputs.argmax(axis=1)
        return classes

    @property
    def accuracy(self) -> float:
        """Fraction of the part that is classified correctly."""
        return float(np.count_nonzero(self.predicted == self.labels) / len(self.labels))

    @property
    def misclassified(self) -> Array:
        """Indices of the examples whose predicted class is wrong, in order."""
        return np.flatnonzero(self.predicted != self.labels)

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
        """The lowest and the highest value of the training part: what is black and white in its pictures."""
        x = self.dataset.train.x
        return float(x.min()), float(x.max())

    def example(self, index: int) -> pd.DataFrame:
        """Return each class with its output for one example, the largest first: class, its `meaning`, true.

        Raises:
            UsageError: when there is no such example.
        """
        if not 0 <= index < len(self.labels):
            raise UsageError(f"--index must be from 0 to {len(self.labels) - 1} in the {self.part} part, not {index}")
        is_true = np.arange(len(self.dataset.class_names)) == self.labels[index]
        frame = pd.DataFrame({"class": self.dataset.class_names, self.meaning: self.outputs[index], "true": is_true})
        return frame.sort_values(self.meaning, ascending=False, kind="stable", ignore_index=True)


@dataclass(frozen=True)
class TrialPrediction:
    """What the kept weights of a trial say."""

    epoch: int
    """The epoch that the weights are of."""
    train: Prediction
    test: Prediction


def predict(record: SweepRecord, number: int, store: Store, *, data: Path | None = None) -> TrialPrediction:
    """Apply the kept weights of a trial to the training and the test part.

    Raises:
        SweepError: when there is no such trial, its weights are not kept or damaged, or the data set is not there.
    """
    row = store.trial(record.id, number)
    folders = prepare_again(record, data, Silent()) if row.weights else {}
    trainer = kept_trainer(record, row, store, folders)
    if not isinstance(trainer, NetworkTrainer):
        raise SweepError(f"{record.name}/{number} was trained by a trainer of your own, which alone can predict")
    output = Configuration.model_validate(row.configuration).network.output
    train, test = (_predict_part(trainer, part, output) for part in ("train", "test"))
    return TrialPrediction(trainer.state.epoch, train, test)


def _predict_part(trainer: NetworkTrainer, part: PartName, output: str) -> Prediction:
    logits = trainer.outputs(part)
    evaluate, _ = OUTPUTS[output]
    classes, samples = logits.shape
    outputs = evaluate(logits, loss_work(classes, samples, logits.dtype))
    meaning = "output" if output == "identity" else "probability"
    return Prediction(trainer.dataset, part, outputs.T, meaning)
