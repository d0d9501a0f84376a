"""Sharpness: the largest eigenvalue λ of the Hessian of a loss, from differences of its gradients.

Gradient descent with the learning rate η is unstable where η·λ/2 is above 1 (Cohen et al. 2021, "Gradient descent on
neural networks typically occurs at the edge of stability").

**Products.** H·v ≈ (g(θ + δ·v) − g(θ))/δ, for |v| = 1, in float64 whatever the dtype of the training. The error of
this one-sided difference is δ/2 times a third derivative: with δ = 10⁻⁹ less than the rounding, some 10⁻¹⁶·|g|/δ, so
that central differences, at twice the cost, would gain nothing. In float32 the step would have to be so large that it
moves many units of a relu network over their kinks, and each adds its jump divided by δ: no accuracy of 1 %.

**Kinks.** So that no unit stands on a kink, such as one whose inputs and bias are 0, θ is first moved by 10⁻⁶ of its
scale (at least 1) in a random direction. A unit that is passed by a step all the same spoils a product by far; so the
eigenvector found is multiplied once more, and where its Rayleigh quotient is not the eigenvalue, all is done again with
a tenth of the step, twice at most.

**Eigenvalue.** Lanczos iteration from the gradient plus a random vector half as long (the gradient is known to lie
mostly among the top eigenvectors: Gur-Ari, Roberts & Dyer 2018), orthogonalized against all vectors before; a Ritz
value is never above λ, but for rounding. It ends when the largest one has grown by at most `TOLERANCE` of itself in
each of two steps and its residual is at most `RESIDUAL` of it, or after `MOST` steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from sweep.nn.layer import Array, Call
from sweep.nn.losses import loss_work
from sweep.nn.network import Network, chain, flat_vector
from sweep.nn.optimizers import dense
from sweep.nn.penalties import Penalty

DOUBLE = np.dtype(np.float64)
MOVE = 1e-6
"""How far the parameters are moved off kinks, in units of their scale."""
STEPS = (1e-9, 1e-10, 1e-11)
"""Steps of the differences, in units of the parameters' scale."""
MOST = 100
"""Most products of an iteration; the vectors of all are kept."""
TOLERANCE = 1e-6
RESIDUAL = 1e-3
AGREEMENT = 5e-3
"""Largest relative difference of the eigenvalue and its vector's Rayleigh quotient by another product."""
ROUNDING = 1e-14
"""Rounding of a gradient, relative to its length: divided by a step, what an eigenvalue near 0 may be wrong by."""
SEED = 0
"""Of the random directions and of the masks of dropout: none is that of a training."""

FlatGradient = Callable[[Array], Array]
"""(parameters (n,)) -> the gradient of a loss (n,), in a new array"""


class Eigenvalue(NamedTuple):
    """The largest eigenvalue of a Hessian."""

    value: float
    gradients: int
    """Gradients that it took."""


def loss_gradient(
    network: Network,
    params: Sequence[Any],
    states: Sequence[Any],
    batches: Sequence[tuple[Array, Array]],
    penalty: Penalty,
) -> tuple[FlatGradient, Array]:
    """Return the gradient of a network's mean loss over fixed mini-batches in float64, and the parameters, flat.

    The layers are in training mode, as in the loss of a mini-batch: batch normalization uses the statistics of the
    mini-batch, and dropout has the same masks in each call. Of the penalty, l2 is included; l1 has no curvature.

    Args:
        network: a network whose input is vectors.
        params: its parameters; they stay as they are.
        states: the states of its layers; they stay as they are.
        batches: (x, targets) of each mini-batch, x of shape (features + 1, samples) in float64, targets as the loss
            takes them.
        penalty: the regularization.
    """
    net, layers = chain(network.layers), network.layers.values()
    (point, _), (at, placed) = flat_vector(params, DOUBLE), flat_vector(params, DOUBLE)
    own, gradients = flat_vector(params, DOUBLE)
    features, total = batches[0][0].shape[0] - 1, sum(x.shape[1] for x, _ in batches)
    (outputs,) = net.shape((features,))
    sizes = {x.shape[1] for x, _ in batches}
    buffers = {n: (net.work((features,), n, DOUBLE), loss_work(outputs, n, DOUBLE)) for n in sizes}

    def gradient(vector: Array) -> Array:
        np.copyto(at, vector)
        found, call = np.zeros_like(at), Call(train=True, rng=np.random.default_rng(SEED))
        for x, targets in batches:
            work, of_loss = buffers[x.shape[1]]
            y, _, cache = net.forward(placed, states, x, work, call)
            _, dy = network.loss(y[:-1], targets, of_loss)
            for each, out in zip(net.backward(placed, cache, dy, work, False)[1], gradients, strict=True):
                if each is not None:
                    dense(each, out)
            found += own * (x.shape[1] / total)
        if penalty.l2:
            np.copyto(own, found)
            for layer, values, out in zip(layers, placed, gradients, strict=True):
                if values is not None:
                    Penalty(l2=penalty.l2).add_gradient(layer.weights(values), layer.weights(out))
            np.copyto(found, own)
        return found

    return gradient, point


@np.errstate(all="ignore")
def largest_eigenvalue(gradient: FlatGradient, point: Array) -> Eigenvalue | None:
    """Return the largest eigenvalue of the Hessian, the derivative of a gradient, at a point.

    None without parameters, where a gradient is not finite, or where every step passes kinks.
    """
    if not point.size:
        return None
    rng = np.random.default_rng(SEED)
    scale = max(1.0, float(np.sqrt(np.mean(point * point))))
    moved = point + MOVE * scale * rng.standard_normal(point.size)
    here, count = gradient(moved), 1
    start = unit(unit(here) + 0.5 * unit(rng.standard_normal(point.size)))
    for step in STEPS:
        product = _product(gradient, moved, here, step * scale)
        found = lanczos(product, start)
        if found is None:
            return None
        value, vector, products = found
        again = float(vector @ product(vector))
        count += products + 1
        if abs(again - value) <= AGREEMENT * abs(value) + ROUNDING * float(np.linalg.norm(here)) / (step * scale):
            return Eigenvalue(value, count)
    return None


def _product(gradient: FlatGradient, point: Array, here: Array, step: float) -> FlatGradient:
    """Return the function that multiplies a vector by the Hessian."""

    def product(vector: Array) -> Array:
        found = gradient(point + step * vector)
        found -= here
        found /= step
        return found

    return product


def lanczos(product: FlatGradient, start: Array) -> tuple[float, Array, int] | None:
    """Return the largest eigenvalue of a symmetric matrix, a unit eigenvector, and the number of products.

    None where a product is not finite.

    Args:
        product: multiplies a vector by the matrix.
        start: a unit vector, with a part of the eigenvector.
    """
    most = min(MOST, start.size)
    basis = np.empty((most, start.size))
    inside, beside = np.zeros(most), np.zeros(most)
    values: list[float] = []
    vector = start
    for count in range(1, most + 1):
        basis[count - 1] = vector
        image = product(vector)
        if not np.isfinite(image).all():
            return None
        kept = basis[:count]
        inside[count - 1] = vector @ image
        for _ in range(2):  # twice is enough (Parlett 1998, section 6.9)
            image -= (kept @ image) @ kept
        beside[count - 1] = rest = float(np.linalg.norm(image))
        value, weights = _largest_of_tridiagonal(inside[:count], beside[: count - 1])
        values.append(value)
        is_steady = count > 2 and max(np.diff(values[-3:])) <= TOLERANCE * abs(value)
        is_steady &= rest * abs(weights[-1]) <= RESIDUAL * abs(value)
        if is_steady or rest <= np.finfo(float).eps * abs(value) or count == most:
            return value, unit(weights @ kept), count
        vector = image / rest
    raise AssertionError("the last step returns")


def _largest_of_tridiagonal(inside: Array, beside: Array) -> tuple[float, Array]:
    """Return the largest eigenvalue of a symmetric tridiagonal matrix and its unit eigenvector."""
    values, vectors = np.linalg.eigh(np.diag(inside) + np.diag(beside, 1) + np.diag(beside, -1))
    return float(values[-1]), vectors[:, -1]


def unit(vector: Array) -> Array:
    """Return a vector of the length 1 in the same direction; 0 stays 0."""
    length = float(np.linalg.norm(vector))
    return vector / length if length else vector
