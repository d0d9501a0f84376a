"""The gradient check: computed derivatives, compared with differences of the loss.

Differences and their rounding are those of `sweep.nn.finite_differences`. Entries of a parameter for which no step is
small enough, or where the steps are so small that rounding would spoil the comparison, are left out and counted.

**Points on a kink.** Backpropagation gives a gradient only where every layer has one. So the output of each layer with
parameters is also moved by 1e-9 in a random direction; if the loss has a kink there, as where all pixels of a window
are equal, no entry of the layer is checked.

**Zeros.** Some derivatives are exactly 0, such as those of biases before a batch normalization; then both sides are
only rounding, and their quotient means nothing. The amount of rounding is measured: all parameters are varied in their
last digits, and the loss and the computed gradient vary with them. The rounding of a difference is that of the loss
divided by the step. Where both sides are within their rounding, and the computed one varies as a whole, or both are
exactly 0, the error is 0. Where they are within it otherwise, or it exceeds 1e-4 of the gradient, so that a gradient
wrong by 0.1 % could pass, the verdict is "not checked".
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple

import numpy as np

from sweep.nn.finite_differences import ROUNDINGS, Estimate, derivative, odd_and_even
from sweep.nn.layer import Array, Call, Layer, Parameters, Shape, State, Workspace, outputs, without_ones
from sweep.nn.losses import LossWorkspace, loss_work
from sweep.nn.network import Network, chain, flat_vector
from sweep.nn.optimizers import dense
from sweep.nn.penalties import Penalty
from sweep.records import Seeds

Verdict = Literal["OK", "warning", "PROBLEM", "not checked"]
DOUBLE = np.dtype(np.float64)
PRECISION = 5e-7
"""Largest rounding of an entry, relative to the size of the gradient; the usual error is an eighth of it."""
VARIATIONS = 16
"""How often all parameters are varied in their last digits."""
LARGEST_ROUNDING = 1e-11
"""Largest variation that counts as rounding, relative to the loss, to the largest derivative, or to 1."""
TINY_STEP = 1e-9
"""How far the output of a layer is moved to find whether it is on a kink."""
FINEST, COARSEST = 1e-7, 1e-4
"""Largest relative errors of the verdicts "OK" and "warning"."""


@dataclass(frozen=True)
class Comparison:
    """The result of the check of one parameter of one layer."""

    layer: str
    parameter: str
    """"weights", "biases", "gamma" or "beta"."""
    shape: Shape
    checked: int
    """Number of entries that were compared."""
    kinks: int
    """Number of other entries that were chosen, but left out at a kink or too near to one."""
    error: float
    """‖numeric − computed‖/(‖numeric‖ + ‖computed‖), in [0, 1]; NaN where nothing could be checked."""
    verdict: Verdict

    @property
    def entries(self) -> int:
        """Number of entries of the parameter."""
        return math.prod(self.shape)


class ParameterSlice(NamedTuple):
    """One parameter of one layer."""

    layer: str
    layer_index: int
    parameter: str
    entries: Array
    """In the parameter's shape: the index of each entry in the flat vector of all."""


class Computed(NamedTuple):
    """The gradient that the network computes, flat, and the rounding in it and in the loss."""

    gradient: Array
    variation: Array
    """The largest change of each entry when all parameters vary in their last digits."""
    loss_rounding: float
    """The standard deviation of the loss meanwhile."""


@dataclass(frozen=True)
class Case:
    """A network at one point: its parameters, a mini-batch, and its work arrays."""

    network: Network
    layers: tuple[Layer, ...]
    penalty: Penalty
    vector: Array
    """All parameters; `params` are views of it."""
    params: tuple[Parameters, ...]
    states: tuple[State, ...]
    x: Array
    targets: Array
    """As the loss takes them."""
    work: tuple[Workspace, ...]
    loss_work: LossWorkspace
    dropout_seed: int

    def rng(self) -> np.random.Generator:
        """Return a generator of dropout's masks; they are the same in each pass."""
        return np.random.default_rng(self.dropout_seed)

    def forward(self, x: Array, start: int, stop: int | None, rng: np.random.Generator) -> Array:
        """Run layers `start` to `stop` (excluded) in training mode."""
        call = Call(train=True, rng=rng)
        for index in range(len(self.layers))[start:stop]:
            x, _, _ = self.layers[index].forward(self.params[index], self.states[index], x, self.work[index], call)
        return x

    def loss_from(self, start: int, x: Array, rng: np.random.Generator) -> float:
        """Return the loss if `x` is the input of layer `start`; the generator is not changed."""
        logits = self.forward(x, start, None, copy.deepcopy(rng))[:-1]
        return self.network.loss(logits, self.targets, self.loss_work)[0]

    def penalty_of(self, index: int) -> float:
        """Return the penalty of the weights of a layer with parameters."""
        if not any(self.penalty):
            return 0.0
        weights = self.layers[index].weights(self.params[index])
        return float(self.penalty.l1 * np.abs(weights).sum() + self.penalty.l2 / 2 * np.square(weights).sum())


def check(
    network: Network,
    x: Array,
    targets: Array,
    seeds: Seeds,
    *,
    penalty: Penalty | None = None,
    samples: int | None = 100,
    progress: Callable[[int, int], None] | None = None,
) -> list[Comparison]:
    """Compare the gradient of a network's cost with differences of it, in float64.

    The network is in training mode.

    Args:
        network: its layers, its loss and the form of its targets.
        x: float64 (features, samples), without a row of ones, or (rows, channels, columns, samples).
        targets: (samples,) classes, or float64 numbers for regression.
        seeds: of the parameters and of dropout's mask, as in training; the one of shuffling chooses the entries.
        penalty: the regularization that is part of the cost.
        samples: number of entries of each parameter to compare, chosen at random, which may miss an error in single
            entries; None for all.
        progress: called after each entry with the numbers of entries done and in total.

    Returns: a result for each parameter of each layer, in the order of the layers.
    """
    case = _case(network, x, targets, seeds, penalty or Penalty())
    rng = np.random.default_rng(seeds.shuffling)
    chosen = [(part, _choose(part.entries, samples, rng)) for part in _parts(case)]
    total, done = sum(len(entries) for _, entries in chosen), 0

    def count() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total)

    with np.errstate(all="ignore"):  # a value that is not finite ends as a verdict
        computed = _compute(case, rng)
        return [_examine(case, part, entries, computed, count) for part, entries in chosen]


def _case(network: Network, x: Array, targets: Array, seeds: Seeds, penalty: Penalty) -> Case:
    """Initialize the network and make its work arrays."""
    *shape, samples = x.shape
    given = outputs(tuple(shape), samples, DOUBLE)
    without_ones(given)[...] = x
    net = chain(network.layers)
    initial, states = net.init(np.random.default_rng(seeds.weights), tuple(shape), DOUBLE)
    vector, params = flat_vector(initial, DOUBLE)
    (classes,) = net.shape(tuple(shape))
    return Case(
        network,
        tuple(network.layers.values()),
        penalty,
        vector,
        params,
        states,
        given,
        network.targets(targets, samples),
        net.work(tuple(shape), samples, DOUBLE),
        loss_work(classes, samples, DOUBLE),
        seeds.dropout,
    )


def _parts(case: Case) -> list[ParameterSlice]:
    """Divide each layer's array into weights and biases, or gamma and beta without weights."""
    parts: list[ParameterSlice] = []
    offset = 0
    for index, (name, layer) in enumerate(case.network.layers.items()):
        array = case.params[index]
        if array is None:
            continue
        entries = np.arange(offset, offset + array.size).reshape(array.shape)
        weights = layer.weights(entries)
        named = {"weights": weights, "biases": np.setdiff1d(entries, weights)}
        if not weights.size:
            named = dict(zip(("gamma", "beta"), entries.T, strict=True))
        parts += [ParameterSlice(name, index, parameter, its) for parameter, its in named.items() if its.size]
        offset += array.size
    return parts


def _choose(entries: Array, samples: int | None, rng: np.random.Generator) -> Array:
    """Return `samples` random entries of an array in order, or all for None."""
    if samples is None or samples >= entries.size:
        return entries.ravel()
    return entries.ravel()[np.sort(rng.choice(entries.size, samples, replace=False))]


def _compute(case: Case, rng: np.random.Generator) -> Computed:
    """Compute the gradient, and its variation with the last digits of all parameters."""
    here = case.vector.copy()
    _, gradient = _loss_and_gradient(case)
    variation, losses = np.zeros_like(gradient), []
    for _ in range(VARIATIONS):
        np.multiply(here, 1 + rng.integers(-4, 5, here.size) * np.finfo(DOUBLE).eps, out=case.vector)
        loss, other = _loss_and_gradient(case)
        losses.append(loss)
        np.maximum(variation, np.abs(other - gradient), out=variation)
    np.copyto(case.vector, here)
    largest = LARGEST_ROUNDING * max(1.0, abs(losses[0]), float(np.abs(gradient).max(initial=0)))
    rounding = min(float(max(np.std(losses), np.spacing(losses[0]) / 2)), largest)
    return Computed(gradient, np.minimum(variation, largest), rounding)


def _loss_and_gradient(case: Case) -> tuple[float, Array]:
    """Compute the cost and its gradient, flat, by the functions that training calls."""
    net = chain(case.network.layers)
    call = Call(train=True, rng=case.rng())
    y, _, cache = net.forward(case.params, case.states, case.x, case.work, call)
    loss, dy = case.network.loss(y[:-1], case.targets, case.loss_work)
    _, gradients = net.backward(case.params, cache, dy, case.work, False)
    flat, views = flat_vector(case.params, DOUBLE)
    flat.fill(0)
    for index, (layer, params, gradient) in enumerate(zip(case.layers, case.params, gradients, strict=True)):
        if gradient is not None:
            dense(gradient, views[index])
            case.penalty.add_gradient(layer.weights(params), layer.weights(views[index]))
            loss += case.penalty_of(index)
    return loss, flat


def _examine(
    case: Case, part: ParameterSlice, entries: Array, computed: Computed, tell: Callable[[], None]
) -> Comparison:
    """Compare the chosen entries of one parameter."""
    estimates = _estimate(case, part.layer_index, entries, computed.loss_rounding, tell)
    usable = np.array([estimate is not None for estimate in estimates])
    values, roundings = np.array([e[:2] for e in estimates if e is not None]).reshape(-1, 2).T
    precise = _precise(values, roundings)
    kept = entries[usable][precise]
    error, verdict = compare(values[precise], computed.gradient[kept], roundings[precise], computed.variation[kept])
    return Comparison(
        part.layer, part.parameter, part.entries.shape, len(kept), len(entries) - len(kept), error, verdict
    )


def _estimate(
    case: Case, index: int, entries: Array, loss_rounding: float, tell: Callable[[], None]
) -> list[Estimate | None]:
    """Compute numerical derivatives by entries of the parameters of a layer, None at a kink."""
    on_kink = _is_on_kink(case, index, loss_rounding)
    rng = case.rng()
    x = case.forward(case.x, 0, index, rng).copy()  # the layers above may overwrite it

    def moved(entry: int, step: float) -> float:
        here = case.vector[entry]
        case.vector[entry] += step
        cost = case.loss_from(index, x, rng) + case.penalty_of(index)
        case.vector[entry] = here
        return cost

    center, first = moved(0, 0.0), 0
    estimates: list[Estimate | None] = []
    for entry in entries:
        scale = max(1.0, abs(float(case.vector[entry])))
        estimate = None if on_kink else derivative(partial(moved, entry), center, scale, loss_rounding, first)
        if estimate is not None:
            first = max(0, estimate.halvings - 3)  # entries are alike: start the next one at larger steps
        estimates.append(estimate)
        tell()
    return estimates


def _is_on_kink(case: Case, index: int, loss_rounding: float) -> bool:
    """Return whether the loss has a kink here, as a function of the output of a layer."""
    rng = case.rng()
    x = case.forward(case.x, 0, index + 1, rng).copy()
    here = without_ones(x).copy()
    direction = np.random.default_rng(index).normal(size=here.shape)

    def loss(step: float) -> float:
        without_ones(x)[...] = here + step * direction
        return case.loss_from(index + 1, x, rng)

    odd, even = odd_and_even(loss, loss(0.0), TINY_STEP)
    return abs(even) > max(COARSEST * abs(odd), ROUNDINGS * loss_rounding / TINY_STEP)


def _precise(values: Array, roundings: Array) -> Array:
    """Return which entries are precise enough to be compared, shape (entries,).

    Near a kink, steps are small and roundings large. Where gradients are so small that rounding shows in all entries,
    those are compared whose steps are at most three halvings smaller than the better quarter's; the verdict allows for
    it.
    """
    if not len(values):
        return np.zeros(0, bool)
    size = math.sqrt(float(np.mean(np.square(values))))
    enough: Array = roundings <= max(PRECISION * size, 8 * float(np.quantile(roundings, 0.25)))
    return enough


def compare(numeric: Array, computed: Array, roundings: Array, variation: Array) -> tuple[float, Verdict]:
    """Return the relative error and the verdict; all arrays have shape (entries,).

    `roundings` are the errors that rounding may have caused in `numeric`, and `variation` those in `computed`, whose
    changes they are when the parameters vary in their last digits.
    """
    if not len(numeric):
        return math.nan, "not checked"
    difference, size = _norm(numeric - computed), _norm(numeric) + _norm(computed)
    rounding, noise = _norm(roundings + variation), 10 * _norm(variation)
    if not size or (noise and _norm(computed) <= noise and max(_norm(numeric), _norm(computed)) <= rounding):
        return 0.0, "OK"
    if difference <= rounding and rounding > COARSEST * size:
        return math.nan, "not checked"
    error = difference / size
    return error, "OK" if error <= FINEST else "warning" if error <= COARSEST else "PROBLEM"


def _norm(array: Array) -> float:
    return float(np.linalg.norm(array))
