"""Optimizers against their formulas; parameters are changed where they are, or not at all."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweep.nn.layer import OuterProduct
from sweep.nn.optimizers import OPTIMIZERS, add_outer_product, sgd
from tests.nn.layer_setup import FLOATS

dtypes = pytest.mark.parametrize("dtype", FLOATS)
sizes = st.integers(1, 6)


def problem(rows, columns, samples, dtype, order="C"):
    rng = np.random.default_rng([rows, columns, samples])
    params, left, right = (
        rng.normal(size=shape).astype(dtype) for shape in ((rows, columns), (rows, samples), (columns, samples))
    )
    return params, OuterProduct(left, np.asarray(right, order=order))


@dtypes
@pytest.mark.parametrize("order", ["C", "F"])
@given(rows=sizes, columns=sizes, samples=sizes)
@settings(deadline=None, max_examples=50)
def test_sgd_on_an_outer_product(dtype, order, rows, columns, samples):
    params, gradient = problem(rows, columns, samples, dtype, order)
    before, left, right = params.copy(), gradient.left.copy(), gradient.right.copy()
    sgd(0.3).update(params, gradient, None)
    exact = before.astype(np.float64) - 0.3 * (left.astype(np.float64) @ right.astype(np.float64).T)
    np.testing.assert_allclose(params, exact, rtol=0, atol=64 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(gradient.left, left)
    np.testing.assert_array_equal(gradient.right, right)


@dtypes
def test_sgd_on_an_array(dtype):
    params, outer = problem(3, 4, 5, dtype)
    gradient = outer.left @ outer.right.T
    before, gradient_before = params.copy(), gradient.copy()
    sgd(0.3).update(params, gradient, None)
    np.testing.assert_array_equal(params, before - np.asarray(0.3, dtype) * gradient)
    np.testing.assert_array_equal(gradient, gradient_before)
    assert params.dtype == dtype


@dtypes
@pytest.mark.parametrize("multiplied", [False, True])
def test_sgd_changes_the_vector_that_the_parameters_are_a_view_of(dtype, multiplied):
    params, gradient = problem(3, 4, 5, dtype)
    vector = np.concatenate([[7, 7], params.ravel(), [7, 7]]).astype(dtype)
    view = vector[2:-2].reshape(3, 4)
    sgd(0.3).update(view, gradient.left @ gradient.right.T if multiplied else gradient, None)
    assert (vector[2:-2] != params.ravel()).all()
    np.testing.assert_array_equal(vector[[0, 1, -2, -1]], 7)


def test_sgd_has_no_memory():
    params, gradient = problem(2, 2, 2, "float64")
    assert sgd().init(params) is None
    assert sgd().update(params, gradient, None) is None


def test_the_default_learning_rate():
    params = np.zeros(1)
    OPTIMIZERS["sgd"]().update(params, np.ones(1), None)
    assert params == -0.01


@pytest.mark.parametrize(
    "unfit",
    [
        pytest.param(np.asfortranarray, id="Fortran-ordered"),
        pytest.param(lambda params: np.repeat(params, 2, axis=1)[:, ::2], id="every other column"),
        pytest.param(lambda params: np.repeat(params, 2, axis=0)[::2], id="every other row"),
        pytest.param(lambda params: params[::-1], id="reversed"),
        pytest.param(lambda params: params.astype(np.float16), id="float16"),
        pytest.param(lambda params: params.astype(np.longdouble), id="longdouble"),
        pytest.param(lambda params: params.astype(np.int64), id="int64"),
        pytest.param(lambda params: params.astype(params.dtype.newbyteorder()), id="foreign byte order"),
    ],
)
@dtypes
def test_parameters_that_blas_cannot_change_in_place_are_refused(dtype, unfit):
    params, gradient = problem(3, 4, 5, dtype)
    params = unfit(params)
    before = params.copy()
    with pytest.raises(ValueError, match="C-contiguous"):
        add_outer_product(params, 1.0, gradient)
    np.testing.assert_array_equal(params, before)


# Three steps with the gradients 1, -2 and 0.5 from params = 1, worked with a pocket calculator.
BY_HAND = {
    # v = -0.1, 0.1, 0.05 with momentum 1: -0.1; -0.1 + 0.2; 0.1 - 0.05
    "momentum": ({"learning_rate": 0.1, "momentum": 0.5}, [0.9, 1.05, 1.075]),
    # 0.1; -0.2 + 0.05; 0.05 - 0.1
    "one_step_momentum": ({"learning_rate": 0.1, "momentum": 0.5}, [0.9, 1.05, 1.1]),
    # v = -0.1, 0.15, 0.025; step = v/2 - 0.1 g: -0.15, 0.275, -0.0375
    "nesterov": ({"learning_rate": 0.1, "momentum": 0.5}, [0.85, 1.125, 1.0875]),
    # h = 2, 6, 6.25: 0.1/√2, -0.2/√6, 0.05/2.5
    "adagrad": ({"learning_rate": 0.1, "eps": 1.0}, [0.9292893219, 1.0109389800, 0.9909389800]),
    # h = 0.5, 2.25, 1.25: 0.1/(√0.5 + 1), -0.2/2.5, 0.05/(√1.25 + 1)
    "rmsprop": ({"learning_rate": 0.1, "decay": 0.5, "eps": 1.0}, [0.9414213562, 1.0214213562, 0.9978146968]),
    # m = 0.5, -0.75, -0.125; v = 0.5, 2.25, 1.25; m̂ = 1, -1, -1/7; v̂ = 1, 3, 10/7
    "adam": (
        {"learning_rate": 0.1, "beta_1": 0.5, "beta_2": 0.5, "eps": 1e-12},
        [0.9, 0.9577350269, 0.9696876380],
    ),
    "sgd": ({"learning_rate": 0.1}, [0.9, 1.1, 1.05]),
}


@dtypes
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_three_steps_by_hand(kind, dtype):
    values, expected = BY_HAND[kind]
    optimizer = OPTIMIZERS[kind](**values)
    params = np.ones((2, 3), dtype)
    state = optimizer.init(params)
    for gradient, value in zip([1.0, -2.0, 0.5], expected, strict=True):
        given_gradient = np.full((2, 3), gradient, dtype)
        state = optimizer.update(params, given_gradient, state, 1.0)
        np.testing.assert_allclose(params, value, rtol=2e-9 if dtype == np.float64 else 1e-6)
        assert (given_gradient == gradient).all()
    assert params.dtype == dtype


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_a_quadratic_bowl_is_descended(kind):
    curvature = np.array([1.0, 3.0, 0.3])
    rate = {"adam": 0.05, "rmsprop": 0.01, "adagrad": 0.5}.get(kind, 0.1)
    optimizer = OPTIMIZERS[kind](learning_rate=rate)
    params = np.array([2.0, -1.0, 3.0])
    state = optimizer.init(params)
    for _ in range(600):
        state = optimizer.update(params, curvature * params, state, 1.0)
    assert np.abs(params).max() < 0.02


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_the_factor_is_that_of_the_learning_rate(kind):
    runs = []
    for rate, factor in ((0.1, 0.5), (0.05, 1.0)):
        optimizer, params = OPTIMIZERS[kind](learning_rate=rate), np.ones(3)
        state = optimizer.init(params)
        for gradient in (1.0, -2.0, 0.5):
            state = optimizer.update(params, np.full(3, gradient), state, factor)
        runs.append(params)
    np.testing.assert_allclose(*runs, rtol=1e-14)


# Large and small gradients

SHARES = {"adam": 0.001, "rmsprop": 0.1}
"""Kind -> what it multiplies squared gradients by, with its default values."""


def by_the_formula(kind, params, gradients):
    """The steps of Adam and RMSProp as in their docstrings, in float64, with the default values."""
    m = v = np.zeros_like(params)
    for k, g in enumerate(gradients, start=1):
        if kind == "adam":
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
            params = params - 0.001 * (m / (1 - 0.9**k)) / (np.sqrt(v / (1 - 0.999**k)) + 1e-8)
        else:
            v = 0.9 * v + 0.1 * g**2
            params = params - 0.001 * g / (np.sqrt(v) + 1e-8)
    return params


@pytest.mark.parametrize("kind", SHARES)
@pytest.mark.parametrize("size", [1e-12, 1e-5, 1.0, 1e10, "largest"])
def test_gradients_of_every_size_as_by_the_formula(kind, size):
    """The square of the largest gradient overflows, but not its share in the moving average."""
    share = SHARES[kind]
    largest = 0.4 * np.sqrt(float(np.finfo(np.float32).max) / share)
    assert largest > 1.2 * np.sqrt(float(np.finfo(np.float32).max))
    size = largest if size == "largest" else size
    rng = np.random.default_rng(0)
    gradients = (rng.uniform(0.1, 1, (5, 40)) * rng.choice([-1, 1], (5, 40)) * size).astype(np.float32)
    optimizer, params = OPTIMIZERS[kind](), rng.normal(size=40).astype(np.float32)
    expected = by_the_formula(kind, params.astype(np.float64), gradients.astype(np.float64))
    state = optimizer.init(params)
    with np.errstate(all="raise", under="ignore"):
        for gradient in gradients:
            state = optimizer.update(params, gradient, state, 1.0)
    np.testing.assert_allclose(params, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("kind", SHARES)
def test_a_gradient_that_is_too_large_overflows(kind):
    share = SHARES[kind]
    optimizer, params = OPTIMIZERS[kind](), np.ones(3, np.float32)
    gradient = np.full(3, 1.1 * np.sqrt(float(np.finfo(np.float32).max) / share), np.float32)
    with pytest.raises(FloatingPointError), np.errstate(over="raise"):
        optimizer.update(params, gradient, optimizer.init(params), 1.0)


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_only_the_state_of_adam_has_changed_its_meaning(kind):
    optimizer, params = OPTIMIZERS[kind](), np.ones(3)
    state = optimizer.update(params, np.ones(3), optimizer.init(params), 1.0)
    assert optimizer.upgrade(state, 2) is state
    older = optimizer.upgrade(state, 1)
    if kind == "adam":
        np.testing.assert_allclose(older.v, 1e-3 * state.v)
    else:
        assert older is state


@pytest.mark.parametrize(
    ("kind", "theirs"), [("adam", ("Adam", {})), ("rmsprop", ("RMSprop", {"alpha": 0.9}))], ids=["adam", "rmsprop"]
)
@dtypes
def test_a_hundred_steps_are_those_of_pytorch(kind, theirs, dtype):
    torch = pytest.importorskip("torch")
    name, options = theirs
    rng = np.random.default_rng(0)
    params = rng.normal(size=50).astype(dtype)
    tensor = torch.tensor(params.copy(), requires_grad=True)
    step = getattr(torch.optim, name)([tensor], lr=0.01, eps=1e-8, **options)
    optimizer = OPTIMIZERS[kind](learning_rate=0.01)
    state, scratch = optimizer.init(params), optimizer.scratch(params)
    for _ in range(100):
        gradient = (rng.normal(size=50) + rng.normal()).astype(dtype)
        tensor.grad = torch.tensor(gradient)
        step.step()
        state = optimizer.update(params, gradient, state, 1.0, scratch)
    eps = 1e-6 if dtype == "float32" else 1e-13
    np.testing.assert_allclose(params, tensor.detach().numpy(), rtol=eps, atol=eps)
