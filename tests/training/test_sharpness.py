"""Sharpness while a network is trained: what is recorded, that nothing else changes, and the edge of stability."""

from dataclasses import replace

import numpy as np
import pytest

from sweep.data import fit, open_dataset, prepare
from sweep.nn import initializers
from sweep.nn.layers import LAYERS
from sweep.nn.layers.activations import tanh
from sweep.nn.layers.batch_norm import batch_norm
from sweep.nn.layers.dropout import dropout
from sweep.nn.layers.reshaping import image
from sweep.nn.optimizers import OPTIMIZERS, sgd
from sweep.nn.penalties import Penalty
from sweep.nn.schedules import step
from sweep.nn.sharpness import loss_gradient
from sweep.system.environment import one_blas_thread
from sweep.training import sharpness
from sweep.training.batches import Batching
from sweep.training.loop import NetworkTrainer, train
from sweep.training.sharpness import Sharpness, sampled_batches, sharpness_of
from tests.training.training_setup import blobs, network, settings

OURS = {"sharpness", "instability"}


def noisy():
    """Return a network with batch normalization and dropout, which have a state and draw numbers."""
    net = network()
    first, activation, *_ = net.layers
    between = {"norm": batch_norm(), activation: net.layers[activation], "drop": dropout(0.3)}
    return net._replace(layers={first: net.layers[first], **between, "output": net.layers["output"]})


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("record", ["start", "epochs", True])
def test_recording_changes_no_bit_of_the_training(record, dtype):
    data = blobs()
    plain = settings(data, noisy(), optimizer=OPTIMIZERS["adam"](0.01), dtype=dtype)
    trainers = [NetworkTrainer(data, each) for each in (plain, replace(plain, record_sharpness=record))]
    without, recorded = ([*trainer.epochs()] for trainer in trainers)
    for before, after in zip(without, recorded, strict=True):
        assert {name: value for name, value in after.metrics.items() if name not in OURS} == before.metrics
    one, two = (trainer.snapshot() for trainer in trainers)
    assert one.state == two.state
    for name, array in one.arrays.items():
        np.testing.assert_array_equal(array, two.arrays[name])
    assert [set(epoch.metrics) & OURS for epoch in recorded] == [
        {"sharpness"} if epoch == 0 or record != "start" else set() for epoch in range(4)
    ]


def test_it_is_the_same_after_a_restored_state_and_in_each_call():
    data = blobs()
    given = replace(settings(data, noisy()), record_sharpness=True)
    trainer = NetworkTrainer(data, given)
    epochs = trainer.epochs()
    next(epochs)
    second, middle = next(epochs), trainer.snapshot()
    assert sharpness_of(trainer) == sharpness_of(trainer) == Sharpness(**renamed(second.metrics))
    later = NetworkTrainer(data, given)
    later.restore(middle)
    assert [epoch.metrics for epoch in later.epochs()] == [epoch.metrics for epoch in epochs]


def renamed(metrics):
    return {"value": metrics["sharpness"], "instability": metrics.get("instability")}


def test_training_in_float32_has_the_sharpness_of_float64():
    data = blobs()
    values = [sharpness_of(NetworkTrainer(data, settings(data, dtype=dtype))).value for dtype in ("float32", "float64")]
    assert values[0] == pytest.approx(values[1], rel=1e-4)


def test_the_loss_is_that_of_mini_batches_as_they_are_trained_on_only_with_batch_normalization():
    data = blobs(train=60)
    for net, is_same in ((network(), True), (noisy(), False)):
        whole, cut = (
            sharpness_of(NetworkTrainer(data, replace(settings(data, net), batching=Batching(size)))).value
            for size in (60, 6)
        )
        assert (whole == pytest.approx(cut, rel=1e-9)) is is_same


def test_the_sample_is_fixed_and_at_most_a_thousand():
    np.testing.assert_array_equal(sharpness.sample(7), np.arange(7))
    rows = sharpness.sample(60_000)
    assert len(set(rows)) == 1000
    assert rows.max() < 60_000
    np.testing.assert_array_equal(rows, sharpness.sample(60_000))
    np.testing.assert_array_equal(rows, np.sort(rows))


def test_the_instability_is_in_units_of_the_limit_of_the_epochs_learning_rate():
    data = blobs()
    given = replace(settings(data, optimizer=sgd(0.5)), schedule=step(every=1, factor=0.1), record_sharpness=True)
    for epoch in train(data, given):
        factor = 0.1 ** max(epoch.number - 1, 0)
        assert epoch.metrics["instability"] == pytest.approx(epoch.metrics["sharpness"] * 0.5 * factor / 2)


@pytest.mark.parametrize("kind", sorted(OPTIMIZERS))
def test_only_optimizers_with_a_limit_have_an_instability(kind):
    data, optimizer = blobs(), OPTIMIZERS[kind](learning_rate=0.1)
    found = sharpness_of(NetworkTrainer(data, settings(data, optimizer=optimizer)))
    has_limit = optimizer.stable_below is not None
    assert set(found.metrics) == (OURS if has_limit else {"sharpness"})
    assert has_limit is (kind not in ("adagrad", "adam", "rmsprop"))


def test_the_l2_penalty_adds_to_it():
    data = blobs()
    plain, heavy = (
        sharpness_of(NetworkTrainer(data, replace(settings(data), penalty=Penalty(l1=0.3, l2=l2)))).value
        for l2 in (0.0, 50.0)
    )
    assert 45 < heavy - plain <= 50


def test_where_there_is_none_nothing_is_recorded_and_the_log_says_so_once(monkeypatch):
    monkeypatch.setattr(sharpness, "largest_eigenvalue", lambda gradient, point: None)
    data = blobs()
    trainer = NetworkTrainer(data, replace(settings(data), record_sharpness=True))
    assert not [epoch for epoch in trainer.epochs() if OURS & epoch.metrics.keys()]
    assert trainer.log.startswith("no sharpness is recorded of epoch 0, nor of others")
    assert trainer.log.count("\n") == 1


def test_a_state_that_is_not_finite_has_none():
    data = blobs()
    trainer = NetworkTrainer(data, settings(data))
    trainer.state.vector[3] = np.nan
    assert sharpness_of(trainer) is None


def test_full_batch_gradient_descent_comes_to_rest_at_the_edge_of_stability():
    data = open_dataset(prepare("digits"))
    weights = initializers.INITIALIZERS["normal"](std=0.1)
    net = network([20], tanh, weights, 10, "mean_squared_error", "identity")
    z_score = fit("z_score", "all", data.train.x, np.dtype(np.float32))
    for rate in (1.1, 1.25, 1.4, 1.55, 1.7):
        given = settings(data, net, optimizer=sgd(rate), batch_size=len(data.train.x), epochs=360, dtype="float32")
        trainer = NetworkTrainer(data, replace(given, evaluate_train="running", normalization=z_score))
        found = []
        with one_blas_thread():
            for epoch in trainer.epochs():
                if epoch.number > 260 and epoch.number % 10 == 0:
                    found.append(sharpness_of(trainer).value)
        assert np.mean(found) == pytest.approx(2 / rate, rel=0.1)


def test_layers_of_images_have_the_sharpness_of_the_explicit_hessian():
    data = replace(blobs(train=30, features=16), shape=(1, 4, 4))
    weights, biases = initializers.INITIALIZERS["he_normal"](), initializers.zeros()
    layers = {
        "image": image((1, 4, 4)),
        "convolution": LAYERS["convolution"](filters=2, kernel=3, weights=weights, biases=biases),
        "norm": batch_norm(),
        "relu": LAYERS["relu"](),
        "pool": LAYERS["max_pool"](size=2),
        "flatten": LAYERS["flatten"](),
        "output": LAYERS["affine"](3, weights, biases),
    }
    trainer = NetworkTrainer(data, settings(data, network()._replace(layers=layers)))
    states, penalty = trainer.state.layer_states, Penalty()
    gradient, point = loss_gradient(trainer.settings.network, trainer.params, states, sampled_batches(trainer), penalty)
    steps = 1e-6 * np.eye(point.size)
    hessian = np.array([(gradient(point + step) - gradient(point - step)) / 2e-6 for step in steps])
    assert sharpness_of(trainer).value == pytest.approx(np.linalg.eigvalsh((hessian + hessian.T) / 2)[-1], rel=0.005)
