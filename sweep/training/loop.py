"""The training loop: a generator of what is known of the network after each epoch."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import numpy as np

from sweep.data.dataset import Dataset
from sweep.data.normalization import Normalization
from sweep.nn.instruments import observe
from sweep.nn.layer import Array, Call, Dtype, Gradient, Work
from sweep.nn.losses import LossWork, loss_work
from sweep.nn.network import Network, chain, flatten
from sweep.nn.optimizers import Optimizer, dense
from sweep.nn.penalties import Penalty
from sweep.nn.schedules import Schedule, constant
from sweep.records import Divergence, Epoch, Seeds
from sweep.training.batches import Batch, Batching, runs
from sweep.training.divergence import Diverged, FiniteCheck, Flags, NotFinite, all_finite, leaves

Part = Literal["train", "test"]

EVALUATION_SAMPLES = 1000
"""Samples evaluated at a time; the sums of float32 losses, and so their last bits, depend on it."""


@dataclass(frozen=True)
class Settings:
    """All that decides how a network is trained."""

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


@dataclass(frozen=True)
class Room:
    """The arrays that one pass over a number of samples writes into."""

    work: Work
    loss: LossWork


@dataclass
class Training:
    """All that changes while a network is trained: what must be saved to go back to a moment."""

    vector: Array
    """All parameters."""
    layer_states: Any
    optimizer_states: list[Any]
    rng: np.random.Generator
    """Source of randomness inside layers, such as dropout."""
    shuffling: np.random.Generator
    """Source of the order of samples."""
    epoch: int = 0
    """Epochs done."""

    def save(self) -> Training:
        """Return a copy that later training leaves alone."""
        return copy.deepcopy(self)

    def is_finite(self) -> bool:
        """Tell whether all parameters, and all that layers and the optimizer remember, are finite."""
        return all_finite((self.vector, self.layer_states, self.optimizer_states))

    def restore(self, saved: Training) -> None:
        """Go back to a saved moment; the parameters keep their place in memory."""
        np.copyto(self.vector, saved.vector)
        self.layer_states = copy.deepcopy(saved.layer_states)
        self.optimizer_states = copy.deepcopy(saved.optimizer_states)
        self.rng = copy.deepcopy(saved.rng)
        self.shuffling = copy.deepcopy(saved.shuffling)
        self.epoch = saved.epoch


def train(dataset: Dataset, settings: Settings) -> Iterator[Epoch]:
    """Train one network from its first weights on; see `Trainer.epochs`."""
    return Trainer(dataset, settings).epochs()


class Trainer:
    """One network and the arrays that it is trained in."""

    def __init__(self, dataset: Dataset, settings: Settings) -> None:
        self.dataset = dataset
        self.settings = settings
        self.flags = Flags()
        self._net = chain(settings.network.layers)
        rng = np.random.default_rng(settings.seeds.weights)
        with self.flags.watching():  # weights beyond the range of the dtype show themselves in the first evaluation
            initial, states = self._net.init(rng, self._shape, settings.dtype)
        vector, self.params = flatten(initial, settings.dtype)
        self._layer_by_layer = settings.optimizer.takes_products and not any(settings.penalty)
        if not self._layer_by_layer:
            self._gradient, self._gradients = flatten(initial, settings.dtype)
        self.updated = tuple(settings.network.layers) if self._layer_by_layer else ("all",)
        """Names of the arrays that the optimizer changes, and keeps a state of."""
        updated = self.params if self._layer_by_layer else (vector,)
        optimizer_states = [None if p is None else settings.optimizer.init(p) for p in updated]
        self._scratch = [None if p is None else settings.optimizer.scratch(p) for p in updated]
        dropout, shuffling = (np.random.default_rng(s) for s in (settings.seeds.dropout, settings.seeds.shuffling))
        self.training = Training(vector, states, optimizer_states, dropout, shuffling)
        self.batch_losses: list[float] = []
        """Mean loss of each mini-batch of the last epoch from before its step, as far as they are finite."""
        self._batches: dict[Part, Batch] = {}
        self._rooms: dict[int, Room] = {}

    @property
    def _shape(self) -> tuple[int, ...]:
        return (self.dataset.x_train.shape[1],)

    def epochs(self) -> Iterator[Epoch]:
        """Train to the end; yield the figures before training (epoch 0) and after each epoch.

        Goes on from the epoch that `training` stands at, whose own figures are yielded only if it is 0. Every epoch
        takes as many samples as the training part has; by default each of them once, in a new order. The same dataset,
        settings, package versions and BLAS kernel with one thread give the same bits.

        Raises:
            Diverged: when a value that is not finite has appeared, after all epochs before it have been yielded.
        """
        training, samples = self.training, len(self.dataset.x_train)
        if training.epoch == 0:
            start = time.perf_counter()
            metrics = self.evaluate(0, 0)
            yield Epoch(0, time.perf_counter() - start, metrics)
        for number in range(training.epoch + 1, self.settings.epochs + 1):
            start = time.perf_counter()
            steps = self.run_epoch(number, self.settings.batching.order(samples, training.shuffling))
            metrics = self.evaluate(number, steps)
            training.epoch = number
            yield Epoch(number, time.perf_counter() - start, metrics)

    def run_epoch(self, number: int, order: Array) -> int:
        """Train on every mini-batch of `order` (indices of training samples) and return how many there were.

        Raises:
            Diverged: when a loss, a gradient, a parameter, or what a layer or the optimizer remembers is not finite.
        """
        saved = self.training.save()
        steps, suspicious = self._run_steps(number, order)
        if not suspicious and self.training.is_finite():
            return steps
        self.training.restore(saved)
        return self._run_watched(number, order)

    def _run_steps(self, number: int, order: Array) -> tuple[int, bool]:
        """Run the steps of an epoch up to the first suspicious one; return how many, and whether one was."""
        losses = self.batch_losses = []
        self.flags.clear()
        with self.flags.watching():
            for loss in self._steps(number, order, self.settings):
                losses.append(loss)
                if self.flags.kind or not math.isfinite(loss):
                    return len(losses), True
        return len(losses), False

    def _run_watched(self, number: int, order: Array) -> int:
        """Run the steps of an epoch with every array checked; without a finding, the epoch is simply done."""
        losses = self.batch_losses = []
        self.flags.clear()
        check = FiniteCheck(self.flags)
        try:
            with self.flags.watching():
                for loss in self._steps(number, order, self._watched(check)):
                    check.check_all((f"{name}/update", updated) for name, updated in self._updated())
                    losses.append(loss)
        except NotFinite as error:
            raise Diverged(Divergence(number, len(losses) + 1, error.place, error.kind)) from None
        return len(losses)

    def _watched(self, check: FiniteCheck) -> Settings:
        return replace(self.settings, network=observe(self.settings.network, check))

    def _updated(self) -> Iterator[tuple[str, Any]]:
        """Yield (layer, what an update has written: its parameters, and what the optimizer remembers of them)."""
        names, states = self.settings.network.layers, self.training.optimizer_states
        if self._layer_by_layer:
            return zip(names, zip(self.params, states, strict=True), strict=True)
        vectors = [leaf for leaf in leaves((self.training.vector, states)) if isinstance(leaf, np.ndarray)]
        ends = np.cumsum([0 if p is None else p.size for p in self.params])[:-1]
        return zip(names, zip(*(np.split(vector, ends) for vector in vectors), strict=True), strict=True)

    def _steps(self, number: int, order: Array, settings: Settings) -> Iterator[float]:
        """Take one optimizer step for each mini-batch; yield its mean loss from before the step."""
        net, loss = chain(settings.network.layers), settings.network.loss
        factor = settings.schedule(number, settings.epochs)
        training, params, call = self.training, self.params, Call(train=True, rng=self.training.rng)
        steps = settings.batching.runs(len(order))
        if settings.iterations is not None:
            steps = steps[: settings.iterations - (number - 1) * len(steps)]
            order = order[: steps[-1][1]]
        sizes = np.array([stop - start for start, stop in steps])
        targets = settings.network.targets(self.dataset.t_train[order], sizes)
        for (start, stop), x in zip(steps, self.batch("train").gather_each(order, steps), strict=True):
            room = self.room(stop - start)
            y, training.layer_states, cache = net.forward(params, training.layer_states, x, room.work, call)
            value, dy = loss(y[:-1], targets[start:stop], room.loss)
            _, gradients = net.backward(params, cache, dy, room.work, False)
            self._update(settings.optimizer, gradients, factor)
            yield value

    def _update(self, optimizer: Optimizer, gradients: list[Gradient], factor: float) -> None:
        """Change the parameters of all layers: each by itself, or all in one vector."""
        states, scratch = self.training.optimizer_states, self._scratch
        if self._layer_by_layer:
            for index, gradient in enumerate(gradients):
                if gradient is not None:
                    params, state = self.params[index], states[index]
                    states[index] = optimizer.update(params, gradient, state, factor, scratch[index])
            return
        for layer, params, gradient, out in zip(
            self.settings.network.layers.values(), self.params, gradients, self._gradients, strict=True
        ):
            if gradient is not None:
                dense(gradient, out)
                self.settings.penalty.add_gradient(layer.weights(params), layer.weights(out))
        states[0] = optimizer.update(self.training.vector, self._gradient, states[0], factor, scratch[0])

    def evaluate(self, number: int, steps: int) -> dict[str, float]:
        """Return the loss and the accuracy of each part, by the names of the metrics.

        Raises:
            Diverged: when a value inside the network, or the loss, is not finite.
        """
        self.flags.clear()
        with self.flags.watching():
            metrics = self._evaluate_parts(self.settings.network)
        if self.flags.kind or not all(map(math.isfinite, metrics.values())) or not self.training.is_finite():
            self.flags.clear()
            try:
                with self.flags.watching():
                    metrics = self._evaluate_parts(self._watched(FiniteCheck(self.flags)).network)
            except NotFinite as error:
                place = f"evaluation/{error.place}"
                raise Diverged(Divergence(number, steps, place, error.kind)) from None
        return metrics

    def _evaluate_parts(self, network: Network) -> dict[str, float]:
        metrics: dict[str, float] = {}
        for part in get_args(Part):
            metrics[f"{part}_loss"], metrics[f"{part}_accuracy"] = self._evaluate_part(network, part)
        return metrics

    def _evaluate_part(self, network: Network, part: Part) -> tuple[float, float]:
        """Return the mean loss and the accuracy over the training or the test part."""
        labels = self.labels(part)
        targets = network.targets(labels, EVALUATION_SAMPLES)
        total, hits = 0.0, 0
        for start, stop, logits in self._logits(network, part):
            # Every output grows with its logit, so the largest logit is the largest output. The first of equal
            # ones counts, so that a network whose outputs are all alike is no better than a guess.
            hits += int(np.count_nonzero(logits.argmax(0) == labels[start:stop]))
            work = self.room(stop - start).loss
            total += network.loss(logits, targets[start:stop], work)[0] * (stop - start)
        return total / len(labels), hits / len(labels)

    def labels(self, part: Part) -> Array:
        """Return the classes of a part, shape (samples,)."""
        return self.dataset.t_train if part == "train" else self.dataset.t_test

    def logits(self, part: Part) -> Array:
        """Return what the network gives for every sample of a part before its output, shape (classes, samples)."""
        blocks = [logits.copy() for _, _, logits in self._logits(self.settings.network, part)]
        return np.concatenate(blocks, axis=1)

    def _logits(self, network: Network, part: Part) -> Iterator[tuple[int, int, Array]]:
        """Yield (start, stop, logits) of consecutive samples; each array is overwritten by the next."""
        net, call = chain(network.layers), Call(train=False)
        for start, stop in runs(len(self.labels(part)), EVALUATION_SAMPLES):
            room, x = self.room(stop - start), self.batch(part).slice(start, stop)
            y, _, _ = net.forward(self.params, self.training.layer_states, x, room.work, call)
            yield start, stop, y[:-1]

    def batch(self, part: Part) -> Batch:
        """Return the room for the mini-batches of a part, made on first use."""
        if part not in self._batches:
            x, settings = (self.dataset.x_test if part == "test" else self.dataset.x_train), self.settings
            longest = max(stop - start for start, stop in settings.batching.runs(len(x)))
            samples = max(longest, EVALUATION_SAMPLES)
            self._batches[part] = Batch(x, samples, settings.dtype, settings.normalization)
        return self._batches[part]

    def room(self, samples: int) -> Room:
        """Return the arrays for a pass over so many samples, made on first use."""
        if samples not in self._rooms:
            dtype, shape = self.settings.dtype, self._shape
            (outputs,) = self._net.shape(shape)
            self._rooms[samples] = Room(self._net.work(shape, samples, dtype), loss_work(outputs, samples, dtype))
        return self._rooms[samples]
