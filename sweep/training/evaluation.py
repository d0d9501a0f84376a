"""Evaluation: what a network gives for the samples of a part, and the metrics of that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np

from sweep.data.dataset import Dataset, Target
from sweep.data.normalization import Normalization
from sweep.nn.layer import Array, Call, Dtype, Workspace
from sweep.nn.losses import LossWorkspace, loss_work
from sweep.nn.network import Network, chain
from sweep.nn.optimizers import Optimizer
from sweep.nn.penalties import Penalty
from sweep.nn.regression import r2, rmse, squared_error
from sweep.nn.schedules import Schedule, constant
from sweep.records import Seeds
from sweep.training.batches import Batch, Batching, runs
from sweep.training.measures import of_counts

EVALUATION_SAMPLES = 1000
"""Samples evaluated at a time; the sums of float32 losses, and so their last bits, depend on it."""

EvaluateTrain = Literal["full", "running"] | int
"""Where the training part's metrics come from: all samples, the mini-batches as they are trained on, or N samples."""


@dataclass(frozen=True)
class Settings:
    """All that decides how a network is trained and evaluated."""

    network: Network
    optimizer: Optimizer
    normalization: Normalization
    batching: Batching
    epochs: int
    dtype: Dtype
    seeds: Seeds
    schedule: Schedule = field(default_factory=constant)
    penalty: Penalty = field(default_factory=Penalty)
    iterations: int | None = None
    """Optimizer steps after which the last epoch is cut short; None for whole epochs."""
    evaluate_train: EvaluateTrain = "full"
    measures: tuple[str, ...] = ()
    """Measures besides loss and accuracy, of classification: `f1`, `balanced_accuracy`."""
    record_sharpness: Literal["start", "epochs"] | bool = False
    """When the largest eigenvalue of the loss's Hessian is recorded: before the training, after each epoch, too
    ("epochs" or true), or never."""


class Score(Protocol):
    """Collects what a network gives for some samples after the other."""

    def add(self, outputs: Array, t: Array) -> None:
        """Take the outputs of the last affine layer, (outputs, samples), and the part's own targets, (samples,)."""

    def measures(self) -> dict[str, float]:
        """Return the measures of all samples so far, by name."""


def predicted_classes(logits: Array) -> Array:
    """Return the class that is predicted for each sample, (samples,), of the last affine layer's (classes, samples).

    Every output of a network grows with its logit, but the largest outputs may be equal where they saturate: sigmoids
    above 17 are all 1 in float32. So the largest logit counts; of equal ones the first, so that a network whose logits
    are all equal is no better than a guess.
    """
    classes: Array = logits.argmax(0)
    return classes


class ClassificationScore:
    """Counts how often each class is predicted for each class."""

    def __init__(self, classes: int, measures: Sequence[str] = (), correct: Array | None = None) -> None:
        """Start with no samples; `correct` takes whether the prediction for each of them is right, (samples,)."""
        self._classes = classes
        self._correct = correct
        self._others = {name: of_counts(name) for name in measures}
        self._hits = self._samples = 0
        self._counts = np.zeros((classes, classes), np.int64)

    def add(self, outputs: Array, t: Array) -> None:
        """Count the predictions for some samples."""
        predicted = predicted_classes(outputs)
        start, self._samples = self._samples, self._samples + len(t)
        out = None if self._correct is None else self._correct[start : self._samples]
        self._hits += int(np.count_nonzero(np.equal(predicted, t, out=out)))
        if self._others:
            pairs = np.bincount(t * self._classes + predicted, minlength=self._classes**2)
            self._counts += pairs.reshape(self._counts.shape)

    def measures(self) -> dict[str, float]:
        """Return the accuracy, and what else was asked for."""
        found = {"accuracy": self._hits / self._samples}
        return found | {name: measure(self._counts) for name, measure in self._others.items()}


class RegressionScore:
    """Sums squared errors, in the target's own units."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._total = 0.0
        self._seen: list[Array] = []

    def add(self, outputs: Array, t: Array) -> None:
        """Add the errors of some samples."""
        self._total += squared_error(outputs, (t - self._target.mean) / self._target.scale)
        self._seen.append(t)

    def measures(self) -> dict[str, float]:
        """Return the root mean squared error in the target's units, and the coefficient of determination."""
        t = np.concatenate(self._seen)
        scale = self._target.scale
        return {"rmse": rmse(self._total, len(t), scale), "r2": r2(self._total * scale**2, t)}


@dataclass(frozen=True)
class Buffers:
    """The arrays that one pass over a number of samples writes into."""

    work: Workspace
    loss: LossWorkspace


class Evaluation:
    """Runs a network over the parts of a data set, in arrays that are made once and used again."""

    def __init__(self, dataset: Dataset, settings: Settings) -> None:
        self.dataset = dataset
        self._settings = settings
        self._net = chain(settings.network.layers)
        self._batches: dict[str, Batch] = {}
        self._buffers: dict[int, Buffers] = {}
        self._targets: dict[str, Array] = {}
        self._correct: dict[str, Array] = {}
        self._train_rows = self._fixed_rows()

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the network's input: (features,)."""
        return (self.dataset.train.x.shape[1],)

    def _fixed_rows(self) -> Array | None:
        """Return the training samples that are evaluated, in order; None for all of them."""
        wanted, samples = self._settings.evaluate_train, len(self.dataset.train.x)
        if not isinstance(wanted, int) or wanted >= samples:
            return None
        return np.sort(np.random.default_rng(0).choice(samples, wanted, replace=False))

    def score(self, part: str = "train") -> Score:
        """Return what collects the predictions for some samples of a part, empty."""
        if self.dataset.target is not None:
            return RegressionScore(self.dataset.target)
        if part != "train" and part not in self._correct:
            self._correct[part] = np.empty(len(self.dataset.parts[part].t), bool)
        return ClassificationScore(self.dataset.outputs, self._settings.measures, self._correct.get(part))

    def correct(self, part: str) -> Array | None:
        """Return whether each sample of a part was right at its last evaluation; overwritten by the next one.

        None of the training part, and where the targets are not classes.
        """
        return self._correct.get(part)

    def metrics(self, network: Network, params: Any, states: Any, parts: Sequence[str]) -> dict[str, float]:
        """Return the loss and the measures of some parts, by the names of the metrics."""
        found: dict[str, float] = {}
        for part in parts:
            found |= self._part_metrics(network, params, states, part)
        return found

    def _part_metrics(self, network: Network, params: Any, states: Any, part: str) -> dict[str, float]:
        rows = self._train_rows if part == "train" else None
        t, targets = self.dataset.parts[part].t, self.targets(part)
        if rows is not None:
            t, targets = t[rows], targets[rows]
        placed = network.targets(targets, EVALUATION_SAMPLES)
        total, score = 0.0, self.score(part)
        for start, stop, outputs in self.outputs(network, params, states, part, rows):
            score.add(outputs, t[start:stop])
            loss = network.loss(outputs, placed[start:stop], self.buffers(stop - start).loss)[0]
            total += loss * (stop - start)
        return named(part, total / len(t), score)

    def targets(self, part: str) -> Array:
        """Return what the network is to learn: class indices, or standardized targets in its dtype; (samples,)."""
        t, target = self.dataset.parts[part].t, self.dataset.target
        if target is None:
            return t
        if part not in self._targets:
            self._targets[part] = ((t - target.mean) / target.scale).astype(self._settings.dtype)
        return self._targets[part]

    def outputs(
        self, network: Network, params: Any, states: Any, part: str, rows: Array | None = None
    ) -> Iterator[tuple[int, int, Array]]:
        """Yield (start, stop, outputs) of consecutive samples of a part, or of some rows of it.

        The outputs are those of the last affine layer, (outputs, samples); each array is overwritten by the next.
        """
        call, batch = Call(train=False), self.batch(part)
        samples = len(self.dataset.parts[part].x) if rows is None else len(rows)
        for start, stop in runs(samples, EVALUATION_SAMPLES):
            x = batch.slice(start, stop) if rows is None else batch.gather(rows[start:stop])
            y, _, _ = self._net_of(network).forward(params, states, x, self.buffers(stop - start).work, call)
            yield start, stop, y[:-1]

    def _net_of(self, network: Network) -> Any:
        return self._net if network is self._settings.network else chain(network.layers)

    def batch(self, part: str) -> Batch:
        """Return the arrays for the mini-batches of a part, made on first use."""
        if part not in self._batches:
            x, settings = self.dataset.parts[part].x, self._settings
            longest = max(stop - start for start, stop in settings.batching.runs(len(x)))
            samples = max(longest, EVALUATION_SAMPLES)
            self._batches[part] = Batch(x, samples, settings.dtype, settings.normalization)
        return self._batches[part]

    def buffers(self, samples: int) -> Buffers:
        """Return the arrays for a pass over a number of samples, made on first use."""
        if samples not in self._buffers:
            dtype, shape = self._settings.dtype, self.shape
            (outputs,) = self._net.shape(shape)
            self._buffers[samples] = Buffers(self._net.work(shape, samples, dtype), loss_work(outputs, samples, dtype))
        return self._buffers[samples]


def named(part: str, loss: float, score: Score) -> dict[str, float]:
    """Return the loss and the measures of a part, by the names of the metrics."""
    measures: Mapping[str, float] = {"loss": loss} | score.measures()
    return {f"{part}_{measure}": value for measure, value in measures.items()}
