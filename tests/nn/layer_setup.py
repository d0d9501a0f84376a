"""Layers called in tests: their operands, and fresh work for each call."""

import numpy as np

from sweep.nn.layer import Call

FLOATS = ("float32", "float64")
TRAIN = Call(train=True)


def with_ones(x):
    """Return vectors with their row of ones: (features, samples) -> (features + 1, samples)."""
    return np.vstack([x, np.ones((1, x.shape[1]), x.dtype)])


def fresh_work(layer, x):
    """Return new arrays for one call of `layer` on vectors `x`."""
    features, samples = len(x) - 1, x.shape[1]
    return layer.work((features,), samples, x.dtype)


def forward(layer, params, x):
    """Return the output of a layer without its row of ones."""
    y, _, _ = layer.forward(params, None, x, fresh_work(layer, x), TRAIN)
    return y[:-1]


def both_ways(layer, params, x, dy, need_dx=True):
    """Return (output with its row of ones, dx, gradient) of one layer."""
    work = fresh_work(layer, x)
    y, _, cache = layer.forward(params, None, x, work, TRAIN)
    return y, *layer.backward(params, cache, dy, work, need_dx)
