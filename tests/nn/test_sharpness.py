"""The largest eigenvalue of a Hessian, beside that of the explicit matrix."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweep.nn.initializers import INITIALIZERS
from sweep.nn.layers import LAYERS
from sweep.nn.layers.activations import ACTIVATIONS
from sweep.nn.losses import LOSSES, positions
from sweep.nn.network import Network, chain, flat_vector, perceptron
from sweep.nn.penalties import Penalty
from sweep.nn.regression import REGRESSION_LOSSES, numbers
from sweep.nn.sharpness import STEPS, largest_eigenvalue, loss_gradient

DOUBLE = np.dtype(np.float64)
SAMPLES, FEATURES, CLASSES = 60, 8, 3
PARTS = (0, 35, SAMPLES)
"""Where the samples are cut into mini-batches."""
LABELS = np.random.default_rng(3).integers(0, CLASSES, SAMPLES)
NUMBERS = np.random.default_rng(4).normal(0, 1.5, SAMPLES)
NORMAL, ZEROS = INITIALIZERS["he_normal"](), INITIALIZERS["zeros"]()


def classifier(layers, loss="cross_entropy", output="softmax"):
    return Network(layers, LOSSES[loss][output])


def gradient_at(network, *, seed=0, penalty=None, biases=0.3, zero_samples=0):
    """Return the gradient of the mean loss of random samples, in two mini-batches, and random parameters."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(FEATURES + 1, SAMPLES))
    x[:, :zero_samples] = 0
    x[-1] = 1
    params, states = chain(network.layers).init(rng, (FEATURES,), DOUBLE)
    _, views = flat_vector(params, DOUBLE)
    for view in views:
        if view is not None and view.ndim == 2:
            view[:, -1] += rng.normal(0, biases, len(view))
    given = NUMBERS if network.targets is numbers else LABELS
    batches = [(x[:, a:b], network.targets(given[a:b], b - a)) for a, b in pairwise(PARTS)]
    return loss_gradient(network, views, states, batches, penalty or Penalty())


def explicit(gradient, point, step=1e-6):
    """Return the Hessian, one column after the other, and the largest eigenvalue."""
    columns = [(gradient(point + step * e) - gradient(point - step * e)) / (2 * step) for e in np.eye(point.size)]
    hessian = np.array(columns)
    assert np.allclose(hessian, hessian.T, atol=1e-5 * np.abs(hessian).max())
    return np.linalg.eigvalsh((hessian + hessian.T) / 2)[-1]


def layers_of(kind, outputs=CLASSES):
    values = {"alpha": 0.1} if kind == "leaky_relu" else {}
    return perceptron([6, 5], lambda: ACTIVATIONS[kind](**values), kind, NORMAL, ZEROS, outputs)


@pytest.mark.parametrize("kind", ACTIVATIONS)
@pytest.mark.parametrize(("loss", "output"), [(loss, output) for loss, outputs in LOSSES.items() for output in outputs])
def test_it_is_that_of_the_explicit_hessian_for_each_activation_and_loss(kind, loss, output):
    gradient, point = gradient_at(classifier(layers_of(kind), loss, output))
    assert point.size < 500
    found = largest_eigenvalue(gradient, point)
    assert found.value == pytest.approx(explicit(gradient, point), rel=1e-3)


@pytest.mark.parametrize("loss", REGRESSION_LOSSES)
@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_it_is_that_of_the_explicit_hessian_of_a_regression(kind, loss):
    gradient, point = gradient_at(Network(layers_of(kind, 1), REGRESSION_LOSSES[loss], numbers), seed=1)
    assert largest_eigenvalue(gradient, point).value == pytest.approx(explicit(gradient, point), rel=1e-3, abs=1e-6)


def test_layers_are_in_training_mode_with_fixed_masks():
    kinds = {"norm": "batch_norm", "drop": "dropout"}
    layers = layers_of("tanh")
    (first, *_), output = layers, layers["output"]
    made = {first: layers[first], "norm": LAYERS["batch_norm"](), "drop": LAYERS["dropout"](rate=0.3), "output": output}
    gradient, point = gradient_at(classifier(made))
    assert kinds.keys() < made.keys()
    np.testing.assert_array_equal(gradient(point), gradient(point))
    assert largest_eigenvalue(gradient, point).value == pytest.approx(explicit(gradient, point), rel=1e-3)


def test_a_linear_network_with_squared_errors_has_the_sharpness_of_its_inputs():
    network = Network({"output": LAYERS["affine"](1, NORMAL, ZEROS)}, REGRESSION_LOSSES["mean_squared_error"], numbers)
    x = np.random.default_rng(0).normal(size=(FEATURES + 1, SAMPLES))
    x[-1] = 1
    params, states = chain(network.layers).init(np.random.default_rng(1), (FEATURES,), DOUBLE)
    gradient, point = loss_gradient(network, params, states, [(x, NUMBERS)], Penalty(l1=0.5, l2=3.0))
    decay = np.diag([3.0] * FEATURES + [0.0])  # biases are not penalized
    expected = np.linalg.eigvalsh(2 / SAMPLES * x @ x.T + decay)[-1]
    assert largest_eigenvalue(gradient, point).value == pytest.approx(expected, rel=1e-6)
    np.testing.assert_array_equal(point, params[0].ravel())


def test_units_whose_inputs_and_biases_are_all_zero_stand_on_no_kink():
    gradient, point = gradient_at(classifier(layers_of("relu")), biases=0.0, zero_samples=3)
    rng = np.random.default_rng(5)
    values = [explicit(gradient, point + 1e-4 * rng.normal(size=point.size), 1e-9) for _ in range(3)]
    assert largest_eigenvalue(gradient, point).value == pytest.approx(np.mean(values), rel=0.02)


@given(st.integers(0, 10**6), st.integers(1, 60), st.sampled_from(["any", "low rank", "negative", "zero"]))
@settings(max_examples=60, deadline=None)
def test_the_largest_eigenvalue_of_a_matrix(seed, size, kind):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=size) * 10.0 ** rng.uniform(-3, 3)
    if kind == "low rank":
        values[size // 4 :] = 0
    elif kind == "negative":
        values = -np.abs(values)
    elif kind == "zero":
        values[:] = 0
    turned, _ = np.linalg.qr(rng.normal(size=(size, size)))
    matrix = turned @ np.diag(values) @ turned.T
    offset = rng.normal(size=size)
    found = largest_eigenvalue(lambda point: matrix @ point + offset, rng.normal(size=size))
    assert found.value == pytest.approx(values.max(), abs=1e-2 * np.abs(values).max() + 1e-5)
    assert found.gradients <= size + 2


def test_a_step_that_passes_a_kink_is_made_smaller():
    matrix, seen = np.diag(np.arange(1.0, 9.0)), []

    def gradient(point):
        seen.append(point)
        is_over = np.linalg.norm(point - seen[0]) > 3 * STEPS[1]
        return matrix @ point + is_over * np.eye(8)[len(seen) % 8]

    assert largest_eigenvalue(gradient, np.ones(8)).value == pytest.approx(8, rel=1e-3)


def test_a_gradient_that_jumps_at_each_step_has_none():
    rng = np.random.default_rng(0)
    assert largest_eigenvalue(lambda point: rng.normal(size=20), np.ones(20)) is None


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
@pytest.mark.filterwarnings("error")
def test_where_a_gradient_is_not_finite_there_is_none(wrong):
    assert largest_eigenvalue(lambda point: np.where(point > 2, wrong, point), np.array([1.0, 5.0, 0.0])) is None
    assert largest_eigenvalue(lambda point: point, np.array([1.0, wrong])) is None


def test_without_parameters_there_is_none():
    network = classifier({"relu": ACTIVATIONS["relu"]()})
    x = np.ones((CLASSES + 1, 4))
    gradient, point = loss_gradient(network, [None], [None], [(x, positions(LABELS[:4], 4))], Penalty())
    assert largest_eigenvalue(gradient, point) is None
