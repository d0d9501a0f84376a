"""Training thousands of tiny networks at once: the map of which hyperparameters converge, and which blow up.

The networks differ in a few hyperparameters and nothing else: data, first weights and number of steps are the same.
They are trained by gradient descent on all samples with the mathematics of `sweep.nn`, in float64: activations are the
layers of `sweep.nn.layers.activations` themselves, applied to all networks at once, and losses, products and updates
are their formulas with one more axis in front. A test compares the losses of all steps with those of single networks.

The picture was first drawn by Sohl-Dickstein, "The boundary of neural network trainability is fractal"
(arXiv:2402.06184): where neighboring points of a map come to different ends at every scale.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sweep.nn.layer import Call, Layer
from sweep.system.environment import one_blas_thread

Array = NDArray[Any]
LossName = Literal["cross_entropy", "mean_squared_error"]
Values = Mapping[str, Array]
"""Hyperparameter -> its value of each network, shape (networks,)."""

CAP = 1e6
"""Ratios of losses count as at most so large, as in Sohl-Dickstein's program."""
LAST = 20
"""Steps at the end whose mean loss tells whether a network has converged."""
NETWORKS = 256
"""Networks that are trained together: their arrays fit the processor's L2 cache."""
DOUBLE = np.dtype(np.float64)


@dataclass(frozen=True, eq=False)
class Problem:
    """What all networks of a map have in common."""

    inputs: Array
    """(features + 1, samples), the last row being ones."""
    targets: Array
    """(samples,) classes for cross-entropy; (outputs, samples) numbers for the squared error."""
    loss: LossName
    """`cross_entropy` of softmax, or `mean_squared_error` of the last affine layer."""
    weights: tuple[Array, ...]
    """First weights of each affine layer, (units, fan_in + 1), the last column being the biases; where `std` is a
    hyperparameter, those of standard deviation 1."""
    activation: Callable[..., Layer]
    """Makes the activation between affine layers; gets the hyperparameter `alpha` if there is one."""
    fixed: Mapping[str, float]
    """Hyperparameter -> its value where it is the same for all: `learning_rate`, and where there are any, `momentum`,
    `std` of the first weights, and `alpha` of the activation."""

    @property
    def parameters(self) -> int:
        """Number of values that a network learns."""
        return sum(each.size for each in self.weights)

    @property
    def samples(self) -> int:
        """Number of samples, all of which each step takes."""
        return int(self.inputs.shape[1])


class Axis(NamedTuple):
    """One axis of a map."""

    name: str
    """The hyperparameter."""
    low: float
    high: float
    is_log: bool

    def values(self, size: int) -> Array:
        """Return the values at the centers of `size` cells."""
        places = (np.arange(size) + 0.5) / size
        if self.is_log:
            return np.asarray(np.exp(np.log(self.low) + places * (np.log(self.high) - np.log(self.low))))
        return np.asarray(self.low + places * (self.high - self.low))


class Map(NamedTuple):
    """What became of each network of a map, with (rows, columns) as (y, x)."""

    x: Axis
    y: Axis
    converged: Array
    """Whether the mean loss of the last steps is below that before the first."""
    duration: Array
    """Of a network that converged Σ loss/first loss, else Σ first loss/loss: how many steps it took, more or less."""


class Outcome(NamedTuple):
    """What became of some networks; see `Map`."""

    converged: Array
    duration: Array


def losses(problem: Problem, values: Values, steps: int) -> Iterator[Array]:
    """Yield the loss of each network before each step, shape (networks,); a network that has blown up has NaN or ∞.

    Args:
        problem: what they have in common.
        values: hyperparameters in which they differ, at least one; they take precedence over the fixed ones.
        steps: number of steps, on all samples each.
    """
    networks = len(next(iter(values.values())))
    given = {name: np.full(networks, value) for name, value in problem.fixed.items()} | dict(values)
    column = {name: value.reshape(-1, 1, 1) for name, value in given.items()}
    parameters = [_first(weights, column, networks) for weights in problem.weights]
    velocities = [np.zeros_like(weights) for weights in parameters] if "momentum" in column else None
    forward_backward = _network(problem, column, networks)
    for _ in range(steps):
        loss, gradients = forward_backward(parameters)
        yield loss
        for index, gradient in enumerate(gradients):
            gradient *= column["learning_rate"]  # noqa: PLW2901 (in place)
            _update(parameters[index], gradient, column, None if velocities is None else velocities[index])


def _update(parameters: Array, step: Array, column: Values, velocity: Array | None) -> None:
    """Change parameters by a step, as `sweep.nn.optimizers.sgd` does, and with a velocity as `momentum`."""
    if velocity is None:
        parameters -= step
        return
    velocity *= column["momentum"]
    velocity -= step
    parameters += velocity


def _first(weights: Array, column: Values, networks: int) -> Array:
    """Return the first weights of all networks, (networks, units, fan_in + 1)."""
    first = np.repeat(weights[None], networks, 0)
    if "std" in column:
        first[:, :, :-1] *= column["std"]
    return first


def _network(problem: Problem, column: Values, networks: int) -> Callable[[list[Array]], tuple[Array, list[Array]]]:
    """Return the function (parameters) -> (losses, gradients), which uses the same arrays again in each call.

    For each affine layer with input x: z = W [x; 1], dW = dz [x; 1]ᵀ and dx = Wᵀ dz without the biases' column, as in
    `sweep.nn.layers.affine`.
    """
    samples, call = problem.samples, Call(train=True)
    constants = {"alpha": column["alpha"]} if "alpha" in column else {}
    activation, loss = problem.activation(**constants), LOSSES[problem.loss]
    outputs = [_with_ones(networks, len(weights), samples) for weights in problem.weights]
    works = [activation.reuse(activation.work(z[:, :-1].shape[:2], samples, DOUBLE), z[:, :-1]) for z in outputs]
    slopes = [np.empty((networks, len(weights), samples)) for weights in problem.weights]
    found = [np.empty((networks, *weights.shape)) for weights in problem.weights]
    last = len(outputs) - 1

    def forward_backward(parameters: list[Array]) -> tuple[Array, list[Array]]:
        x, caches = problem.inputs, []
        for index, weights in enumerate(parameters):
            z = outputs[index][:, :-1]
            np.matmul(weights, x, out=z)
            if index < last:
                caches.append(activation.forward(None, None, z, works[index], call)[2])
            x = outputs[index]
        values, dz = loss(outputs[-1][:, :-1], problem.targets)
        for index in range(last, -1, -1):
            below = problem.inputs if index == 0 else outputs[index - 1]
            np.matmul(dz, below.swapaxes(-1, -2), out=found[index])
            if index:
                da = np.matmul(parameters[index][:, :, :-1].swapaxes(1, 2), dz, out=slopes[index - 1])
                dz = np.asarray(activation.backward(None, caches[index - 1], da, works[index - 1], True)[0])
        return values, found

    return forward_backward


def _with_ones(networks: int, units: int, samples: int) -> Array:
    """Return uninitialized outputs of an affine layer of each network, with their row of ones."""
    array = np.empty((networks, units + 1, samples))
    array[:, -1] = 1
    return array


def cross_entropy(logits: Array, labels: Array) -> tuple[Array, Array]:
    """Compute −log softmax(logits)[true class] and its gradient, as `sweep.nn.losses.softmax_cross_entropy`.

    Args:
        logits: (networks, classes, samples).
        labels: (samples,) classes.

    Returns: the mean loss of each network, (networks,), and its gradient, of the shape of the logits.
    """
    samples, share = np.arange(len(labels)), 1 / len(labels)
    p = logits - logits.max(1, keepdims=True)
    own = p[:, labels, samples]
    np.exp(p, out=p)
    total = p.sum(1)
    p /= total[:, None]
    p[:, labels, samples] -= 1
    p *= share
    # Multiplied first, losses near the largest number do not overflow in the sum.
    return ((np.log(total) - own) * share).sum(1), p


def mean_squared_error(outputs: Array, targets: Array) -> tuple[Array, Array]:
    """Compute mean((output − target)²) and its gradient, as `sweep.nn.losses` and `sweep.nn.regression` do.

    Args:
        outputs: (networks, outputs, samples).
        targets: (outputs, samples).

    Returns: the mean loss of each network, (networks,), and its gradient, of the shape of the outputs.
    """
    gradient = outputs - targets
    loss = np.einsum("nos,nos->n", gradient, gradient) / targets.size
    gradient *= 2 / targets.size
    return loss, gradient


LOSSES: dict[LossName, Callable[[Array, Array], tuple[Array, Array]]] = {
    "cross_entropy": cross_entropy,
    "mean_squared_error": mean_squared_error,
}
"""Name of the loss -> (outputs of the last affine layer of all networks, targets) -> (losses, gradients)"""


def outcome(found: Iterable[Array], steps: int) -> Outcome:
    """Return what became of networks, by their losses before each of `steps` steps.

    A network has converged if the mean of its last 20 losses is below the first one. Its duration is then
    Σ loss/first loss, else Σ first loss/loss, after Sohl-Dickstein (arXiv:2402.06184, section 2.2): a loss that falls,
    or grows, by a constant factor a step gives a few steps, one that stays where it is all of them. Ratios are cut at
    10⁶. A network whose loss once was not finite counts as if it were infinite from there on.
    """
    found = iter(found)
    first = next(found)
    is_finite = np.isfinite(first)
    sums, inverse, end = np.zeros((3, len(first)))
    for step, loss in enumerate(chain([first], found)):
        is_finite &= np.isfinite(loss)
        ratio = np.where(is_finite, np.minimum(loss / first, CAP), CAP)
        sums += ratio
        inverse += np.where(is_finite & (loss > 0), np.minimum(first / loss, CAP), 0)
        if step >= steps - LAST:
            end += ratio
        if not is_finite.any():
            break
    converged = is_finite & (end < min(LAST, steps))
    return Outcome(converged, np.where(converged, sums, inverse))


def train_map(
    problem: Problem,
    x: Axis,
    y: Axis,
    size: int,
    steps: int,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Map:
    """Train the networks of a map of size × size points.

    What becomes of a point depends neither on the number of workers nor on the other points.

    Args:
        problem: what all networks have in common.
        x: the horizontal axis.
        y: the vertical axis; its first row is the lowest.
        size: number of points along each axis.
        steps: number of steps of each network.
        workers: threads that train, each with one thread of BLAS; by default one for each core.
        progress: told after each group of networks how many of how many are done.
    """
    from joblib import Parallel, cpu_count, delayed

    columns, rows = (each.ravel() for each in np.meshgrid(x.values(size), y.values(size)))
    groups = [slice(start, start + NETWORKS) for start in range(0, size * size, NETWORKS)]
    outcomes: list[Outcome] = []
    with one_blas_thread():
        jobs = (delayed(_train)(problem, {x.name: columns[each], y.name: rows[each]}, steps) for each in groups)
        for done in Parallel(workers or cpu_count(), require="sharedmem", return_as="generator")(jobs):
            outcomes.append(done)
            if progress is not None:
                progress(len(outcomes), len(groups))
    converged, duration = (np.concatenate(each).reshape(size, size) for each in zip(*outcomes, strict=True))
    return Map(x, y, converged, duration)


def _train(problem: Problem, values: Values, steps: int) -> Outcome:
    with np.errstate(all="ignore"):  # what is not finite is what is looked for
        return outcome(losses(problem, values, steps), steps)
