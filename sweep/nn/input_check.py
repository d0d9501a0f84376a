"""The check of gradients with respect to inputs: each layer without weights, the loss and the penalty by itself.

The check of a whole network sees one point of it. Here each function gets inputs of sizes from 2⁻¹⁰ to 2¹⁰ and of both
signs, so that every branch of an activation, of a clipped loss or of a penalty is reached. Entries of like size and
sign are moved together, in random directions; for the loss, the logits of one sample. So a fault in a region shows
beside what is computed right in that region, not beside everything else.

**Kinks and ties.** Then the inputs are small integers: activations are exactly at 0, and pixels of a window are equal.
There the derivatives from the left and from the right differ, and neither is wrong: it is only checked that the
computed one lies between them. In pooling, a gradient that all equal maxima get, or that another pixel gets, does not.

**What it cannot find:** which of the slopes between both one-sided ones is taken at a kink, or which of equal maxima
gets the gradient (that of `relu` at 0 is 0, and the uppermost maximum in the first column gets it; tests say so); a
fault beyond these sizes; a slope so small that rounding of the value hides it, as of `sigmoid` above 30; a function and
its gradient that are wrong together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from sweep.nn.comparison import COARSEST, Comparison, Verdict, compare, worst
from sweep.nn.finite_differences import derivative
from sweep.nn.layer import Array, Call, Layer, Parameters, Shape, State, outputs, without_ones
from sweep.nn.losses import loss_work
from sweep.nn.network import Network
from sweep.nn.penalties import Penalty
from sweep.records import Seeds

DOUBLE = np.dtype(np.float64)
EPS = float(np.finfo(DOUBLE).eps)
OCTAVES = 10
"""Sizes of inputs are from 2 to the power of minus this to 2 to the power of this."""
ENTRIES = 2000
"""Entries of an input, at least, so that some are in each octave."""
MOVED = 1000
"""Entries that are moved together, at most: the more, the nearer is a kink of one of them."""
LOSS_SAMPLES = 8 * OCTAVES
ROUNDING = 2 * EPS
"""The rounding of an output, relative to it."""
UNCHANGED = 1e-8
"""The size of an output that does not change, for the sake of rounding: most are of entries that are not moved, but the
slope may also be below the rounding of the value, as that of `sigmoid` at 40."""
GRID = 2.0**-30
"""Inputs are multiples of it, so that moved ones have no rounding."""
ONE_SIDED_STEP = 2.0**-20
KINKS = 16
"""Outputs at a kink that are checked, at most."""

Result = tuple[float, Verdict]
NOT_CHECKED: Result = (math.nan, "not checked")


class Function(NamedTuple):
    """A function of an array to be checked, and how its gradient is computed."""

    name: str
    """Of the layer, or "loss" or "penalty"."""
    parameter: str
    shape: Shape
    """Of the input."""
    value: Callable[[Array], Array]
    """(x) -> outputs, flat, in an array of their own"""
    gradient: Callable[[Array, Array], Array]
    """(x, derivatives with respect to the outputs) -> those with respect to x"""
    by_sample: bool = False
    """Whether the entries of one sample are moved together, instead of those of like size."""


def check_inputs(
    network: Network, shape: Shape, targets: Array, seeds: Seeds, penalty: Penalty | None = None
) -> list[Comparison]:
    """Compare gradients with respect to inputs with differences, in float64 and training mode.

    Args:
        network: its layers without weights and its loss are checked.
        shape: of an input of the network.
        targets: (samples,) some targets, from which those of the loss are drawn.
        seeds: of the parameters, of dropout's mask and of the inputs.
        penalty: the regularization; checked if there is one.

    Returns: a result for each function, in which `checked` counts directions, and `kinks` those that were left out.
    """
    rng = np.random.default_rng([seeds.shuffling, 3])
    with np.errstate(all="ignore"):  # a value that is not finite ends as a verdict
        return [_examine(each, rng) for each in _functions(network, shape, targets, seeds, penalty or Penalty())]


def _functions(network: Network, shape: Shape, targets: Array, seeds: Seeds, penalty: Penalty) -> Iterator[Function]:
    weights = np.random.default_rng(seeds.weights)
    for name, layer in network.layers.items():
        params, state = layer.init(weights, shape, DOUBLE)
        if params is None or not layer.weights(params).size:
            yield _of_layer(name, layer, params, state, shape, seeds.dropout)
        shape = layer.shape(shape)
    yield _of_loss(network, shape, np.random.default_rng([seeds.shuffling, 4]).choice(targets, LOSS_SAMPLES))
    if any(penalty):
        yield _of_penalty(penalty)


def _of_layer(name: str, layer: Layer, params: Parameters, state: State, shape: Shape, seed: int) -> Function:
    """Return a layer as a function of its input; it has the same mask of dropout each time."""
    samples = max(3, -(-ENTRIES // math.prod(shape)))
    given, work = outputs(shape, samples, DOUBLE), layer.work(shape, samples, DOUBLE)

    def run(x: Array) -> tuple[Array, object]:
        without_ones(given)[...] = x
        call = Call(train=True, rng=np.random.default_rng(seed))
        y, _, cache = layer.forward(params, state, given, work, call)
        return without_ones(y), cache

    def gradient(x: Array, dy: Array) -> Array:
        y, cache = run(x)
        dx, _ = layer.backward(params, cache, dy.reshape(y.shape).copy(), work, True)
        return np.array(dx)

    return Function(name, "input", (*shape, samples), lambda x: run(x)[0].flatten(), gradient)


def _of_loss(network: Network, shape: Shape, targets: Array) -> Function:
    """Return the mean loss as a function of the logits; targets of regression are rounded, to be at kinks."""
    samples = len(targets)
    taken = network.targets(np.rint(targets).astype(targets.dtype), samples)
    work = loss_work(shape[0], samples, DOUBLE)

    def value(x: Array) -> Array:
        return np.array([network.loss(x.copy(), taken, work)[0]])

    def gradient(x: Array, dy: Array) -> Array:
        return np.asarray(network.loss(x.copy(), taken, work)[1] * dy[0])

    return Function("loss", "input", (*shape, samples), value, gradient, by_sample=True)


def _of_penalty(penalty: Penalty) -> Function:
    """Return the penalty of each weight as a function of the weights."""

    def gradient(x: Array, dy: Array) -> Array:
        found = np.zeros_like(x)
        penalty.add_gradient(x, found)
        return found * dy

    def cost(x: Array) -> Array:
        return np.asarray(penalty.l1 * np.abs(x) + penalty.l2 / 2 * np.square(x))

    return Function("penalty", "weights", (ENTRIES,), cost, gradient)


def _examine(function: Function, rng: np.random.Generator) -> Comparison:
    """Check a function over the range of its input, and at kinks."""
    ranges, kinks = [*_check_ranges(function, rng)], [*_check_kinks(function, rng)]
    results = [result for result in ranges + kinks if result[1] != "not checked"]
    error, verdict = worst(results or [NOT_CHECKED])
    skipped = len(ranges) + len(kinks) - len(results)
    return Comparison(function.name, function.parameter, function.shape, len(results), skipped, error, verdict)


def _check_ranges(function: Function, rng: np.random.Generator) -> Iterator[Result]:
    """Yield the result of each group of entries, moved together."""
    size = (1, function.shape[-1]) if function.by_sample else function.shape
    octaves = rng.uniform(-OCTAVES, OCTAVES, size)
    signs = rng.choice([-1.0, 1.0], function.shape)
    sizes = 2.0**octaves * (rng.uniform(0.5, 1, function.shape) if function.by_sample else 1)
    x = np.rint(signs * sizes / GRID) * GRID
    dy = rng.normal(size=function.value(x).size)
    dx = function.gradient(x, dy)
    before = function.value(x)
    for group in _groups(function, x):
        chosen = group if len(group) <= MOVED else rng.choice(group, MOVED, replace=False)
        direction = np.zeros(x.size)
        direction[chosen] = rng.choice([-1.0, 1.0], len(chosen))
        yield _compare_along(function, x, direction.reshape(x.shape), (before, dy, dx))


def _groups(function: Function, x: Array) -> Iterator[Array]:
    """Yield the flat indices of the entries that are moved together."""
    if function.by_sample:
        labels = np.broadcast_to(np.arange(x.shape[-1]), x.shape)
    else:
        labels = np.copysign(np.floor(np.log2(np.maximum(np.abs(x), GRID))) + 2 * OCTAVES, x)
    for label in np.unique(labels):
        yield np.flatnonzero(labels == label)


def _compare_along(function: Function, x: Array, direction: Array, computed: tuple[Array, Array, Array]) -> Result:
    """Compare the derivatives in a direction; the differences of outputs that do not change are exactly 0."""
    before, dy, dx = computed

    def moved(step: float) -> float:
        return float(dy @ (function.value(x + step * direction) - before))

    after = function.value(x + direction)
    size = np.maximum(np.abs(after), np.abs(before))
    if not function.by_sample:
        size[after == before] = UNCHANGED
    estimate = derivative(moved, 0.0, 1.0, ROUNDING * float(np.linalg.norm(dy * size)), 0)
    if estimate is None:
        return NOT_CHECKED
    value, slope = np.array([estimate.value]), np.array([np.vdot(dx, direction)])
    variation = np.array([4 * EPS * np.linalg.norm(dx * direction)])
    error, verdict = compare(value, slope, np.array([estimate.rounding]), variation)
    if verdict == "warning" and abs(value[0] - slope[0]) <= estimate.rounding:
        return NOT_CHECKED
    return error, verdict


def _check_kinks(function: Function, rng: np.random.Generator) -> Iterator[Result]:
    """Yield the result of each output at a kink: the computed derivative is between the one-sided ones."""
    x = rng.integers(-2, 3, function.shape).astype(DOUBLE)
    before = function.value(x)
    sides = []
    for direction in _directions(function, rng):
        step = ONE_SIDED_STEP * direction
        right = (function.value(x + step) - before) / ONE_SIDED_STEP
        left = (before - function.value(x - step)) / ONE_SIDED_STEP
        sides.append((direction, np.minimum(left, right), np.maximum(left, right)))
    at_kink = np.any([high - low > COARSEST * (1 + np.abs(low)) for _, low, high in sides], axis=0)
    places = np.flatnonzero(at_kink)
    for place in places if len(places) <= KINKS else np.sort(rng.choice(places, KINKS, replace=False)):
        dy = np.zeros(before.size)
        dy[place] = 1
        dx = function.gradient(x, dy)
        yield worst(_between(float(np.vdot(dx, each)), low[place], high[place]) for each, low, high in sides)


def _directions(function: Function, rng: np.random.Generator) -> Iterator[Array]:
    """Yield directions for one-sided derivatives: of all entries, or of each sample."""
    shape = function.shape
    for sample in range(shape[-1]) if function.by_sample else [slice(None)]:
        for drawn in (np.ones(shape), rng.uniform(0.1, 1, shape), rng.normal(size=shape)):
            direction = np.zeros(shape)
            direction[..., sample] = (np.rint(drawn * 2**10) / 2**10)[..., sample]
            yield direction


def _between(slope: float, low: float, high: float) -> Result:
    """Return the result of a slope that must be between two one-sided derivatives."""
    allowed = COARSEST * (1 + abs(low) + abs(high))
    excess = max(low - slope, slope - high)
    if excess <= allowed:
        return 0.0, "OK"
    return excess / (excess + abs(low) + abs(high)), "PROBLEM"
