"""Chains of layers, perceptrons, the flat vector of parameters, and the purity that every layer promises."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sweep.nn.initializers import he_variance, normal, scaled_normal, zeros
from sweep.nn.layer import OuterProduct
from sweep.nn.layers.activations import ACTIVATIONS, leaky_relu, sigmoid, swish, tanh
from sweep.nn.layers.affine import affine
from sweep.nn.losses import LOSSES, loss_work, positions
from sweep.nn.network import Network, chain, flat_vector, perceptron
from tests.nn.layer_setup import FLOATS, TRAIN, with_ones
from tests.nn.numerical_gradients import TOLERANCE, assert_gradient, dense, numerical_gradient, relative_error

DOUBLE = np.dtype("float64")


# Chains


def test_a_chain_is_its_layers_one_after_the_other():
    rng = np.random.default_rng(0)
    first, second, third = affine(4, normal(std=1), normal(std=1)), tanh(), affine(2, normal(std=1), normal(std=1))
    net = chain({"first": first, "second": second, "third": third})
    params, states = net.init(rng, (3,), DOUBLE)
    x, dy = with_ones(rng.normal(size=(3, 5))), rng.normal(size=(2, 5))
    work = net.work((3,), 5, DOUBLE)
    y, new_states, caches = net.forward(params, states, x, work, TRAIN)
    dx, gradients = net.backward(params, caches, dy, work, True)

    first_work, second_work, third_work = (
        first.work((3,), 5, DOUBLE),
        second.work((4,), 5, DOUBLE),
        third.work((4,), 5, DOUBLE),
    )
    z, _, first_cache = first.forward(params[0], None, x, first_work, TRAIN)
    a, _, second_cache = second.forward(None, None, z, second_work, TRAIN)
    expected_y, _, third_cache = third.forward(params[2], None, a, third_work, TRAIN)
    da, third_gradient = third.backward(params[2], third_cache, dy, third_work, True)
    dz, _ = second.backward(None, second_cache, da, second_work, True)
    expected_dx, first_gradient = first.backward(params[0], first_cache, dz, first_work, True)

    assert net.shape((3,)) == (2,)
    assert states == new_states == (None, None, None)
    np.testing.assert_array_equal(y, expected_y)
    np.testing.assert_array_equal(dx, expected_dx)
    assert gradients[1] is None
    np.testing.assert_array_equal(dense(gradients[0]), dense(first_gradient))
    np.testing.assert_array_equal(dense(gradients[2]), dense(third_gradient))


def test_a_chain_draws_its_parameters_in_the_order_of_the_layers():
    layers = {"a": affine(4, normal(), normal()), "b": tanh(), "c": affine(2, normal(), normal())}
    (a, b, c), _ = chain(layers).init(np.random.default_rng(1), (3,), DOUBLE)
    rng = np.random.default_rng(1)
    np.testing.assert_array_equal(a, layers["a"].init(rng, (3,), DOUBLE)[0])
    assert b is None
    np.testing.assert_array_equal(c, layers["c"].init(rng, (4,), DOUBLE)[0])


def counting(layer):
    """Return a layer that counts its forward passes in its state, and a list of what it is told about need_dx."""
    needs = []

    def forward(params, state, x, work, call):
        y, _, cache = layer.forward(params, None, x, work, call)
        return y, state + 1, cache

    def backward(params, cache, dy, work, need_dx):
        needs.append(need_dx)
        return layer.backward(params, cache, dy, work, need_dx)

    return layer._replace(init=lambda *args: (layer.init(*args)[0], 0), forward=forward, backward=backward), needs


@pytest.mark.parametrize("need_dx", [True, False])
def test_a_chain_passes_states_on_and_computes_no_dx_that_nobody_needs(need_dx):
    (first, first_needs), (second, second_needs) = (counting(affine(2, normal(), zeros())) for _ in range(2))
    net = chain({"first": first, "second": second})
    params, states = net.init(np.random.default_rng(0), (2,), DOUBLE)
    x, work = with_ones(np.eye(2)), net.work((2,), 2, DOUBLE)
    assert states == (0, 0)
    _, states, _ = net.forward(params, states, x, work, TRAIN)
    _, states, caches = net.forward(params, states, x, work, TRAIN)
    dx, _ = net.backward(params, caches, np.eye(2), work, need_dx)
    assert states == (2, 2)
    assert (first_needs, second_needs) == ([need_dx], [True])
    assert (dx is not None) == need_dx


@pytest.mark.parametrize(
    ("need_dx", "needs"), [(True, [[True], [True], [True], [True]]), (False, [[], [False], [True], [True]])]
)
def test_a_chain_goes_no_further_back_than_to_the_lowest_layer_with_parameters(need_dx, needs):
    pairs = [counting(layer) for layer in (tanh(), affine(2, normal(), zeros()), tanh(), affine(2, normal(), zeros()))]
    net = chain({str(index): layer for index, (layer, _) in enumerate(pairs)})
    params, states = net.init(np.random.default_rng(0), (2,), DOUBLE)
    work = net.work((2,), 2, DOUBLE)
    _, _, caches = net.forward(params, states, with_ones(np.eye(2)), work, TRAIN)
    dx, gradients = net.backward(params, caches, np.eye(2), work, need_dx)
    assert [told for _, told in pairs] == needs
    assert (dx is not None) == need_dx
    assert [gradient is not None for gradient in gradients] == [False, True, False, True]


# Perceptrons


@pytest.mark.parametrize("hidden", [[], [3], [4, 3, 2]])
def test_perceptron_names_and_shapes(hidden):
    layers = perceptron(hidden, tanh, "tanh", normal(), zeros(), 5)
    names = [name for i in range(len(hidden)) for name in (f"hidden[{i}]", f"hidden[{i}]/tanh")]
    assert list(layers) == [*names, "output"]
    params, _ = chain(layers).init(np.random.default_rng(0), (6,), DOUBLE)
    shapes = [None if p is None else p.shape for p in params]
    expected = [(after, before + 1) for before, after in pairwise([6, *hidden, 5])]
    assert [shape for shape in shapes if shape] == expected
    assert [shape is None for shape in shapes] == [name.endswith("/tanh") for name in layers]
    assert chain(layers).shape((6,)) == (5,)


def test_perceptron_uses_both_initializers():
    layers = perceptron([3], tanh, "tanh", normal(mean=2, std=0), normal(mean=-1, std=0), 2)
    (first, _, last), _ = chain(layers).init(np.random.default_rng(0), (4,), DOUBLE)
    np.testing.assert_array_equal(first, [[2, 2, 2, 2, -1]] * 3)
    np.testing.assert_array_equal(last, [[2, 2, 2, -1]] * 2)


class Problem:
    """A perceptron with parameters in one vector, and a batch of 6 samples of 3 classes."""

    def __init__(self, layers, loss):
        rng = np.random.default_rng(4)
        self.net, self.loss = chain(layers), loss
        initial, self.states = self.net.init(rng, (5,), DOUBLE)
        self.vector, self.params = flat_vector(initial, DOUBLE)
        self.x, self.targets = with_ones(rng.normal(size=(5, 6))), positions(rng.integers(3, size=6), 6)

    def run(self):
        """Return the loss, and its gradient as a vector."""
        work = self.net.work((5,), 6, DOUBLE)
        y, _, caches = self.net.forward(self.params, self.states, self.x, work, TRAIN)
        value, dy = self.loss(y[:-1], self.targets, loss_work(3, 6, DOUBLE))
        _, gradients = self.net.backward(self.params, caches, dy, work, False)
        return value, np.concatenate([dense(g).ravel() for g in gradients if g is not None])


COMBINATIONS = [
    (tanh, "cross_entropy", "softmax"),
    (swish, "binary_cross_entropy", "sigmoid"),
    (leaky_relu, "mean_squared_error", "softmax"),
    (ACTIVATIONS["softplus"], "mean_squared_error", "sigmoid"),
    (ACTIVATIONS["softsign"], "mean_squared_error", "identity"),
    (ACTIVATIONS["relu"], "cross_entropy", "softmax"),
]


def small_perceptron(hidden, activation):
    return perceptron(hidden, activation, "activation", scaled_normal(he_variance)(), normal(std=0.5), 3)


@pytest.mark.parametrize("hidden", [[], [3], [4, 3, 2]], ids=str)
@pytest.mark.parametrize(
    ("activation", "loss", "output"), COMBINATIONS, ids=lambda value: getattr(value, "__name__", None)
)
def test_gradient_of_every_parameter(hidden, activation, loss, output):
    problem = Problem(small_perceptron(hidden, activation), LOSSES[loss][output])
    assert_gradient(lambda: problem.run()[0], problem.vector, problem.run()[1])


@pytest.mark.parametrize("name", ["hidden[0]/activation", "hidden[1]", "output"])
def test_a_fault_in_one_layer_is_seen_in_the_gradient_of_the_network(name):
    layers = small_perceptron([4, 3], sigmoid)
    right = layers[name]

    def backward(params, cache, dy, work, need_dx):
        dx, gradient = right.backward(params, cache, dy, work, need_dx)
        return dx * 1.001, gradient

    problem = Problem(layers | {name: right._replace(backward=backward)}, LOSSES["cross_entropy"]["softmax"])
    numerical = numerical_gradient(lambda: problem.run()[0], problem.vector)
    assert relative_error(numerical, problem.run()[1]) > 10 * TOLERANCE


def test_a_network_is_its_layers_and_its_loss():
    layers = {"output": affine(2, zeros(), zeros())}
    loss = LOSSES["cross_entropy"]["softmax"]
    network = Network(layers, loss)
    assert network.layers is layers
    assert network.loss is loss


# The flat vector


@pytest.mark.parametrize("dtype", FLOATS)
def test_flatten_gives_views_of_one_vector_in_order(dtype):
    params = [np.arange(6, dtype=dtype).reshape(2, 3), None, np.arange(6, 8, dtype=dtype), np.full((1, 1), 8, dtype)]
    vector, views = flat_vector(params, np.dtype(dtype))
    assert vector.dtype == dtype
    np.testing.assert_array_equal(vector, np.arange(9))
    assert views[1] is None
    for array, view in zip(params, views, strict=True):
        if array is not None:
            np.testing.assert_array_equal(view, array)
            assert np.shares_memory(view, vector)
            assert not np.shares_memory(view, array)
            assert view.flags.c_contiguous
    vector[:] = -1
    assert all((view == -1).all() for view in views if view is not None)
    views[2][:] = 5
    np.testing.assert_array_equal(vector, [-1] * 6 + [5, 5] + [-1])


def test_flatten_copies_in_the_order_of_c():
    vector, (view,) = flat_vector([np.asfortranarray(np.arange(6.0).reshape(2, 3))], DOUBLE)
    np.testing.assert_array_equal(vector, np.arange(6))
    np.testing.assert_array_equal(view, np.arange(6).reshape(2, 3))


@pytest.mark.parametrize("params", [[], [None, None]])
def test_flatten_of_nothing_is_an_empty_vector(params):
    vector, views = flat_vector(params, np.dtype("float32"))
    assert vector.shape == (0,)
    assert vector.dtype == np.float32
    assert views == tuple(params)


# Purity: what a layer writes into is its work alone, and what the work held before changes nothing.

stacks = st.lists(st.one_of(st.integers(1, 5), st.sampled_from(sorted(ACTIVATIONS))), max_size=6)


def build(stack):
    """Make layers of a list of widths and kinds of activations."""
    return {
        str(i): affine(part, normal(std=1), normal(std=1)) if isinstance(part, int) else ACTIVATIONS[part]()
        for i, part in enumerate(stack)
    }


class Run:
    """Both passes of a chain through the loss, with everything that they return kept as bytes."""

    def __init__(self, net, params, states, x, labels):
        self.operands = (params, states, x, positions(labels, x.shape[1]))
        self.net = net

    def __call__(self, work, room):
        params, states, x, targets = self.operands
        y, _, caches = self.net.forward(params, states, x, work, TRAIN)
        forward = y.tobytes()
        value, dy = LOSSES["mean_squared_error"]["identity"](y[:-1], targets, room)
        dy_before = dy.tobytes()
        dx, gradients = self.net.backward(params, caches, dy, work, True)
        assert dy.tobytes() == dy_before
        return forward, value, dy_before, dx.tobytes(), [as_bytes(gradient) for gradient in gradients]

    def operand_bytes(self):
        params, _, x, targets = self.operands
        return [None if array is None else array.tobytes() for array in (*params, x, targets)]


def as_bytes(gradient):
    return [array.tobytes() for array in (gradient if isinstance(gradient, OuterProduct) else [])]


@given(
    stack=stacks,
    features=st.integers(1, 4),
    sizes=st.lists(st.sampled_from([1, 2, 5, 16, 17]), min_size=2, max_size=6),
    dtype=st.sampled_from(FLOATS),
    order=st.sampled_from("CF"),
)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_same_bits_from_fresh_work_and_from_work_used_again_and_operands_left_alone(
    stack, features, sizes, dtype, order
):
    rng, precision = np.random.default_rng(6), np.dtype(dtype)
    net = chain(build(stack))
    (outputs,) = net.shape((features,))
    params, states = net.init(rng, (features,), precision)

    def rooms(samples):
        return net.work((features,), samples, precision), loss_work(outputs, samples, precision)

    used = {samples: rooms(samples) for samples in sizes}
    for samples in sizes:
        x = np.asarray(with_ones(rng.normal(size=(features, samples)).astype(dtype)), order=order)
        run = Run(net, params, states, x, rng.integers(outputs, size=samples))
        before = run.operand_bytes()
        assert run(*used[samples]) == run(*rooms(samples))
        assert run.operand_bytes() == before
