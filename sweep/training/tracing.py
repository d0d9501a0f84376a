"""The arrays of a training, step by step: the largest absolute value of each, recorded while a network is trained.

Each layer with weights has five arrays:

* `u` — its output, such as W x + b: for an activation the pre-activation;
* `z` — the input of the next layer with weights: u after the activation and whatever else stands between; of the last
  layer u itself, since the output function belongs to the loss;
* `W` — its weights before the step, without biases (of a batch normalization gamma and beta);
* `dW` — the gradient of the mini-batch's loss with respect to W, as it is propagated back: without the penalty, and
  before whatever the optimizer makes of it;
* `dz` — the gradient of the loss with respect to z.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from sweep.nn.instruments import observe
from sweep.nn.layer import Array, Gradient, Layer, without_ones
from sweep.nn.optimizers import dense
from sweep.records import Divergence
from sweep.training.divergence import Diverged
from sweep.training.loop import NetworkTrainer

Kind = Literal["W", "u", "z", "dW", "dz"]
KINDS: tuple[Kind, ...] = get_args(Kind)
LOSS = "loss"
PLACES = ("step", "epoch", "batch")
"""Columns that say when: the step counted over the whole training, its epoch, and the mini-batch within that."""


@dataclass(frozen=True)
class Recording:
    """The steps of a training."""

    frame: pd.DataFrame
    """One row for each step, in order: `PLACES`, `loss`, and `<layer>/<array>` of each layer with weights in the order
    in which a step computes them: the largest absolute value, infinite where a value is not finite, NaN where the step
    did not come to it."""
    divergence: Divergence | None
    """Where the steps ended, if they diverged."""
    arrays: dict[str, Array] = field(default_factory=dict)
    """Copies of the arrays of the last step in which all were finite, by the names of the columns, if they were kept;
    W and dW have the biases in their last column."""
    finite_step: int | None = None
    """That step."""


def steps_in_epoch(trainer: NetworkTrainer) -> int:
    """Return the number of mini-batches of a whole epoch."""
    return len(trainer.settings.batching.runs(len(trainer.dataset.train.x)))


def steps_in_all(trainer: NetworkTrainer) -> int:
    """Return the number of steps of the whole training."""
    return trainer.settings.iterations or trainer.planned_epochs * steps_in_epoch(trainer)


def weighted_layers(trainer: NetworkTrainer) -> list[str]:
    """Return the names of the layers with weights, from the first to the last."""
    layers = trainer.settings.network.layers
    return [name for name, params in zip(layers, trainer.params, strict=True) if params is not None]


def columns(layers: Sequence[str]) -> list[str]:
    """Return the names of all series of some layers, in the order in which a step computes them."""
    forward = [f"{layer}/{kind}" for layer in layers for kind in ("W", "u", "z")]
    backward = [f"{layer}/{kind}" for layer in reversed(layers) for kind in ("dz", "dW")]
    return [*forward, *backward]


def record(
    trainer: NetworkTrainer,
    first: int,
    last: int,
    *,
    keep_arrays: bool = False,
    after_epoch: Callable[[NetworkTrainer], None] = lambda trainer: None,
) -> Recording:
    """Train on, with the bits of any other training, to the end of step `last`, and record the steps from `first` on.

    The trainer must stand at the end of an epoch before `first`; it ends with the parameters from before the last
    recorded step, all finite, so that it can be looked at, but not trained on.

    Args:
        first, last: steps counted over the whole training, from 1; it ends earlier where the training does.
        keep_arrays: whether copies of the arrays are kept, too.
        after_epoch: called with the trainer after each epoch that is not cut short.
    """
    recorder = Recorder(trainer, first, keep_arrays)
    settings, length = trainer.settings, steps_in_epoch(trainer)
    last = min(last, steps_in_all(trainer))
    divergence = None
    try:
        for number in range(trainer.state.epoch + 1, -(-last // length) + 1):
            order = settings.batching.order(len(trainer.dataset.train.x), trainer.state.shuffling)
            recorder.epoch = number
            with _settings(trainer, network=observe(settings.network, recorder), iterations=last):
                done = trainer.run_epoch(number, order)
            is_whole = done == length or last == steps_in_all(trainer)
            if is_whole:
                trainer.evaluate(number, done)
            trainer.state.epoch = number
            if is_whole:
                after_epoch(trainer)
    except Diverged as error:
        divergence = error.divergence
        recorder.drop_after((divergence.epoch - 1) * length + divergence.step)
    recorder.rewind()
    return Recording(recorder.frame(), divergence, recorder.finite_arrays, recorder.finite_step)


@contextmanager
def _settings(trainer: NetworkTrainer, **changes: Any) -> Iterator[None]:
    """Train with some settings changed."""
    settings = trainer.settings
    trainer.settings = replace(settings, **changes)
    try:
        yield
    finally:
        trainer.settings = settings


class Recorder:
    """An instrument that records the largest absolute values of a network's arrays at each step.

    An epoch that is run twice, since it seemed to diverge, is recorded twice, with the same values.
    """

    def __init__(self, trainer: NetworkTrainer, first: int, keep_arrays: bool) -> None:
        self.epoch = 0
        """The epoch that is trained."""
        self._trainer = trainer
        self._first = first
        self._length = steps_in_epoch(trainer)
        layers = trainer.settings.network.layers
        self._lowest = next(iter(layers))
        self._layers = weighted_layers(trainer)
        self._below = dict(zip(self._layers[1:], self._layers, strict=False))
        self._params = {
            name: (layer, params)
            for (name, layer), params in zip(layers.items(), trainer.params, strict=True)
            if params is not None
        }
        self._gradients = {name: np.empty_like(params) for name, (_, params) in self._params.items()}
        self._series = [LOSS, *columns(self._layers)]
        self._rows: dict[int, Array] = {}
        """Values of `_series` at each step that has ended; one may have very many steps."""
        self._step = 0
        self._row: dict[str, float] | None = None
        """The values of this step, None before the first one that is recorded."""
        self._before = (trainer.state.vector.copy(), trainer.state.layer_states)
        """Parameters and states of layers before this step."""
        self._arrays: dict[str, Array] | None = {} if keep_arrays else None
        self.finite_arrays: dict[str, Array] = {}
        self.finite_step: int | None = None

    def __call__(self, place: str, *results: Any) -> None:
        """Take the results of one computation; see `sweep.nn.instruments`."""
        name, _, moment = place.rpartition("/")
        if moment == "input" and name == self._lowest:
            self._begin_step()
        if self._row is None or (name not in self._params and place != LOSS):
            return
        with np.errstate(all="ignore"):
            self._take(name, moment, results)

    def _take(self, name: str, moment: str, results: tuple[Any, ...]) -> None:
        assert self._row is not None
        if moment == "input":
            layer, params = self._params[name]
            self._keep(self._below.get(name), "z", without_ones(results[0]))
            self._keep(name, "W", _weights(layer, params), params)
        elif moment == "forward":
            self._keep(name, "u", without_ones(results[0]))
            if name == self._layers[-1]:
                self._keep(name, "z", without_ones(results[0]))
        elif moment == LOSS:
            self._row[LOSS] = _largest(np.asarray(results[0]), signed=True)
            self._keep(self._layers[-1], "dz", results[1])
        else:
            self._keep(name, "dW", *self._gradient(name, results[1]))
            self._keep(self._below.get(name), "dz", results[0])

    def _gradient(self, name: str, gradient: Gradient) -> tuple[Array, Array]:
        """Return the gradient of a layer's weights, and that of all its parameters."""
        layer, out = self._params[name][0], self._gradients[name]
        dense(gradient, out)
        return _weights(layer, out), out

    def _keep(self, layer: str | None, kind: Kind, array: Array | None, whole: Array | None = None) -> None:
        if layer is None or array is None:
            return
        assert self._row is not None
        column = f"{layer}/{kind}"
        self._row[column] = _largest(array)
        if self._arrays is not None:
            self._arrays[column] = np.array(array if whole is None else whole)

    def _begin_step(self) -> None:
        self._end_step()
        self._step = (self.epoch - 1) * self._length + len(self._trainer.batch_losses) + 1
        if self._step < self._first:
            self._row = None
            return
        self._row = {}
        state = self._trainer.state
        np.copyto(self._before[0], state.vector)
        self._before = (self._before[0], state.layer_states)

    def _end_step(self) -> None:
        """Note the values of the step that ends here, and keep its arrays if it was whole and all are finite."""
        if self._row is None:
            return
        values = np.array([self._row.get(name, np.nan) for name in self._series])
        self._rows[self._step] = values
        if self._arrays and np.isfinite(values).all():
            self.finite_arrays, self._arrays = self._arrays, {}
            self.finite_step = self._step

    def drop_after(self, step: int) -> None:
        """Forget the steps after one, which a first run of a diverging epoch may have taken."""
        self._rows = {number: row for number, row in self._rows.items() if number <= step}

    def rewind(self) -> None:
        """Set the trainer's parameters to those from before the last recorded step."""
        self._end_step()
        state = self._trainer.state
        np.copyto(state.vector, self._before[0])
        state.layer_states = self._before[1]

    def frame(self) -> pd.DataFrame:
        """Return all that was recorded; see `Recording.frame`."""
        steps = np.array(sorted(self._rows), dtype=np.int64)
        epochs, batches = np.divmod(steps - 1, self._length)
        values = np.array([self._rows[step] for step in steps]).reshape(len(steps), len(self._series))
        places = dict(zip(PLACES, (steps, epochs + 1, batches + 1), strict=True))
        return pd.DataFrame({**places, **dict(zip(self._series, values.T, strict=True))})


def _weights(layer: Layer, params: Array) -> Array:
    """Return the weights of a layer without biases; all that it learns where it has no weights, as a normalization."""
    weights = layer.weights(params)
    return weights if weights.size else params


def _largest(array: Array, *, signed: bool = False) -> float:
    """Return the largest absolute value, infinite where one is not finite."""
    found = float(np.max(array if signed else np.abs(array)))
    return found if np.isfinite(found) else np.inf
