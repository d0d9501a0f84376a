"""Instruments report every result with its place, in order, and change no bit."""

import numpy as np
import pytest

from sweep.nn.initializers import normal
from sweep.nn.instruments import observe
from sweep.nn.layer import Call, OuterProduct
from sweep.nn.layers.affine import affine
from sweep.nn.layers.batch_norm import RunningStatistics, batch_norm
from sweep.nn.layers.dropout import dropout
from sweep.nn.losses import LOSSES, loss_work, positions
from sweep.nn.network import Network, chain
from tests.nn.layer_setup import with_ones

ORDER = ["hidden/input", "hidden/forward", "norm/input", "norm/forward", "drop/input", "drop/forward"]
ORDER += ["output/input", "output/forward", "loss", "output/backward", "drop/backward", "norm/backward"]
ORDER += ["hidden/backward"]


def network():
    weights = normal(std=1)
    layers = {"hidden": affine(4, weights, weights), "norm": batch_norm(), "drop": dropout(0.5)}
    return Network({**layers, "output": affine(3, weights, weights)}, LOSSES["cross_entropy"]["softmax"])


def copied(tree):
    if isinstance(tree, tuple | list):
        return [copied(member) for member in tree]
    return np.array(tree) if isinstance(tree, np.ndarray) else tree


def run(net):
    """One step forward and backward; return all that it gives."""
    rng = np.random.default_rng(0)
    x, targets = with_ones(rng.normal(size=(5, 8))), positions(rng.integers(0, 3, 8), 8)
    layers = chain(net.layers)
    params, states = layers.init(rng, (5,), x.dtype)
    work = layers.work((5,), 8, x.dtype)
    y, states, cache = layers.forward(params, states, x, work, Call(True, rng))
    logits = copied(y[:-1])
    value, dy = net.loss(y[:-1], targets, loss_work(3, 8, x.dtype))
    dy = copied(dy)
    return logits, value, dy, copied(states), copied(layers.backward(params, cache, dy, work, False)[1])


def reports():
    seen = []
    results = run(observe(network(), lambda place, *arrays: seen.append((place, arrays, copied(arrays)))))
    return seen, results


def test_every_result_is_reported_in_the_order_of_computation():
    seen, _ = reports()
    assert [place for place, _, _ in seen] == ORDER


def test_what_is_reported_is_what_was_computed():
    seen, (logits, value, dy, _, gradients) = reports()
    then = {place: arrays for place, _, arrays in seen}
    np.testing.assert_array_equal(then["output/forward"][0][:-1], logits)
    assert then["loss"][0] == value
    np.testing.assert_array_equal(then["loss"][1], dy)
    np.testing.assert_array_equal(then["norm/backward"][1], gradients[1])
    assert then["hidden/backward"][0] is None  # nobody needs the gradient of the data
    types = {place: [type(result) for result in arrays] for place, arrays, _ in seen}
    assert types["norm/forward"] == [np.ndarray, RunningStatistics]
    assert types["output/backward"] == [np.ndarray, OuterProduct]


def test_a_layer_takes_what_the_one_below_gives():
    seen, _ = reports()
    then = {place: arrays for place, _, arrays in seen}
    for below, above in [("hidden", "norm"), ("norm", "drop"), ("drop", "output")]:
        np.testing.assert_array_equal(then[f"{below}/forward"][0], then[f"{above}/input"][0])


def test_observing_changes_no_bit_and_not_the_network():
    net = network()
    before = dict(net.layers)
    observed = run(observe(net, lambda place, *arrays: None))
    np.testing.assert_equal(observed, run(net))
    assert net.layers == before


def test_a_network_can_be_observed_twice():
    first, second = [], []
    net = observe(observe(network(), lambda place, *_: first.append(place)), lambda place, *_: second.append(place))
    run(net)
    assert first == second == ORDER


def test_an_exception_of_the_observer_ends_the_computation():
    seen = []

    def stop(place, *results):
        seen.append(place)
        if place == "norm/forward":
            raise KeyError(place)

    with pytest.raises(KeyError, match="norm/forward"):
        run(observe(network(), stop))
    assert seen == ORDER[:4]
