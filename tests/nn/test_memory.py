"""Layers of a chain work in the memory of the outputs below them; in any order, that changes no bit."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sweep.nn.initializers import normal
from sweep.nn.layer import Call, no_output
from sweep.nn.layers.activations import ACTIVATIONS, relu
from sweep.nn.layers.affine import affine
from sweep.nn.layers.batch_norm import batch_norm
from sweep.nn.layers.convolution import convolution
from sweep.nn.layers.dropout import dropout
from sweep.nn.layers.pooling import max_pool
from sweep.nn.layers.reshaping import flatten, image
from sweep.nn.network import chain
from tests.nn.layer_setup import FLOATS, with_ones
from tests.nn.numerical_gradients import dense

SHAPE = (2, 4, 6)
SAMPLES = 4

ANYWHERE = ACTIVATIONS | {
    "batch_norm": batch_norm,
    "channel_norm": lambda: batch_norm("channel"),
    "dropout": lambda: dropout(0.5),
    "flatten": flatten,
}
OF_IMAGES = ANYWHERE | {
    "convolution": lambda: convolution(3, 2, 1, 1, weights=normal(std=1), biases=normal(std=1)),
    "exact_pool": lambda: max_pool(1),
    "max_pool": lambda: max_pool(2),
}
OF_VECTORS = ANYWHERE | {"affine": lambda: affine(5, normal(std=1), normal(std=1))}
del OF_IMAGES["flatten"]


def kinds(registry):
    return st.lists(st.sampled_from(sorted(registry)), max_size=6)


def two_steps(layers, dtype):
    """Return all that two steps in the same work give: outputs, states, dx and gradients."""
    net, dtype, features = chain(layers), np.dtype(dtype), (int(np.prod(SHAPE)),)
    rng = np.random.default_rng(3)
    params, states = net.init(rng, features, dtype)
    work, results = net.work(features, SAMPLES, dtype), []
    for _ in range(2):
        x = with_ones(rng.normal(size=(*features, SAMPLES)).astype(dtype))
        y, states, cache = net.forward(params, states, x, work, Call(True, rng))
        results += [y.copy(), states]
        dy = rng.normal(size=(len(y) - 1, SAMPLES)).astype(dtype)
        dx, gradients = net.backward(params, cache, dy, work, True)
        results += [dx.copy(), [None if g is None else dense(g).copy() for g in gradients]]
    return results


@given(images=kinds(OF_IMAGES), vectors=kinds(OF_VECTORS), dtype=st.sampled_from(FLOATS))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_memory_of_the_outputs_below_changes_no_bit(images, vectors, dtype):
    layers = [
        image(SHAPE),
        *(OF_IMAGES[kind]() for kind in images),
        flatten(),
        *(OF_VECTORS[kind]() for kind in vectors),
    ]
    sharing = two_steps({str(i): layer for i, layer in enumerate(layers)}, dtype)
    alone = two_steps({str(i): layer._replace(output=no_output) for i, layer in enumerate(layers)}, dtype)
    np.testing.assert_equal(sharing, alone)


@pytest.mark.parametrize("upper", [relu, batch_norm, lambda: max_pool(2)])
def test_a_layer_works_in_the_memory_of_the_output_below(upper):
    layers = {"lower": convolution(3, 3, 1, 1, weights=normal(std=1), biases=None), "upper": upper()}
    lower, work = chain(layers).work((4, 1, 6), SAMPLES, np.dtype("float32"))
    assert any(np.shares_memory(lower.y, array) for array in work if isinstance(array, np.ndarray))
    assert not np.shares_memory(lower.x.padded, lower.y)


def test_a_chain_leaves_its_own_input_alone():
    layers = {"norm": batch_norm(), "relu": relu()}
    net, x = chain(layers), with_ones(np.random.default_rng(0).normal(size=(3, SAMPLES)))
    params, states = net.init(np.random.default_rng(0), (3,), x.dtype)
    before = x.tobytes()
    net.forward(params, states, x, net.work((3,), SAMPLES, x.dtype), Call(True))
    assert x.tobytes() == before
