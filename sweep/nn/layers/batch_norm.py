"""Batch normalization: every feature, or every channel, brought to the mean and variance that the layer learns."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple, get_args

import numpy as np

from sweep.nn.layer import (
    Array,
    Cache,
    Call,
    Dtype,
    Gradient,
    Layer,
    Parameters,
    Shape,
    State,
    Work,
    outputs,
    same_shape,
    units,
)

Over = Literal["feature", "channel"]
Statistics = Literal["moving", "cumulative"]


class Running(NamedTuple):
    """What evaluation normalizes with; float64 for every dtype, so that a long mean loses nothing.

    Never overwritten: each batch makes a new one.
    """

    mean: Array
    """Shape (groups,)."""
    variance: Array
    """Shape (groups,)."""
    batches: int
    """How many batches are in them."""


def batch_norm(
    over: Over = "feature", statistics: Statistics = "moving", momentum: float = 0.1, eps: float = 1e-5
) -> Layer:
    """Compute y = gamma·(x − mean)/√(variance + eps) + beta (Ioffe & Szegedy 2015, algorithm 1).

    Args:
        over: what shares a mean, a variance, a gamma and a beta: each "feature" for itself, over the samples (in an
            image, each pixel of each channel), or each "channel" of an image, over rows, columns and samples. In a
            vector, each feature is a channel.
        statistics: the running statistics are "moving" averages, running ← (1 − momentum)·running + momentum·batch,
            or "cumulative": the arithmetic means over all batches so far.
        momentum: in (0, 1]; what a batch counts for in a moving average.
        eps: above 0.

    Parameters: one array (groups, 2) of gamma (at first 1) and beta (at first 0); the groups are the channels, or the
    features in the order of an image's axes. State: a `Running`, at first with mean 0 and variance 1.

    Training normalizes with the mean and the biased variance of the batch, evaluation with the running ones. Where the
    paper estimates those in a pass of their own after training (algorithm 2, which takes the unbiased variance, as is
    done here), they are kept up to date while training, so that each epoch can be evaluated.

    Raises:
        ValueError: when an argument is none of these.
    """
    _check(over, statistics, momentum, eps)

    def init(rng: np.random.Generator, shape: Shape, dtype: Dtype) -> tuple[Parameters, State]:
        _, groups, _ = _layout(over, shape, 1)
        params = np.zeros((groups, 2), dtype)
        params[:, 0] = 1
        return params, Running(np.zeros(groups), np.ones(groups), 0)

    def work(shape: Shape, samples: int, dtype: Dtype) -> Work:
        y = outputs(shape, samples, dtype)
        centered = np.empty(_layout(over, shape, samples), dtype)
        return y, units(y).reshape(centered.shape), centered, np.ones(centered.shape[2], dtype)

    def forward(params: Parameters, state: State, x: Array, work: Work, call: Call) -> tuple[Array, State, Cache]:
        y, units_of_y, centered, ones = work
        given = units(x).reshape(centered.shape)
        gamma, beta = params[:, :1], params[:, 1:]
        if call.train:
            mean, variance = _center(given, centered, ones)
            scale = 1 / np.sqrt(variance + eps)[:, None]
            np.multiply(centered, gamma * scale, out=units_of_y)
            weight = momentum if statistics == "moving" else 1 / (state.batches + 1)
            new_state, cache = _follow(state, mean, variance, centered.size // len(mean), weight), scale
        else:
            scale = (1 / np.sqrt(state.variance + eps))[:, None].astype(x.dtype)
            np.subtract(given, state.mean[:, None].astype(x.dtype), out=units_of_y)
            units_of_y *= gamma * scale
            new_state, cache = state, None
        units_of_y += beta
        return y, new_state, cache

    return Layer(same_shape, init, work, forward, _backward, output=lambda work: work[0], reuse=_center_in_place)


def _center_in_place(work: Work, x: Array) -> Work:
    y, units_of_y, centered, ones = work
    return y, units_of_y, units(x).reshape(centered.shape), ones


def _backward(params: Parameters, cache: Cache, dy: Array, work: Work, need_dx: bool) -> tuple[Array | None, Gradient]:
    """Compute dx = gamma·scale·(dy − mean(dy) − centered·scale²·mean(dy·centered)), with scale = 1/√(variance + eps).

    That is what the six equations of section 3 of the paper come to.
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


def _check(over: str, statistics: str, momentum: float, eps: float) -> None:
    """Raise ValueError unless these are arguments of `batch_norm`."""
    if over not in get_args(Over):
        raise ValueError(f"over must be one of {', '.join(get_args(Over))}, not {over!r}")
    if statistics not in get_args(Statistics):
        raise ValueError(f"statistics must be one of {', '.join(get_args(Statistics))}, not {statistics!r}")
    if not 0 < momentum <= 1:
        raise ValueError(f"momentum must be above 0 and at most 1, not {momentum!r}")
    if not 0 < eps < math.inf:
        raise ValueError(f"eps must be above 0 and finite, not {eps!r}")


def _layout(over: Over, shape: Shape, samples: int) -> tuple[int, int, int]:
    """Return the shape that units are seen in: (rows, groups, values of a group in a row)."""
    if over == "channel" and len(shape) == 3:
        rows, channels, columns = shape
        return rows, channels, columns * samples
    return 1, math.prod(shape), samples


def _center(x: Array, centered: Array, ones: Array) -> tuple[Array, Array]:
    """Fill `centered`, which may be x, with x − mean; return the mean and the biased variance, each of shape (groups,).

    The variance is that of the centered values. A mean is known to a rounding or so, which is much where the values
    hardly vary, and all there is where they do not vary at all. So if any group is like that, all are centered again,
    from their first value on: then equal values are exactly 0.
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
        mean, variance = mean + (first[:, 0] + rest), _dots(centered, centered) / count
    return mean, variance


def _sums(x: Array, ones: Array) -> Array:
    """Sum over a group; as a product, which is four times as fast as `add.reduce`."""
    rows, groups, size = x.shape
    sums: Array = (x.reshape(rows * groups, size) @ ones).reshape(rows, groups).sum(0)
    return sums


def _dots(x: Array, y: Array) -> Array:
    """Sum x·y over a group."""
    dots: Array = np.vecdot(x, y).sum(0)
    return dots


def _follow(state: Running, mean: Array, variance: Array, count: int, weight: float) -> Running:
    """Let a batch of `count` values in each group count for `weight` in new running statistics.

    The variance becomes the unbiased one, count/(count − 1) times the biased; that of a single value stays 0.
    """
    mean, variance = mean.astype(np.float64), variance.astype(np.float64)
    unbiased = variance * (count / max(count - 1, 1))
    return Running(
        (1 - weight) * state.mean + weight * mean,
        (1 - weight) * state.variance + weight * unbiased,
        state.batches + 1,
    )
