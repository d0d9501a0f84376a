"""Batch normalization: each feature or channel gets a mean and a variance to learn.

Ioffe & Szegedy 2015, algorithm 1. Training normalizes with the mean and the biased variance of the batch, evaluation
with the running statistics. The paper estimates these in a separate pass after training (algorithm 2, with the unbiased
variance as here); here they are updated while training, so that each epoch can be evaluated.

Parameters: one array (groups, 2) of gamma (at first 1) and beta (at first 0); the groups are the channels, or the
features in the order of an image's axes. State: `RunningStatistics`, at first with mean 0 and variance 1.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal, NamedTuple

import numpy as np

from sweep.nn.bounds import Bounds, Positive, check_arguments
from sweep.nn.layer import (
    Array,
    BackwardResult,
    Cache,
    Call,
    Dtype,
    ForwardResult,
    Layer,
    LayerSize,
    Parameters,
    Shape,
    State,
    Workspace,
    outputs,
    same_shape,
    without_ones,
)

Over = Literal["feature", "channel"]
Statistics = Literal["moving", "cumulative"]


class RunningStatistics(NamedTuple):
    """The statistics for evaluation, float64 for every dtype for the sake of long means.

    They are never overwritten: each batch makes new ones.
    """

    mean: Array
    """Shape (groups,)."""
    variance: Array
    """Shape (groups,)."""
    batches: int
    """Number of batches that they are of."""


def batch_norm(
    over: Over = "channel",
    statistics: Statistics = "moving",
    momentum: Annotated[float, Bounds(gt=0, le=1)] = 0.1,
    eps: Positive = 1e-5,
) -> Layer:
    """Compute y = gamma·(x − mean)/√(variance + eps) + beta.

    Args:
        over: the groups that share a mean, a variance, a gamma and a beta: each "channel" of an image, over rows,
            columns and samples, or each "feature", over the samples (in an image, each pixel of each channel). In a
            vector, each feature is a channel.
        statistics: the running statistics are "moving" averages, running ← (1 − momentum)·running + momentum·batch,
            or "cumulative": the arithmetic means over all batches so far.
        momentum: in (0, 1]; the weight of a batch in a moving average.
        eps: above 0.

    Raises:
        ValueError: when an argument is out of its range.
    """
    check_arguments(batch_norm, over=over, statistics=statistics, momentum=momentum, eps=eps)

    def init(rng: np.random.Generator, shape: Shape, dtype: Dtype) -> tuple[Parameters, State]:
        _, groups, _ = _layout(over, shape, 1)
        gamma_and_beta = np.tile(np.array([1, 0], dtype), (groups, 1))
        return gamma_and_beta, RunningStatistics(np.zeros(groups), np.ones(groups), 0)

    def work(shape: Shape, samples: int, dtype: Dtype) -> Workspace:
        y = outputs(shape, samples, dtype)
        centered = np.empty(_layout(over, shape, samples), dtype)
        return y, without_ones(y).reshape(centered.shape), centered, np.ones(centered.shape[2], dtype)

    def forward(params: Parameters, state: State, x: Array, work: Workspace, call: Call) -> ForwardResult:
        if not call.train:
            return _evaluate(params, state, x, work, eps)
        weight = momentum if statistics == "moving" else 1 / (state.batches + 1)
        return _train(params, state, x, work, eps, weight)

    def size(shape: Shape) -> LayerSize:
        _, groups, _ = _layout(over, shape, 1)
        return LayerSize(2 * groups, math.prod(shape))

    return Layer(
        same_shape, init, work, forward, _backward, output=lambda work: work[0], reuse=_center_in_place, size=size
    )


def _center_in_place(work: Workspace, x: Array) -> Workspace:
    y, units_of_y, centered, ones = work
    return y, units_of_y, without_ones(x).reshape(centered.shape), ones


def _train(
    params: Parameters, state: RunningStatistics, x: Array, work: Workspace, eps: float, weight: float
) -> ForwardResult:
    """Normalize with the statistics of the batch, which has the given weight in the running statistics."""
    y, units_of_y, centered, ones = work
    mean, variance = _center(without_ones(x).reshape(centered.shape), centered, ones)
    scale = 1 / np.sqrt(variance + eps)[:, None]
    np.multiply(centered, params[:, :1] * scale, out=units_of_y)
    units_of_y += params[:, 1:]
    return y, _updated(state, mean, variance, centered.size // len(mean), weight), scale


def _evaluate(params: Parameters, state: RunningStatistics, x: Array, work: Workspace, eps: float) -> ForwardResult:
    """Normalize with the running statistics.

    The mean is subtracted in the dtype of x; what its rounding leaves of it, which may be much where the values vary
    little beside their mean, is taken from beta in float64.
    """
    y, units_of_y, centered, _ = work
    rounded = state.mean.astype(x.dtype)
    gain = params[:, 0] * (1 / np.sqrt(state.variance + eps))
    offset = params[:, 1] - gain * (state.mean - rounded)
    np.subtract(without_ones(x).reshape(centered.shape), rounded[:, None], out=units_of_y)
    units_of_y *= gain[:, None].astype(x.dtype)
    units_of_y += offset[:, None].astype(x.dtype)
    return y, state, None


def _backward(params: Parameters, cache: Cache, dy: Array, work: Workspace, need_dx: bool) -> BackwardResult:
    """Compute dx = gamma·scale·(dy − mean(dy) − centered·scale²·mean(dy·centered)).

    scale = 1/√(variance + eps).

    This is the sum of the six equations of section 3 of the paper.
    """
    _, _, centered, ones = work
    scale = cache
    slopes = dy.reshape(centered.shape)
    dbeta, along = _sums(slopes, ones), _dots(slopes, centered)
    gradient = np.stack([along * scale[:, 0], dbeta], axis=1)
    if not need_dx:
        return None, gradient
    count = centered.size // len(dbeta)
    dx = centered
    dx *= along[:, None] * scale * scale / count
    np.subtract(slopes, dx, out=dx)
    dx -= dbeta[:, None] / count
    dx *= params[:, :1] * scale
    return dx.reshape(dy.shape), gradient


def _layout(over: Over, shape: Shape, samples: int) -> tuple[int, int, int]:
    """Return the shape of units in a normalization: (rows, groups, values of a group)."""
    if over == "channel" and len(shape) == 3:
        rows, channels, columns = shape
        return rows, channels, columns * samples
    return 1, math.prod(shape), samples


def group_size(over: Over, shape: Shape) -> int:
    """Return the number of values in a group, of one sample."""
    rows, _, values = _layout(over, shape, 1)
    return rows * values


def _center(x: Array, centered: Array, ones: Array) -> tuple[Array, Array]:
    """Fill `centered` with x − mean; return the mean and the biased variance (groups,).

    `centered` may be x.

    The variance is that of the centered values. A mean has an error of about one rounding, which matters where the
    values hardly vary. If there is such a group, all are centered again after subtraction of their first value, so that
    equal values give exactly 0; the mean is float64 then.
    """
    count = centered.size // centered.shape[1]
    mean = _sums(x, ones) / count
    np.subtract(x, mean[:, None], out=centered)
    variance = _dots(centered, centered) / count
    if np.any(np.sqrt(variance) < math.sqrt(np.finfo(x.dtype).eps) * np.abs(mean)):
        first = centered[0, :, :1].copy()
        centered -= first
        rest = _sums(centered, ones) / count
        centered -= rest[:, None]
        mean, variance = mean.astype(np.float64) + first[:, 0] + rest, _dots(centered, centered) / count
    return mean, variance


def _sums(x: Array, ones: Array) -> Array:
    """Return the sum of each group; as a product, in a quarter of the time of `add.reduce`."""
    rows, groups, size = x.shape
    sums: Array = (x.reshape(rows * groups, size) @ ones).reshape(rows, groups).sum(0)
    return sums


def _dots(x: Array, y: Array) -> Array:
    """Return the sum of x·y of each group."""
    dots: Array = np.vecdot(x, y).sum(0)
    return dots


def _updated(state: RunningStatistics, mean: Array, variance: Array, count: int, weight: float) -> RunningStatistics:
    """Return running statistics in which a batch of `count` values has the given weight.

    `count` is that of each group.

    Its variance is made unbiased by the factor count/(count − 1). A single value has none, so it changes nothing: a
    variance of 0, averaged in, would blow up all that is evaluated.
    """
    if count == 1:
        return state
    mean, variance = mean.astype(np.float64), variance.astype(np.float64)
    unbiased = variance * (count / (count - 1))
    return RunningStatistics(
        (1 - weight) * state.mean + weight * mean,
        (1 - weight) * state.variance + weight * unbiased,
        state.batches + 1,
    )
