"""Shares of dead and saturated units, beside a forward pass by hand."""

from dataclasses import replace

import numpy as np
import pytest

from sweep.nn.initializers import INITIALIZERS, normal
from sweep.nn.layers import activations
from sweep.nn.layers.affine import affine
from sweep.nn.layers.convolution import convolution
from sweep.nn.layers.reshaping import flatten, image
from sweep.nn.losses import LOSSES
from sweep.nn.network import Network
from sweep.training.dead_units import SAMPLES, dead_shares, is_saturating
from sweep.training.loop import NetworkTrainer
from tests.training.training_setup import blobs, network, settings


def trainer_of(activation=activations.relu, *, hidden=(5, 4), std=None, dataset=None):
    weights = None if std is None else normal(0, std)
    data = dataset or blobs()
    return NetworkTrainer(data, settings(data, network(hidden, activation, weights)))


def inputs(trainer):
    """All training samples as the network takes them, with their row of ones."""
    x = trainer.settings.normalization
    rows = np.empty(trainer.dataset.train.x.shape)
    x.apply(trainer.dataset.train.x, rows)
    return np.vstack([rows.T, np.ones(len(rows))])


def by_hand(trainer, function, is_flat):
    """The shares of a perceptron's two hidden layers, computed with plain products."""
    x, shares = inputs(trainer), []
    for params in (trainer.params[0], trainer.params[2]):
        u = params @ x
        shares.append(np.mean(is_flat(u).all(axis=1)))
        x = np.vstack([function(u), np.ones(u.shape[1])])
    return shares


def test_units_of_relu_are_dead_that_give_zero_for_all_samples():
    trainer = trainer_of(hidden=(9, 8))
    trainer.params[0][:3, -1] = -100  # biases that no sample overcomes
    trainer.params[2][:6, -1] = -100
    shares = dead_shares(trainer)
    assert list(shares) == ["hidden[0]/relu", "hidden[1]/relu"]
    assert list(shares.values()) == by_hand(trainer, lambda u: np.maximum(u, 0), lambda u: u <= 0)
    assert shares["hidden[0]/relu"] >= 3 / 9
    assert shares["hidden[1]/relu"] >= 6 / 8


def test_one_sample_that_passes_a_gradient_is_enough():
    trainer = trainer_of(hidden=(1,))
    u = (trainer.params[0] @ inputs(trainer))[0]
    trainer.params[0][0, -1] -= np.sort(u)[-2] + 1e-9  # only the largest one is above 0
    assert dead_shares(trainer) == {"hidden[0]/relu": 0.0}
    trainer.params[0][0, -1] -= np.max(u) - np.sort(u)[-2]
    assert dead_shares(trainer) == {"hidden[0]/relu": 1.0}


def test_units_of_leaky_relu_never_die_unless_it_leaks_nothing():
    for alpha, share in ((0.1, 0.0), (0.0, 1.0)):
        activation = lambda alpha=alpha: activations.leaky_relu(alpha)  # noqa: E731
        activation.__name__ = "leaky_relu"
        trainer = trainer_of(activation)
        trainer.params[0][:, -1] = -100
        assert dead_shares(trainer)["hidden[0]/leaky_relu"] == share


@pytest.mark.parametrize(
    ("activation", "function", "slope"),
    [
        (activations.sigmoid, lambda u: 1 / (1 + np.exp(-u)), lambda u: 4 / (2 + np.exp(u) + np.exp(-u))),
        (activations.tanh, np.tanh, lambda u: (1 - np.tanh(u)) * (1 + np.tanh(u))),
        (activations.softsign, lambda u: u / (1 + abs(u)), lambda u: 1 / (1 + abs(u)) ** 2),
    ],
)
def test_saturated_units_count_whichever_end_they_are_at(activation, function, slope):
    trainer = trainer_of(activation, hidden=(40, 30), std=50)
    shares = list(dead_shares(trainer).values())
    assert shares == by_hand(trainer, function, lambda u: slope(u) <= 1e-3)
    assert 0 < shares[0] < 1
    assert is_saturating(f"hidden[0]/{activation.__name__}")


def test_a_fresh_network_has_hardly_any_dead_units():
    assert all(share < 0.5 for share in dead_shares(trainer_of(hidden=(40, 30))).values())
    assert dead_shares(trainer_of(activations.identity)) == {"hidden[0]/identity": 0.0, "hidden[1]/identity": 0.0}
    assert not is_saturating("hidden[0]/relu")


def test_units_of_a_step_count_that_give_the_same_for_all_samples():
    trainer = trainer_of(activations.step, hidden=(6,))
    trainer.params[0][:2, -1] = (100, -100)
    varied = np.mean([len(set(row)) == 1 for row in (trainer.params[0] @ inputs(trainer)) > 0])
    assert dead_shares(trainer) == {"hidden[0]/step": varied}
    assert varied >= 2 / 6


def test_a_unit_of_an_image_is_a_channel():
    rng_weights, zeros = INITIALIZERS["he_normal"](), INITIALIZERS["zeros"]()
    layers = {
        "image": image((1, 2, 3)),
        "layers[0]/convolution": convolution(4, 2, weights=rng_weights, biases=zeros),
        "layers[1]/relu": activations.relu(),
        "layers[2]/flatten": flatten(),
        "output": affine(3, rng_weights, zeros),
    }
    data = replace(blobs(), shape=(1, 2, 3))
    trainer = NetworkTrainer(data, settings(data, Network(layers, LOSSES["cross_entropy"]["softmax"])))
    convolved = trainer.params[1]
    convolved[:] = abs(convolved)
    assert dead_shares(trainer) == {"layers[1]/relu": 0.0}
    convolved[:1] = -abs(convolved[:1])
    assert dead_shares(trainer) == {"layers[1]/relu": 0.25}


def test_no_more_than_a_thousand_samples_are_looked_at():
    data = blobs(train=2 * SAMPLES)
    trainer = trainer_of(hidden=(3,), dataset=data)
    seen = []
    outputs = trainer.evaluation.outputs
    trainer.evaluation.outputs = lambda *args: (seen.append(args[4]), outputs(*args))[1]
    dead_shares(trainer)
    dead_shares(trainer)
    assert [len(set(rows)) for rows in seen] == [SAMPLES] * 2
    np.testing.assert_array_equal(*seen)


def test_asking_changes_no_bit_of_the_training():
    data = blobs()
    plain = list(NetworkTrainer(data, settings(data)).epochs())
    trainer, asked = NetworkTrainer(data, settings(data)), []
    for epoch in trainer.epochs():
        dead_shares(trainer)
        asked.append(epoch)
    assert [each.metrics for each in asked] == [each.metrics for each in plain]


def test_values_that_are_not_finite_are_not_dead():
    trainer = trainer_of(hidden=(4,))
    trainer.params[0][:2] = np.nan
    trainer.params[0][2:] = -np.abs(trainer.params[0][2:])
    assert dead_shares(trainer) == {"hidden[0]/relu": 0.5}
