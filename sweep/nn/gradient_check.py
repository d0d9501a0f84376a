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

**Earlier calls.** A layer must not depend on the mini-batches before. So others go through the same layers first: of
the same size in the same work arrays, of a larger and a smaller size, whose work arrays are made before and after, and
some in evaluation mode. The gradient is computed after these, and once more after two others, so that one call of two
cannot hide; both results are compared with the differences.

**What it cannot find:**

* a value and its gradient that are wrong together, such as an activation of another formula with its own slope, or a
  forward and a backward pass that both use an old input: only their agreement is checked;
* a penalty on the wrong weights: the layer itself says which entries of its parameters are weights;
* a fault where the network does not go from these parameters and inputs, or that is lost in rounding: see
  `sweep.nn.input_check`, which gives each layer and loss a wide range of inputs;
* a fault in entries that were not chosen, or that begins after a number of calls, or with certain sizes only;
* a fault in float32 alone, in evaluation mode, in how dropout draws its masks, in running statistics, or in the
  optimizer.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np

from sweep.nn.comparison import COARSEST, Comparison, compare, worst
from sweep.nn.finite_differences import ROUNDINGS, Estimate, derivative, odd_and_even
from sweep.nn.layer import Array, Call, Layer, Parameters, State, Workspace, outputs, without_ones
from sweep.nn.losses import LossWorkspace, loss_work
from sweep.nn.network import Network, chain, flat_vector
from sweep.nn.optimizers import dense
from sweep.nn.penalties import Penalty
from sweep.records import Seeds

DOUBLE = np.dtype(np.float64)
PRECISION = 5e-7
"""Largest rounding of an entry, relative to the size of the gradient; the usual error is an eighth of it."""
VARIATIONS = 16
"""How often all parameters are varied in their last digits."""
LARGEST_ROUNDING = 1e-11
"""Largest variation that counts as rounding, relative to the loss, to the largest derivative, or to 1."""
TINY_STEP = 1e-9
"""How far the output of a layer is moved to find whether it is on a kink."""
LARGER, SMALLER = 3, 1
"""By how many samples other mini-batches differ in size."""


class ParameterSlice(NamedTuple):
    """One parameter of one layer."""

    layer: str
    layer_index: int
    parameter: str
    entries: Array
    """In the parameter's shape: the index of each entry in the flat vector of all."""


class Computed(NamedTuple):
    """The gradients that the network computes, flat, and the rounding in them and in the loss."""

    gradients: tuple[Array, ...]
    """The gradient of the same mini-batch, computed twice."""
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
    case, others = _cases(network, x, targets, seeds, penalty or Penalty())
    rng = np.random.default_rng(seeds.shuffling)
    chosen = [(part, _choose(part.entries, samples, rng)) for part in _parts(case)]
    total, done = sum(len(entries) for _, entries in chosen), 0

    def count() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total)

    with np.errstate(all="ignore"):  # a value that is not finite ends as a verdict
        computed, failure = _compute(case, others, rng)
        findings = [_examine(case, part, entries, computed, count) for part, entries in chosen]
    if failure is not None and all(finding.verdict != "PROBLEM" for finding in findings):
        raise failure
    return findings


def _cases(network: Network, x: Array, targets: Array, seeds: Seeds, penalty: Penalty) -> tuple[Case, tuple[Case, ...]]:
    """Initialize the network; return it at the mini-batch, and at others of the same, a larger and a smaller size."""
    *axes, samples = x.shape
    shape = tuple(axes)
    initial, states = chain(network.layers).init(np.random.default_rng(seeds.weights), shape, DOUBLE)
    vector, params = flat_vector(initial, DOUBLE)
    rng = np.random.default_rng([seeds.shuffling, 2])  # another stream than the choice of entries

    def case(x: Array, targets: Array) -> Case:
        count = x.shape[-1]
        net = chain(network.layers)
        work, (classes,) = net.work(shape, count, DOUBLE), net.shape(shape)
        taken = network.targets(targets, count)
        fixed = (network, tuple(network.layers.values()), penalty, vector, params, states)
        return Case(*fixed, _given(x), taken, work, loss_work(classes, count, DOUBLE), seeds.dropout)

    def drawn(count: int) -> tuple[Array, Array]:
        return rng.normal(size=(*shape, count)), rng.choice(targets, count)

    # In this order: work arrays that are made once must not fit the mini-batch, whether the first or the last ones.
    larger, here, smaller = case(*drawn(samples + LARGER)), case(x, targets), case(*drawn(max(1, samples - SMALLER)))
    others_x, others_targets = drawn(samples)
    same = replace(here, x=_given(others_x), targets=network.targets(others_targets, samples))
    return here, (same, larger, smaller)


def _given(x: Array) -> Array:
    """Return a copy of inputs, vectors with their row of ones."""
    *shape, samples = x.shape
    given = outputs(tuple(shape), samples, DOUBLE)
    without_ones(given)[...] = x
    return given


def _run_other(case: Case, train: bool) -> Exception | None:
    """Train or evaluate on another mini-batch.

    A layer with an old input may fail at another size; its exception is returned, as the comparison tells more.
    """
    try:
        if train:
            _loss_and_gradient(case)
        else:
            chain(case.network.layers).forward(case.params, case.states, case.x, case.work, Call(train=False))
    except (ValueError, IndexError) as error:
        return error
    return None


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


def _compute(case: Case, others: tuple[Case, ...], rng: np.random.Generator) -> tuple[Computed, Exception | None]:
    """Compute the gradient after other mini-batches, and its variation with the last digits of all parameters.

    Return also the first exception that another mini-batch has raised.
    """
    same, larger, smaller = others  # `same` first and last, as it shares the work arrays of the mini-batch
    failures = [_run_other(other, train=True) for other in (same, larger, smaller, same)]
    failures += [_run_other(other, train=False) for other in (larger, same)]
    here = case.vector.copy()
    _, gradient = _loss_and_gradient(case)
    failures += [_run_other(other, train=True) for other in (larger, same)]
    _, again = _loss_and_gradient(case)
    variation, losses = np.zeros_like(gradient), []
    for _ in range(VARIATIONS):
        np.multiply(here, 1 + rng.integers(-4, 5, here.size) * np.finfo(DOUBLE).eps, out=case.vector)
        loss, other = _loss_and_gradient(case)
        losses.append(loss)
        np.maximum(variation, np.abs(other - gradient), out=variation)
    np.copyto(case.vector, here)
    largest = LARGEST_ROUNDING * max(1.0, abs(losses[0]), float(np.abs(gradient).max(initial=0)))
    rounding = min(float(max(np.std(losses), np.spacing(losses[0]) / 2)), largest)
    computed = Computed((gradient, again), np.minimum(variation, largest), rounding)
    return computed, next((failure for failure in failures if failure is not None), None)


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
    allowed = roundings[precise], computed.variation[kept]
    error, verdict = worst(compare(values[precise], gradient[kept], *allowed) for gradient in computed.gradients)
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
