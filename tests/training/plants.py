"""Fault injection: one inf or NaN is written into one tensor of training at one moment.

The functions of a network are wrapped so that a `Plant` sees every tensor; the code under test does not change. A plant
writes its value in the first run of an epoch and again in the checked run, as an overflow would.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np

from sweep.nn.layer import without_ones
from sweep.nn.network import Network
from sweep.records import Divergence
from sweep.training.divergence import Diverged
from sweep.training.evaluation import Evaluation
from sweep.training.loop import NetworkTrainer
from tests.training.training_setup import blobs

DATASET = blobs(train=20, test=9, features=36, classes=3)
EPOCHS, STEPS = 2, 3
"""Of training, and in each epoch, with mini-batches of 8."""


class Site(NamedTuple):
    """A tensor, the computation that it is the result of, and a moment: (epoch, step) or (epoch, evaluated part)."""

    place: str
    tensor: str
    moment: tuple


class Plant:
    """Writes `value` into an element of the tensor of one site; without a site, notes all that it is shown."""

    def __init__(self, site=None, value=0.0, loud=True):
        self.site, self.value, self.loud = site, value, loud
        self.now = ()
        self.shown = []

    def __call__(self, place, tensor, array):
        if self.site is None:
            self.shown.append(Site(place, tensor, self.now))
        elif (place, tensor, self.now) == self.site:
            index = np.random.default_rng(len(place + tensor)).integers(array.size)
            array[np.unravel_index(index, array.shape)] = self.spoilt(array.dtype.type)

    def spoilt(self, kind):
        """Return the value, having raised NumPy's flag or not."""
        if self.loud and math.isnan(self.value):
            return np.subtract(kind(np.inf), kind(np.inf))
        return np.multiply(np.finfo(kind).max, kind(10 * np.sign(self.value))) if self.loud else kind(self.value)


def arrays(tree):
    """Yield (name, array) of the arrays in nested tuples."""
    if isinstance(tree, np.ndarray):
        yield "", tree
    elif isinstance(tree, tuple):
        for index, member in enumerate(tree):
            yield from ((f".{index}{name}", array) for name, array in arrays(member))


def shown_layer(name, layer, plant):
    """Return a layer that shows what it computes; its cache when that is read, which nobody may ever do."""
    caches = []

    def forward(params, state, x, work, call):
        y, new_state, cache = layer.forward(params, state, x, work, call)
        if not call.train:
            plant(f"evaluation/{name}/forward", "y", without_ones(y))
            return y, new_state, cache
        plant(f"{name}/forward", "y", without_ones(y))
        for part, array in arrays(new_state):
            plant(f"{name}/forward", f"state{part}", array)
        caches[:] = [cache] if isinstance(cache, np.ndarray) and is_computed(cache, x) else []
        return y, new_state, cache

    def backward(params, cache, dy, work, need_dx):
        for computed in caches:
            plant(f"{name}/backward", "cache", computed)
        dx, gradient = layer.backward(params, cache, dy, work, need_dx)
        if dx is not None:
            plant(f"{name}/backward", "dx", dx)
        for part, array in arrays(gradient):
            plant(f"{name}/backward", f"gradient{part}", unit_rows(array) if part == ".1" else array)
        return dx, gradient

    return layer._replace(forward=forward, backward=backward)


def is_computed(cache, x):
    """Tell a cache that a layer has computed from the input itself, or a copy of it, that max_pool compares with."""
    return cache.dtype == x.dtype and not np.shares_memory(cache, x) and np.isfinite(cache).all()


def unit_rows(x):
    """Return the input of an affine layer without its row of ones, a constant that no computation writes."""
    return x[:-1] if (x[-1] == 1).all() else x


class Stage(NetworkTrainer):
    """A trainer that shows a plant every tensor, and tells it the time."""

    def __init__(self, given, plant):
        self.plant = plant
        self.update = given.optimizer.update
        loss = given.network.loss

        def shown_loss(logits, positions, work):
            value, gradient = loss(logits, positions, work)
            value, is_training = np.array([value]), isinstance(plant.now[1], int)
            plant("loss" if is_training else "evaluation/loss", "value", value)
            if is_training:
                plant("loss", "gradient", gradient)
            return float(value[0]), gradient

        layers = {name: shown_layer(name, layer, plant) for name, layer in given.network.layers.items()}
        optimizer = given.optimizer._replace(update=self.shown_update)
        super().__init__(DATASET, replace(given, network=Network(layers, shown_loss), optimizer=optimizer))
        self.evaluation = ShownEvaluation(self)

    @property
    def states(self):
        return self.state.layer_states, tuple(self.state.optimizer_states)

    def of_layers(self, array, params):
        """Yield (layer, its part) of what belongs to `params`: one layer's, or those of all layers in one vector."""
        offset = 0
        for name, own in zip(self.settings.network.layers, self.params, strict=True):
            if own is not None and params is self.state.vector:
                yield name, array[offset : offset + own.size]
                offset += own.size
            elif own is params:
                yield name, array

    def shown_update(self, params, gradient, state, factor, scratch):
        for part, array in arrays(gradient):
            for name, own in self.of_layers(array, params):
                self.plant(f"{name}/update", f"gradient{part}", unit_rows(own) if part == ".1" else own)
        new_state = self.update(params, gradient, state, factor, scratch)
        for part, array in (("params", params), *arrays(new_state)):
            for name, own in self.of_layers(array, params):
                self.plant(f"{name}/update", part, own)
        return new_state

    def show_what_stays(self):
        """Show what a step begins with."""
        plant, training = self.plant, self.state
        for name, params, state in zip(self.settings.network.layers, self.params, training.layer_states, strict=True):
            if params is not None:
                plant(f"{name}/forward", "params before", params)
            for part, array in arrays(state):
                plant(f"{name}/forward", f"state{part} before", array)
        for params, state in zip([training.vector], training.optimizer_states, strict=False):
            for part, array in arrays(state):
                for name, own in self.of_layers(array, params):
                    plant(f"{name}/update", f"{part} before", own)

    def _steps(self, number, order, settings):
        steps = super()._steps(number, order, settings)
        for step in itertools.count(1):
            self.plant.now = (number, step)
            if step <= STEPS:
                self.show_what_stays()
            loss = next(steps, None)
            if loss is None:
                return
            yield loss

    def evaluate(self, number, steps):
        self.number = number
        return super().evaluate(number, steps)


class ShownEvaluation(Evaluation):
    """An evaluation that shows a plant every batch, and tells it the time."""

    def __init__(self, stage):
        super().__init__(stage.dataset, stage.settings)
        self.stage = stage

    def _part_metrics(self, network, params, states, part):
        self.stage.plant.now = (self.stage.number, part)
        return super()._part_metrics(network, params, states, part)

    def batch(self, part):
        is_new = part not in self._batches
        batch = super().batch(part)
        if is_new:
            first = next(iter(self.stage.settings.network.layers))
            gather_each, read = batch.gather_each, batch.slice
            training, evaluation = (partial(self.shown, f"{place}{first}/input") for place in ("", "evaluation/"))
            batch.gather_each = lambda order, steps: map(training, gather_each(order, steps))
            batch.slice = lambda start, stop: evaluation(read(start, stop))
        return batch

    def shown(self, place, x):
        self.stage.plant(place, "batch", x[:-1])
        return x


class Outcome(NamedTuple):
    """How a training ended, and what it left."""

    divergence: Divergence | None
    figures: list
    remains: list

    @property
    def is_finite(self):
        return all(np.isfinite(array).all() for array in (self.figures, *self.remains))

    def bits(self):
        return self.figures, [array.tobytes() for array in self.remains]


def trained(given, plant):
    stage, figures, divergence = Stage(given, plant), [], None
    try:
        for epoch in stage.epochs():
            figures += [
                epoch.metrics["train_loss"],
                epoch.metrics["train_accuracy"],
                epoch.metrics["test_loss"],
                epoch.metrics["test_accuracy"],
            ]
            figures += stage.batch_losses
    except Diverged as diverged:
        divergence = diverged.divergence
        figures += stage.batch_losses
    return Outcome(divergence, figures, [stage.state.vector, *(array for _, array in arrays(stage.states))])


def verdict(plant, outcome, quiet):
    """Return what a plant has come to, in a word, or in a sentence that no test allows."""
    if outcome.divergence is None:
        if outcome.bits() == quiet.bits():
            return "harmless"
        return "swallowed" if outcome.is_finite else "missed"
    if not np.isfinite(outcome.figures).all():
        return "a figure that is not finite"
    return "flagged" if outcome.divergence == expected(plant, outcome.divergence.kind) else f"as {outcome.divergence}"


def expected(plant, kind):
    """Return the divergence that a plant must be recorded as; its kind is known if it is in what is looked at."""
    (epoch, step), place, tensor = plant.site.moment, plant.site.place, plant.site.tensor
    if isinstance(step, str):  # in an evaluation, after the last step
        step = STEPS if epoch else 0
    is_spoilt_operand = place.endswith("/update") and tensor.startswith("gradient")
    if not (is_spoilt_operand or tensor == "cache" or tensor.endswith("before")):
        kind = "invalid" if math.isnan(plant.value) else "overflow"
    return Divergence(epoch, step, place, kind)


def chosen(shown, seed):
    """Choose one site of each tensor."""
    by_tensor = {}
    for site in shown:
        by_tensor.setdefault((site.place, site.tensor), set()).add(site)
    rng = np.random.default_rng(seed)
    return [sorted(sites, key=repr)[rng.integers(len(sites))] for sites in by_tensor.values()]
