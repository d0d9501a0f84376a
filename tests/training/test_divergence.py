"""No divergence passes unseen, and each is traced to the step and the computation that began it."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

from sweep.data import Normalization
from sweep.nn import initializers
from sweep.nn.layers import activations
from sweep.nn.layers.activations import elementwise
from sweep.nn.network import Network
from sweep.nn.optimizers import Optimizer, sgd
from sweep.records import Divergence
from sweep.training.divergence import Diverged, FiniteCheck, Flags, NotFinite
from sweep.training.loop import NetworkTrainer, train
from tests.training.training_setup import blobs, network, settings

DTYPES = ["float32", "float64"]


def run(dataset, given):
    """Return the numbers of the epochs that were yielded, and the divergence."""
    numbers = []
    with pytest.raises(Diverged) as caught:
        for epoch in train(dataset, given):
            assert np.isfinite([epoch.metrics["train_loss"], epoch.metrics["test_loss"]]).all()
            numbers.append(epoch.number)
    return numbers, caught.value.divergence


def constant(value):
    return lambda rng, fan_in, fan_out, shape: np.full(shape, value)


def sabotaged(optimizer, at_step, change):
    """Return an optimizer that lets `change` spoil the parameters of the last layer at one of its steps."""

    def update(params, gradient, step, factor, scratch):
        optimizer.update(params, gradient, None)
        if step + 1 == at_step and len(params) == 3:  # the output layer: three classes
            change(params)
        return step + 1

    return Optimizer(lambda params: 0, update, takes_products=True)


@pytest.mark.parametrize("dtype", DTYPES)
def test_overflow_in_a_product_of_matrices(dtype):
    dataset = blobs()
    huge = float(np.finfo(dtype).max) / 1e3
    net = network((5, 4), activations.identity, constant(huge))

    numbers, divergence = run(dataset, settings(dataset, net, dtype=dtype))

    assert numbers == []
    assert divergence == Divergence(0, 0, "evaluation/hidden[1]/forward", "overflow")


@pytest.mark.parametrize("dtype", DTYPES)
def test_overflow_in_exp(dtype):
    dataset = blobs()

    def careless(x, y, slope):
        np.exp(x, out=y)
        slope.fill(0)

    stride = np.log(np.finfo(dtype).max) / 4

    def grow(params, gradient, state, factor, scratch):
        params += stride if params.shape[1] == 7 else 0  # the first layer: 6 features and the bias

    net = network((5,), weights=constant(0.0))
    layers = {name.replace("tanh", "careless"): layer for name, layer in net.layers.items()}
    layers["hidden[0]/careless"] = elementwise(careless)
    given = settings(
        dataset, Network(layers, net.loss), optimizer=Optimizer(lambda p: None, grow, takes_products=True), dtype=dtype
    )

    numbers, divergence = run(dataset, given)

    assert numbers == [0]
    assert (divergence.place, divergence.kind) == ("hidden[0]/careless/forward", "overflow")


@pytest.mark.parametrize("dtype", DTYPES)
def test_overflow_in_the_update_of_weights(dtype):
    """SciPy's BLAS raises no flag here: the parameters themselves must be looked at."""
    dataset = blobs()
    given = settings(
        dataset, network((), weights=constant(0.0)), optimizer=sgd(float(np.finfo(dtype).max)), dtype=dtype
    )
    # Pixels up to 255 make gradients above 1, so the very first step leaves the range; no forward pass does before.
    unscaled = replace(given, normalization=Normalization(None, np.ones((), dtype)))

    numbers, divergence = run(dataset, unscaled)

    assert numbers == [0]
    assert divergence == Divergence(1, 1, "output/update", "overflow")


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_update_that_overflows_silently_is_placed_at_its_step(dtype):
    dataset = blobs()
    steps = 7  # of 8 samples, 50 in all
    spoil = sabotaged(sgd(0.1), 3, lambda params: np.multiply(params, 1.0, out=params).fill(np.inf))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        numbers, divergence = run(dataset, settings(dataset, optimizer=spoil, dtype=dtype))

    assert numbers == [0]
    assert divergence == Divergence(1, 3, "output/update", "overflow")
    assert divergence.step < steps


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_nan_that_arrives_without_any_flag(dtype):
    dataset = blobs()
    marker = dataset.train.x[31].astype(dtype) / 255

    def poisoned(x, y, slope):
        np.tanh(x, out=y)
        slope.fill(1)
        y[:, np.abs(x[0] - marker[0]) < 1e-3] = np.nan

    net = network((5,))
    layers = {"poison": elementwise(poisoned), **net.layers}
    given = settings(dataset, Network(layers, net.loss), dtype=dtype)

    numbers, divergence = run(dataset, replace(given, normalization=Normalization(None, np.asarray(1 / 255, dtype))))

    assert numbers == []
    assert divergence == Divergence(0, 0, "evaluation/poison/forward", "invalid")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_network_that_diverges_in_the_very_last_batch_of_an_epoch(dtype, value):
    dataset = blobs()
    spoil = sabotaged(sgd(0.1), 14, lambda params: params.__setitem__((0, 0), value))  # the last of the second epoch

    numbers, divergence = run(dataset, settings(dataset, optimizer=spoil, dtype=dtype))

    assert numbers == [0, 1]
    kind = "invalid" if np.isnan(value) else "overflow"
    assert divergence == Divergence(2, 7, "output/update", kind)


def test_infinite_weights_cannot_hide_behind_a_relu():
    dataset = blobs()

    def update(params, gradient, step, factor, scratch):
        if step == 4 and params.shape[1] == 7:  # the first layer: 6 features and the bias
            params[0, :] = -np.inf
        return step + 1

    frozen = Optimizer(lambda params: 0, update, takes_products=True)
    numbers, divergence = run(dataset, settings(dataset, network((5, 4), activations.relu), optimizer=frozen))

    assert numbers == [0]
    assert divergence == Divergence(1, 5, "hidden[0]/update", "overflow")


def test_flags_raised_without_need_change_nothing():
    dataset = blobs()
    net = network((5,))
    tanh = net.layers["hidden[0]/tanh"]

    def noisy(params, state, x, work, call):
        np.divide(1.0, 0.0)
        np.square(np.float64(1e200))
        return tanh.forward(params, state, x, work, call)

    noisy_net = net._replace(layers={**net.layers, "hidden[0]/tanh": tanh._replace(forward=noisy)})
    quiet = [e.metrics["test_loss"] for e in train(dataset, settings(dataset, net))]
    loud = [e.metrics["test_loss"] for e in train(dataset, settings(dataset, noisy_net))]

    assert quiet == loud


def test_training_goes_on_after_a_false_alarm_with_the_same_bits(monkeypatch):
    dataset = blobs()
    plain = [e.metrics["test_loss"] for e in train(dataset, settings(dataset, dtype="float32"))]
    watched = 0
    real = NetworkTrainer._run_checked

    def count(self, number, order):
        nonlocal watched
        watched += 1
        return real(self, number, order)

    monkeypatch.setattr(NetworkTrainer, "_run_checked", count)
    monkeypatch.setattr(NetworkTrainer, "_run_steps", lambda self, number, order: (3, True))

    assert [e.metrics["test_loss"] for e in train(dataset, settings(dataset, dtype="float32"))] == plain
    assert watched == 3


def test_a_loss_that_only_the_test_part_overflows_is_found_in_the_evaluation():
    dataset = blobs()
    dataset.test.x[:] = 255
    np.minimum(dataset.train.x, 200, out=dataset.train.x)

    def fragile(x, y, slope):
        slope.fill(1)
        np.multiply(x, np.where(x > 1.1, 1e308, 1.0), out=y)  # the training part stays below 1
        y *= np.where(x > 1.1, 1e10, 1.0)

    net = network((5,))
    layers = {"fragile": elementwise(fragile), **net.layers}
    numbers, divergence = run(dataset, settings(dataset, Network(layers, net.loss)))

    assert (numbers, divergence.place, divergence.kind) == ([], "evaluation/fragile/forward", "overflow")


def test_diverged_trials_keep_the_epochs_before():
    dataset = blobs()
    spoil = sabotaged(sgd(0.1), 7 * 4 + 2, lambda params: params.fill(np.nan))

    numbers, divergence = run(dataset, settings(dataset, optimizer=spoil, epochs=9))

    assert numbers == [0, 1, 2, 3, 4]
    assert (divergence.epoch, divergence.step) == (5, 2)


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        (lambda: np.multiply(np.float32(3e38), np.float32(3e38)), "overflow"),
        (lambda: np.subtract(np.float64(np.inf), np.float64(np.inf)), "invalid"),
        (lambda: np.divide(np.float32(1), np.float32(0)), "divide"),
        (lambda: np.multiply(np.float32(1e-38), np.float32(1e-38)), None),
    ],
)
def test_flags_are_told_apart(operation, kind):
    flags = Flags()
    with flags.watching():
        operation()
    assert flags.kind == kind
    flags.clear()
    assert flags.kind is None


@pytest.mark.parametrize(("value", "kind"), [(np.inf, "overflow"), (-np.inf, "overflow"), (np.nan, "invalid")])
@pytest.mark.parametrize("position", [0, 17, 41])
def test_the_check_finds_a_single_bad_element_anywhere(value, kind, position):
    array = np.zeros((6, 7), np.float32)
    FiniteCheck(Flags())("somewhere", array, None, 1.0)
    array.flat[position] = value

    with pytest.raises(NotFinite) as caught:
        FiniteCheck(Flags())("somewhere", np.zeros(3), array)

    assert (caught.value.place, caught.value.kind) == ("somewhere", kind)


def test_weights_that_are_not_finite_from_the_start_are_found_before_training():
    dataset = blobs()
    nan = initializers.normal(np.nan, 1.0)
    numbers, divergence = run(dataset, settings(dataset, network((5,), weights=nan)))

    assert numbers == []
    assert (divergence.epoch, divergence.step, divergence.kind) == (0, 0, "invalid")


@pytest.mark.parametrize(
    ("values", "flag", "kind"),
    [
        ([1.0, np.inf], "invalid value", "overflow"),
        ([1.0, -np.inf], None, "overflow"),
        ([np.nan, np.inf], "invalid value", "invalid"),
        ([np.nan, np.inf], "overflow", "overflow"),
        ([np.nan, 1.0], None, "invalid"),
    ],
)
def test_the_array_decides_where_it_contradicts_the_flag(values, flag, kind):
    flags = Flags()
    if flag:
        flags(flag, 0)
    with pytest.raises(NotFinite) as caught:
        FiniteCheck(flags)("here", np.array(values))
    assert caught.value.kind == kind
