"""The gradient check: derivatives that a network computes, held against differences of its loss.

**Steps.** The derivative with respect to one parameter is found from losses at ±t, t being 1, 1/2, 1/4, … times
max(1, |parameter|). Central differences of two steps are extrapolated to t = 0 (Richardson 1911), with an error of the
order t⁴. The largest three steps at which the loss is smooth are taken, for the rounding of the loss, divided by the
step, is least there.

**Kinks.** At each step the losses at t and −t fall into an odd part, which has the derivative, and an even part. Where
the loss is smooth, the extrapolations of the odd part from either two steps agree, and the even part divided by t tends
to 0; at a kink (`relu` at 0, equal maxima in a window) or a jump (`step`) one of them fails by far more than rounding.
Then smaller steps are tried, down to 1e-7. Entries that no step is small enough for are left out and counted, and so
are those whose steps are so small that rounding would spoil the comparison. All this is decided by losses alone: a
wrong gradient can never pass for a kink.

**Points on a kink.** Backpropagation promises a gradient only where every layer has one. So the output of each layer
with parameters is also moved by 1e-9 in a random direction; if the loss has a kink right there, such as all pixels of a
window being equal, none of the layer's entries is checked.

**Zeros.** Some derivatives are 0 in truth, such as those of biases before a batch normalization; then both sides are
mere rounding, and their quotient says nothing. How much rounding there is, is measured: all parameters are varied in
their last digits, and the loss and the computed gradient vary with them. The rounding of a difference is that of the
loss divided by the step. Where both sides are within their roundings, and what is computed varies as a whole, or both
are exactly 0, the error is 0. Where they are within them otherwise, or these exceed 1e-4 of the gradient, so that a
gradient wrong by 0.1 % could pass unseen, the verdict is "not checked".
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np

from sweep.nn.layer import Array, Call, Layer, Parameters, Shape, State, Work, outputs, units
from sweep.nn.losses import LossWork, loss_work, positions
from sweep.nn.network import Network, chain, flatten
from sweep.nn.optimizers import dense
from sweep.nn.penalties import Penalty
from sweep.records import Seeds

Verdict = Literal["OK", "warning", "PROBLEM", "not checked"]
Function = Callable[[float], float]
"""The loss, by the step from where it is."""

DOUBLE = np.dtype(np.float64)
HALVINGS = 23
"""How often the step is halved at most: from 1 to 1e-7."""
ROUNDINGS = 8.0
"""What counts as rounding, in standard deviations of the loss divided by the smallest of three steps."""
PRECISION = 5e-7
"""Largest such rounding of an entry, relative to the size of the gradient; the usual error is an eighth of it."""
VARIATIONS = 16
"""How often all parameters are varied in their last digits."""
LARGEST_ROUNDING = 1e-11
"""Relative to the loss, to the largest derivative, or to 1: what varies more than that is no mere rounding."""
TINY_STEP = 1e-9
"""How far the output of a layer is moved to see whether it stands on a kink."""
FINEST, COARSEST = 1e-7, 1e-4
"""Largest relative errors that are "OK", and that are merely a "warning"."""


@dataclass(frozen=True)
class Finding:
    """What is found of one parameter of one layer."""

    layer: str
    parameter: str
    """"weights", "biases", "gamma" or "beta"."""
    shape: Shape
    checked: int
    """How many entries were compared."""
    kinks: int
    """How many more were chosen, but left out at a kink or too near to one."""
    error: float
    """‖numeric − computed‖/(‖numeric‖ + ‖computed‖), in [0, 1]; NaN where nothing could be checked."""
    verdict: Verdict

    @property
    def entries(self) -> int:
        """How many entries there are."""
        return math.prod(self.shape)


class Estimate(NamedTuple):
    """The derivative of a function at 0, with the error that rounding may have made; how often the step was halved."""

    value: float
    rounding: float
    halvings: int


class Part(NamedTuple):
    """One parameter of one layer."""

    layer: str
    layer_index: int
    parameter: str
    entries: Array
    """In the parameter's shape: where each entry stands in the flat vector of all."""


class Computed(NamedTuple):
    """The gradient that the network computes, flat, and how much rounding there is in it and in the loss."""

    gradient: Array
    variation: Array
    """The most that each entry changes when all parameters vary in their last digits."""
    loss_rounding: float
    """The standard deviation of the loss meanwhile."""


@dataclass(frozen=True)
class Point:
    """A network at one point: its parameters, a mini-batch, and the arrays that it is run in."""

    network: Network
    layers: tuple[Layer, ...]
    penalty: Penalty
    vector: Array
    """All parameters; `params` are views of it."""
    params: tuple[Parameters, ...]
    states: tuple[State, ...]
    x: Array
    targets: Array
    work: tuple[Work, ...]
    loss_work: LossWork
    dropout_seed: int

    def rng(self) -> np.random.Generator:
        """Return the generator of dropout's masks, which are the same in each pass."""
        return np.random.default_rng(self.dropout_seed)

    def forward(self, x: Array, start: int, stop: int | None, rng: np.random.Generator) -> Array:
        """Run layers `start` to `stop`, which is excluded, in training mode."""
        call = Call(train=True, rng=rng)
        for index in range(len(self.layers))[start:stop]:
            x, _, _ = self.layers[index].forward(self.params[index], self.states[index], x, self.work[index], call)
        return x

    def loss_from(self, start: int, x: Array, rng: np.random.Generator) -> float:
        """Return the loss where `x` goes into layer `start`; the generator is left as it was."""
        logits = self.forward(x, start, None, copy.deepcopy(rng))[:-1]
        return self.network.loss(logits, self.targets, self.loss_work)[0]

    def penalty_of(self, index: int) -> float:
        """Return what the weights of a layer with parameters add to the cost."""
        if not any(self.penalty):
            return 0.0
        weights = self.layers[index].weights(self.params[index])
        return float(self.penalty.l1 * np.abs(weights).sum() + self.penalty.l2 / 2 * np.square(weights).sum())


def check(
    network: Network,
    x: Array,
    labels: Array,
    seeds: Seeds,
    *,
    penalty: Penalty | None = None,
    samples: int | None = 100,
    progress: Callable[[int, int], None] | None = None,
) -> list[Finding]:
    """Compare the gradient of a network's cost, in training mode and float64, with differences of the cost.

    Args:
        network: its layers and its loss.
        x: float64 (features, samples), without a row of ones, or (rows, channels, columns, samples).
        labels: (samples,) classes.
        seeds: of the parameters and of dropout's mask, as in training; that of shuffling chooses the entries.
        penalty: what the weights add to the cost.
        samples: how many entries of each parameter are compared, chosen at random; None for all. A fault in single
            entries can hide from a choice.
        progress: told after each entry how many of how many are done.

    Returns: a finding for each parameter of each layer, in the order of the layers.
    """
    point = _point(network, x, labels, seeds, penalty or Penalty())
    rng = np.random.default_rng(seeds.shuffling)
    chosen = [(part, _choose(part.entries, samples, rng)) for part in _parts(point)]
    total, done = sum(len(entries) for _, entries in chosen), 0

    def tell() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total)

    with np.errstate(all="ignore"):  # a value that is not finite ends as a verdict
        computed = _compute(point, rng)
        return [_examine(point, part, entries, computed, tell) for part, entries in chosen]


def _point(network: Network, x: Array, labels: Array, seeds: Seeds, penalty: Penalty) -> Point:
    """Initialize the network and make the arrays that it is run in."""
    *shape, samples = x.shape
    given = outputs(tuple(shape), samples, DOUBLE)
    units(given)[...] = x
    net = chain(network.layers)
    initial, states = net.init(np.random.default_rng(seeds.weights), tuple(shape), DOUBLE)
    vector, params = flatten(initial, DOUBLE)
    (classes,) = net.shape(tuple(shape))
    return Point(
        network,
        tuple(network.layers.values()),
        penalty,
        vector,
        params,
        states,
        given,
        positions(labels, samples),
        net.work(tuple(shape), samples, DOUBLE),
        loss_work(classes, samples, DOUBLE),
        seeds.dropout,
    )


def _parts(point: Point) -> list[Part]:
    """Divide each layer's array into what it holds: `weights` knows its own, and the rest follows from its shape."""
    parts: list[Part] = []
    offset = 0
    for index, (name, layer) in enumerate(point.network.layers.items()):
        array = point.params[index]
        if array is None:
            continue
        entries = np.arange(offset, offset + array.size).reshape(array.shape)
        weights = layer.weights(entries)
        named = {"weights": weights, "biases": np.setdiff1d(entries, weights)}
        if not weights.size:
            named = dict(zip(("gamma", "beta"), entries.T, strict=True))
        parts += [Part(name, index, parameter, its) for parameter, its in named.items() if its.size]
        offset += array.size
    return parts


def _choose(entries: Array, samples: int | None, rng: np.random.Generator) -> Array:
    """Return so many entries of an array, or all, in order."""
    if samples is None or samples >= entries.size:
        return entries.ravel()
    return entries.ravel()[np.sort(rng.choice(entries.size, samples, replace=False))]


def _compute(point: Point, rng: np.random.Generator) -> Computed:
    """Compute the gradient as training does, here and where all parameters differ in their last digits."""
    here = point.vector.copy()
    _, gradient = _loss_and_gradient(point)
    variation, losses = np.zeros_like(gradient), []
    for _ in range(VARIATIONS):
        np.multiply(here, 1 + rng.integers(-4, 5, here.size) * np.finfo(DOUBLE).eps, out=point.vector)
        loss, other = _loss_and_gradient(point)
        losses.append(loss)
        np.maximum(variation, np.abs(other - gradient), out=variation)
    np.copyto(point.vector, here)
    largest = LARGEST_ROUNDING * max(1.0, abs(losses[0]), float(np.abs(gradient).max(initial=0)))
    rounding = min(float(max(np.std(losses), np.spacing(losses[0]) / 2)), largest)
    return Computed(gradient, np.minimum(variation, largest), rounding)


def _loss_and_gradient(point: Point) -> tuple[float, Array]:
    """Return the cost and its gradient, flat, by the functions that training calls."""
    net = chain(point.network.layers)
    call = Call(train=True, rng=point.rng())
    y, _, cache = net.forward(point.params, point.states, point.x, point.work, call)
    loss, dy = point.network.loss(y[:-1], point.targets, point.loss_work)
    _, gradients = net.backward(point.params, cache, dy, point.work, False)
    flat, views = flatten(point.params, DOUBLE)
    flat.fill(0)
    for index, (layer, params, gradient) in enumerate(zip(point.layers, point.params, gradients, strict=True)):
        if gradient is not None:
            dense(gradient, views[index])
            point.penalty.add_gradient(layer.weights(params), layer.weights(views[index]))
            loss += point.penalty_of(index)
    return loss, flat


def _examine(point: Point, part: Part, entries: Array, computed: Computed, tell: Callable[[], None]) -> Finding:
    """Compare some entries of one parameter."""
    estimates = _estimate(point, part.layer_index, entries, computed.loss_rounding, tell)
    usable = np.array([estimate is not None for estimate in estimates])
    values, roundings = np.array([e[:2] for e in estimates if e is not None]).reshape(-1, 2).T
    precise = _precise(values, roundings)
    kept = entries[usable][precise]
    error, verdict = judge(values[precise], computed.gradient[kept], roundings[precise], computed.variation[kept])
    return Finding(part.layer, part.parameter, part.entries.shape, len(kept), len(entries) - len(kept), error, verdict)


def _estimate(
    point: Point, index: int, entries: Array, loss_rounding: float, tell: Callable[[], None]
) -> list[Estimate | None]:
    """Find the derivatives with respect to entries of the parameters of layer `index`, None where there is a kink."""
    on_kink = _stands_on_kink(point, index, loss_rounding)
    rng = point.rng()
    x = point.forward(point.x, 0, index, rng).copy()  # as the layers above may overwrite it

    def moved(entry: int, step: float) -> float:
        here = point.vector[entry]
        point.vector[entry] += step
        cost = point.loss_from(index, x, rng) + point.penalty_of(index)
        point.vector[entry] = here
        return cost

    center, first = moved(0, 0.0), 0
    estimates: list[Estimate | None] = []
    for entry in entries:
        scale = max(1.0, abs(float(point.vector[entry])))
        estimate = None if on_kink else derivative(partial(moved, entry), center, scale, loss_rounding, first)
        if estimate is not None:
            first = max(0, estimate.halvings - 3)  # entries are much alike: the next one starts at twice the steps
        estimates.append(estimate)
        tell()
    return estimates


def _stands_on_kink(point: Point, index: int, loss_rounding: float) -> bool:
    """Tell whether the loss has a kink where it is, as a function of the output of layer `index`."""
    rng = point.rng()
    x = point.forward(point.x, 0, index + 1, rng).copy()
    here = units(x).copy()
    direction = np.random.default_rng(index).normal(size=here.shape)

    def loss(step: float) -> float:
        units(x)[...] = here + step * direction
        return point.loss_from(index + 1, x, rng)

    odd, even = _odd_and_even(loss, loss(0.0), TINY_STEP)
    return abs(even) > max(COARSEST * abs(odd), ROUNDINGS * loss_rounding / TINY_STEP)


def derivative(function: Function, center: float, scale: float, loss_rounding: float, first: int) -> Estimate | None:
    """Return the derivative of a function at 0, from the largest steps at which it is smooth; None if there are none.

    `center` is the function's value there; the steps are `scale` halved `first` times, and once more each time.
    """
    odd: list[float] = []
    even: list[float] = []
    for halvings in range(first, HALVINGS + 1):
        step = scale * 0.5**halvings
        odd_part, even_part = _odd_and_even(function, center, step)
        odd, even = [*odd[-2:], odd_part], [*even[-2:], even_part]
        if len(odd) < 3:
            continue
        rounding = ROUNDINGS * loss_rounding / step
        coarse, fine = _extrapolate(odd, 2)
        (bend,) = _extrapolate(_extrapolate(even, 1), 3)
        if abs(fine - coarse) + abs(bend) <= rounding:
            return Estimate(fine, rounding, halvings)
    return None


def _odd_and_even(function: Function, center: float, step: float) -> tuple[float, float]:
    """Return (f(t) − f(−t))/2t, the derivative nearly, and (f(t) + f(−t) − 2·f(0))/2t, half the kink nearly."""
    above, below = function(step), function(-step)
    return (above - below) / (2 * step), (above + below - 2 * center) / (2 * step)


def _extrapolate(values: list[float], order: int) -> list[float]:
    """Remove the term stepᵒʳᵈᵉʳ from values at steps that are halved each time; they become one fewer."""
    return [(2**order * fine - coarse) / (2**order - 1) for coarse, fine in pairwise(values)]


def _precise(values: Array, roundings: Array) -> Array:
    """Tell which entries are precise enough to be compared, shape (entries,).

    Near a kink, steps are small and roundings large. Where gradients are so small that rounding shows in all entries,
    those count whose steps are at most three halvings smaller than the better quarter's; the verdict allows for it.
    """
    if not len(values):
        return np.zeros(0, bool)
    size = math.sqrt(float(np.mean(np.square(values))))
    enough: Array = roundings <= max(PRECISION * size, 8 * float(np.quantile(roundings, 0.25)))
    return enough


def judge(numeric: Array, computed: Array, roundings: Array, variation: Array) -> tuple[float, Verdict]:
    """Return the relative error and the verdict on entries of a gradient, all of shape (entries,).

    `roundings` are the errors that rounding may have made in `numeric`, and `variation` those in `computed`: what
    changes there when the parameters vary in their last digits.
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
