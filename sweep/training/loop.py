"""The training loop of our own networks: a generator of epochs."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sweep.data.dataset import Dataset
from sweep.nn.instruments import observe
from sweep.nn.layer import Array, Call, Gradient
from sweep.nn.network import chain, flat_vector
from sweep.nn.optimizers import Optimizer, dense
from sweep.nn.schedules import of_steps
from sweep.records import Divergence, Epoch
from sweep.training.checkpoint import Snapshot
from sweep.training.divergence import Diverged, FiniteCheck, Flags, NotFinite, all_finite, leaves
from sweep.training.evaluation import Evaluation, Score, Settings, named
from sweep.training.sharpness import recorded
from sweep.training.snapshots import check, put, take


@dataclass
class TrainingState:
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

    def save(self) -> TrainingState:
        """Return a copy that later training does not change."""
        return copy.deepcopy(self)

    def is_finite(self) -> bool:
        """Tell whether all parameters, and the states of layers and of the optimizer, are finite."""
        return all_finite((self.vector, self.layer_states, self.optimizer_states))

    def restore(self, saved: TrainingState) -> None:
        """Go back to a saved moment; the parameters keep their place in memory."""
        np.copyto(self.vector, saved.vector)
        self.layer_states = copy.deepcopy(saved.layer_states)
        self.optimizer_states = copy.deepcopy(saved.optimizer_states)
        self.rng = copy.deepcopy(saved.rng)
        self.shuffling = copy.deepcopy(saved.shuffling)
        self.epoch = saved.epoch


def train(dataset: Dataset, settings: Settings) -> Iterator[Epoch]:
    """Train one network from its first weights on; see `NetworkTrainer.epochs`."""
    return NetworkTrainer(dataset, settings).epochs()


class NetworkTrainer:
    """Trains one of our own networks; see `sweep.training.trainer.Trainer`."""

    log: str | None = None

    def __init__(self, dataset: Dataset, settings: Settings) -> None:
        self.dataset = dataset
        self.settings = settings
        self.planned_epochs = settings.epochs
        self.flags = Flags()
        self.evaluation = Evaluation(dataset, settings)
        rng = np.random.default_rng(settings.seeds.weights)
        with self.flags.watching():  # weights beyond the range of the dtype show themselves in the first evaluation
            initial, states = chain(settings.network.layers).init(rng, self.evaluation.shape, settings.dtype)
        vector, self.params = flat_vector(initial, settings.dtype)
        self._layer_by_layer = settings.optimizer.takes_products and not any(settings.penalty)
        if not self._layer_by_layer:
            self._gradient, self._gradients = flat_vector(initial, settings.dtype)
        self.updated = tuple(settings.network.layers) if self._layer_by_layer else ("all",)
        """Names of the arrays that the optimizer changes, and keeps a state of."""
        updated = self.params if self._layer_by_layer else (vector,)
        optimizer_states = [None if p is None else settings.optimizer.init(p) for p in updated]
        self._scratch = [None if p is None else settings.optimizer.scratch(p) for p in updated]
        dropout, shuffling = (np.random.default_rng(s) for s in (settings.seeds.dropout, settings.seeds.shuffling))
        self.state = TrainingState(vector, states, optimizer_states, dropout, shuffling)
        self.batch_losses: list[float] = []
        """Mean loss of each mini-batch of the last epoch from before its step, as far as they are finite."""
        self._running_score: Score | None = None
        """Predictions for the mini-batches of the last epoch, where the training part is evaluated by them."""

    def snapshot(self) -> Snapshot:
        """Return the state at the end of the last epoch."""
        return take(self, {})

    def check(self, snapshot: Snapshot) -> None:
        """Check that a snapshot is of this network and optimizer; see `Trainer`."""
        check(snapshot, self)

    def restore(self, snapshot: Snapshot) -> None:
        """Set the trainer, and through it its network, to the state of a snapshot; see `Trainer`."""
        put(snapshot, self)

    def epochs(self) -> Iterator[Epoch]:
        """Train to the end; yield the metrics before training (epoch 0) and after each epoch.

        Continues after the epoch that `state` stands at, whose own metrics are yielded only if it is 0. Every epoch
        takes as many samples as the training part has; by default each of them once, in a new order. The same data set,
        settings, package versions and BLAS kernel with one thread give the same bits.

        Raises:
            Diverged: when a value that is not finite has appeared, after all epochs before it have been yielded.
        """
        state, samples = self.state, len(self.dataset.train.x)
        if state.epoch == 0:
            start = time.perf_counter()
            metrics = self.evaluate(0, 0) | recorded(self)
            yield Epoch(0, time.perf_counter() - start, metrics)
        for number in range(state.epoch + 1, self.settings.epochs + 1):
            start = time.perf_counter()
            steps = self.run_epoch(number, self.settings.batching.order(samples, state.shuffling))
            metrics = self.evaluate(number, steps)
            state.epoch = number
            metrics |= recorded(self)
            yield Epoch(number, time.perf_counter() - start, metrics)

    def run_epoch(self, number: int, order: Array) -> int:
        """Train on every mini-batch of `order` (indices of training samples) and return how many there were.

        Raises:
            Diverged: when a loss, a gradient, a parameter, or a state of a layer or the optimizer is not finite.
        """
        saved = self.state.save()
        steps, is_suspicious = self._run_steps(number, order)
        if not is_suspicious and self.state.is_finite():
            return steps
        self.state.restore(saved)
        return self._run_checked(number, order)

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

    def _run_checked(self, number: int, order: Array) -> int:
        """Run the steps of an epoch with every array checked; without a finding, the epoch is simply done."""
        losses = self.batch_losses = []
        self.flags.clear()
        finite = FiniteCheck(self.flags)
        try:
            with self.flags.watching():
                for loss in self._steps(number, order, self._checked(finite)):
                    finite.check_all((f"{name}/update", updated) for name, updated in self._updated())
                    losses.append(loss)
        except NotFinite as error:
            raise Diverged(Divergence(number, len(losses) + 1, error.place, error.kind)) from None
        return len(losses)

    def _checked(self, check: FiniteCheck) -> Settings:
        return replace(self.settings, network=observe(self.settings.network, check))

    def _updated(self) -> Iterator[tuple[str, Any]]:
        """Yield (layer, what an update has written: its parameters, and the optimizer's state of them)."""
        names, states = self.settings.network.layers, self.state.optimizer_states
        if self._layer_by_layer:
            return zip(names, zip(self.params, states, strict=True), strict=True)
        vectors = [leaf for leaf in leaves((self.state.vector, states)) if isinstance(leaf, np.ndarray)]
        ends = np.cumsum([0 if p is None else p.size for p in self.params])[:-1]
        return zip(names, zip(*(np.split(vector, ends) for vector in vectors), strict=True), strict=True)

    def _steps(self, number: int, order: Array, settings: Settings) -> Iterator[float]:
        """Take one optimizer step for each mini-batch; yield its mean loss from before the step."""
        net, loss = chain(settings.network.layers), settings.network.loss
        state, params, call = self.state, self.params, Call(train=True, rng=self.state.rng)
        steps = settings.batching.runs(len(order))
        factors = of_steps(settings.schedule, number, settings.epochs, len(steps))
        if settings.iterations is not None:
            steps = steps[: settings.iterations - (number - 1) * len(steps)]
            order, factors = order[: steps[-1][1]], factors[: len(steps)]
        sizes = np.array([stop - start for start, stop in steps])
        targets = settings.network.targets(self.evaluation.targets("train")[order], sizes)
        score = self._running_score = self.evaluation.score() if settings.evaluate_train == "running" else None
        t = self.dataset.train.t[order] if score else targets
        batch, buffers_of = self.evaluation.batch("train"), self.evaluation.buffers
        for (start, stop), factor, x in zip(steps, factors, batch.gather_each(order, steps), strict=True):
            buffers = buffers_of(stop - start)
            y, state.layer_states, cache = net.forward(params, state.layer_states, x, buffers.work, call)
            if score:
                score.add(y[:-1], t[start:stop])
            value, dy = loss(y[:-1], targets[start:stop], buffers.loss)
            _, gradients = net.backward(params, cache, dy, buffers.work, False)
            self._update(settings.optimizer, gradients, factor)
            yield value

    def _update(self, optimizer: Optimizer, gradients: list[Gradient], factor: float) -> None:
        """Change the parameters of all layers: each by itself, or all in one vector."""
        states, scratch = self.state.optimizer_states, self._scratch
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
        states[0] = optimizer.update(self.state.vector, self._gradient, states[0], factor, scratch[0])

    def evaluate(self, number: int, steps: int) -> dict[str, float]:
        """Return the metrics of each part, by name.

        Raises:
            Diverged: when a value inside the network, or a metric, is not finite.
        """
        self.flags.clear()
        with self.flags.watching():
            metrics = self._metrics(self.settings)
        if not self.flags.kind and all(map(math.isfinite, metrics.values())) and self.state.is_finite():
            return metrics
        self.flags.clear()
        try:
            with self.flags.watching():
                finite = FiniteCheck(self.flags)
                metrics = self._metrics(self._checked(finite))
                finite.check_all(metrics.items())
        except NotFinite as error:
            raise Diverged(Divergence(number, steps, f"evaluation/{error.place}", error.kind)) from None
        return metrics

    def _metrics(self, settings: Settings) -> dict[str, float]:
        """Return the metrics of each part, those of the training part from its mini-batches where that is asked for."""
        parts, found = [*self.dataset.parts], {}
        if score := self._running_score:
            parts.remove("train")
            sizes = [stop - start for start, stop in settings.batching.runs(len(self.dataset.train.x))]
            sizes = sizes[: len(self.batch_losses)]
            found = named("train", float(np.average(self.batch_losses, weights=sizes)), score)
        return found | self.evaluation.metrics(settings.network, self.params, self.state.layer_states, parts)

    def correct(self, part: str) -> Array | None:
        """Return which samples of a part were right after the last epoch; see `Trainer`."""
        return self.evaluation.correct(part)

    def outputs(self, part: str) -> Array:
        """Return what the last affine layer gives for every sample of a part, shape (outputs, samples)."""
        found = self.evaluation.outputs(self.settings.network, self.params, self.state.layer_states, part)
        return np.concatenate([outputs.copy() for _, _, outputs in found], axis=1)
