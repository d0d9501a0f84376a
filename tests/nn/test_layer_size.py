"""Sizes of layers and networks, beside the arrays that they make and PyTorch's own counts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweep.nn.initializers import zeros
from sweep.nn.layer import LayerSize
from sweep.nn.layers import LAYERS
from sweep.nn.layers.affine import affine
from sweep.nn.layers.batch_norm import batch_norm
from sweep.nn.layers.convolution import convolution
from sweep.nn.layers.pooling import max_pool
from sweep.nn.layers.reshaping import flatten, image
from sweep.nn.network import chain

VALUES = {
    "affine": {"units": 7},
    "convolution": {"filters": 5, "kernel": 3, "stride": 2, "padding": 1},
    "dropout": {"rate": 0.5},
    "max_pool": {"size": 2},
}
WITH_WEIGHTS = ("affine", "convolution")
ON_VECTORS = ("affine",)


def made(layer, shape):
    """The number of parameters that a layer really makes."""
    params, _ = layer.init(np.random.default_rng(0), shape, np.dtype("f4"))
    return 0 if params is None else params.size


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", LAYERS)
def test_every_kind_of_layer_counts_the_parameters_that_it_makes(kind, bias):
    weights = {"weights": zeros(), "biases": zeros() if bias else None} if kind in WITH_WEIGHTS else {}
    layer = LAYERS[kind](**VALUES.get(kind, {}), **weights)
    for shape in [(6,)] if kind in ON_VECTORS else [(8, 3, 6)]:
        assert layer.size(shape).parameters == made(layer, shape)


@pytest.mark.parametrize(("over", "groups"), [("channel", 3), ("feature", 144)])
def test_batch_normalization_has_two_values_for_each_group(over, groups):
    assert batch_norm(over).size((8, 3, 6)) == LayerSize(2 * groups, 144)
    assert batch_norm(over).size((9,)) == LayerSize(18, 9)


def test_multiplications_are_those_of_the_matrix_products():
    assert affine(4, zeros(), zeros()).size((10,)) == LayerSize(44, 40)
    filters = convolution(5, 3, 1, 1, weights=zeros(), biases=zeros())
    assert filters.size((8, 2, 6)) == LayerSize(5 * (2 * 9 + 1), 8 * 6 * 5 * 2 * 9)


@settings(deadline=None, max_examples=40)
@given(
    st.tuples(st.integers(1, 3), st.integers(5, 9), st.integers(5, 9)),
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(1, 2), st.booleans()), max_size=2),
    st.integers(1, 6),
)
def test_a_network_has_the_parameters_and_multiplications_that_pytorch_counts(shape, convolutions, outputs):
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    layers, theirs, channels = {"image": image(shape)}, [], shape[0]
    for index, (filters, kernel, stride, bias) in enumerate(convolutions):
        biases = zeros() if bias else None
        layers[str(index)] = convolution(filters, kernel, stride, 1, weights=zeros(), biases=biases)
        theirs.append(torch.nn.Conv2d(channels, filters, kernel, stride, padding=1, bias=bias))
        channels = filters
    layers |= {"pool": max_pool(2), "flatten": flatten(), "output": affine(outputs, zeros(), zeros())}
    theirs += [torch.nn.MaxPool2d(2, ceil_mode=True), torch.nn.Flatten(), torch.nn.LazyLinear(outputs)]
    network = torch.nn.Sequential(*theirs)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(1, *shape))
    size = chain(layers).size((int(np.prod(shape)),))
    assert size.parameters == sum(each.numel() for each in network.parameters())
    assert 2 * size.multiplications == counter.get_total_flops()  # it counts additions, too
