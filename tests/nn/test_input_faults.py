"""The check of inputs finds faults in regions and at kinks that the check of a network does not reach."""

import math

import numpy as np
import pytest

from sweep.nn.input_check import check_inputs
from sweep.nn.layers.activations import ACTIVATIONS, elementwise, relu, sigmoid, softplus, swish
from sweep.nn.layers.pooling import max_pool
from sweep.nn.layers.reshaping import flatten, image
from sweep.nn.losses import LOSSES
from sweep.nn.network import Network
from sweep.nn.penalties import Penalty
from sweep.nn.regression import REGRESSION_LOSSES, numbers
from sweep.records import Seeds
from tests.nn.gradient_check_setup import (
    CLASSES,
    CROSS_ENTROPY,
    IMAGES,
    SEEDS,
    dense_layer,
    everything,
    filters,
    leaking,
    network,
    plant,
    run,
    verdicts,
)

REGRESSION_TARGETS = np.random.default_rng(0).normal(size=5)


def inputs(net, features=7, targets=range(CLASSES), penalty=None, seeds=SEEDS):
    """Check the inputs of a network; return the findings by the names of layers."""
    shape = features if isinstance(features, tuple) else (features,)
    return {each.layer: each for each in check_inputs(net, shape, np.array(targets), seeds, penalty)}


def regression(loss):
    return Network({"hidden": dense_layer(6), "output": dense_layer(1)}, loss, numbers)


def assert_found(net, name, **options):
    """Only this function is a problem, and the check of the network does not find it."""
    findings = inputs(net, **options)
    assert findings.pop(name).verdict == "PROBLEM"
    assert verdicts(findings) <= {"OK"}


# What is right


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_is_right(name, seed):
    findings = inputs(network(activation=ACTIVATIONS[name]()), seeds=Seeds(1, seed, 3))
    assert verdicts(findings) == {"OK"}
    assert findings["activation"].checked >= 30
    assert findings["activation"].error <= 1e-7


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("name", "output"), [(name, output) for name in LOSSES for output in LOSSES[name]])
def test_every_loss_is_right(name, output, seed):
    finding = inputs(network(LOSSES[name][output]), seeds=Seeds(1, seed, 3))["loss"]
    assert (finding.verdict, finding.parameter, finding.shape) == ("OK", "input", (CLASSES, 80))
    assert finding.checked >= 50


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", REGRESSION_LOSSES)
def test_every_loss_of_regression_is_right(name, seed):
    net = regression(REGRESSION_LOSSES[name])
    finding = inputs(net, targets=REGRESSION_TARGETS, seeds=Seeds(1, seed, 3))["loss"]
    assert finding.verdict == "OK"
    assert finding.checked >= 50


@pytest.mark.parametrize("seed", range(5))
def test_a_network_of_all_layers_is_right(seed):
    net = everything()
    findings = inputs(net, math.prod(IMAGES), penalty=Penalty(0.01, 0.1), seeds=Seeds(1, seed, 3))
    weights = ("convolution", "strided", "hidden", "output")
    assert [*findings] == [*(name for name in net.layers if name not in weights), "loss", "penalty"]
    assert verdicts(findings) == {"OK"}


def test_the_same_network_has_the_same_findings():
    assert inputs(everything(), math.prod(IMAGES)) == inputs(everything(), math.prod(IMAGES))


# Regions


def clipped(x, y, slope):
    """min(max(x, 0), 6) with the slope of relu."""
    np.clip(x, 0, 6, out=y)
    np.greater(x, 0, out=slope)


def gelu(x, y, slope):
    """x·Φ(x) as x·sigmoid(1.702·x), which takes the slope for 0 below −5."""
    s = 1 / (1 + np.exp(-1.702 * x))
    slope[...] = np.where(x < -5, 0, s + 1.702 * x * s * (1 - s))
    np.multiply(x, s, out=y)


def replacing(layer, where, value):
    """An activation whose slope is `value` where its input fulfils a condition."""

    def forward(params, state, x, work, call):
        y, state, slope = layer.forward(params, state, x, work, call)
        slope[where(x[:-1])] = value
        return y, state, slope

    return layer._replace(forward=forward)


FAR = {
    "clipped": elementwise(clipped),
    "gelu": elementwise(gelu),
    "sigmoid": replacing(sigmoid(), lambda x: x > 20, 0.25),
    "sigmoid below": replacing(sigmoid(), lambda x: x < -20, 1e-8),
    "softplus": replacing(softplus(), lambda x: x > 15, 0),
    "softplus below": replacing(softplus(), lambda x: x < -15, 0),
    "swish": replacing(swish(), lambda x: x > 30, 0.999),
    "swish below": replacing(swish(), lambda x: x < -12, 0),
    "tiny": replacing(softplus(), lambda x: np.abs(x) < 2**-9, 0.6),
}


@pytest.mark.parametrize("layer", FAR.values(), ids=FAR)
def test_a_wrong_slope_far_from_the_inputs_of_the_network_is_a_problem(layer):
    net = network(hidden=dense_layer(6), activation=layer)
    assert verdicts(run(net)) == {"OK"}
    findings = inputs(net)
    assert findings.pop("activation").verdict == "PROBLEM"
    assert verdicts(findings) == {"OK"}


def test_a_loss_that_is_clipped_with_a_gradient_that_is_not_is_a_problem():
    """A published article replaces probabilities below 1e-7 in this way."""

    def loss(logits, positions, work):
        _, gradient = CROSS_ENTROPY(logits, positions, work)
        shifted = logits - logits.max(0)
        p = np.exp(shifted) / np.exp(shifted).sum(0)
        return float(-np.log(np.maximum(p.reshape(-1)[positions], 1e-7)).mean()), gradient

    net = network(loss, hidden=dense_layer(6))
    assert verdicts(run(net)) == {"OK"}
    assert inputs(net)["loss"].verdict == "PROBLEM"


def test_a_gradient_that_is_clipped_with_a_loss_that_is_not_is_a_problem():
    right = REGRESSION_LOSSES["mean_squared_error"]

    def loss(outputs, targets, work):
        value, gradient = right(outputs, targets, work)
        return value, np.clip(gradient, -20 / len(targets), 20 / len(targets))

    assert inputs(regression(loss), targets=REGRESSION_TARGETS)["loss"].verdict == "PROBLEM"


def test_a_huber_loss_whose_gradient_is_not_clipped_is_a_problem():
    right = REGRESSION_LOSSES["huber"]

    def loss(outputs, targets, work):
        return right(outputs, targets, work)[0], (outputs - targets) / len(targets)

    assert inputs(regression(loss), targets=REGRESSION_TARGETS)["loss"].verdict == "PROBLEM"


class ClippedL2(Penalty):
    def add_gradient(self, weights, gradient):
        gradient += self.l2 * np.clip(weights, -3, 3)


class WrongSignOfSmall(Penalty):
    def add_gradient(self, weights, gradient):
        gradient += self.l1 * np.clip(weights / 1e-2, -1, 1)


class LargeSignOfZero(Penalty):
    def add_gradient(self, weights, gradient):
        gradient += self.l1 * np.where(weights, np.sign(weights), 3)


@pytest.mark.parametrize("penalty", [ClippedL2(0, 0.1), WrongSignOfSmall(0.1, 0), LargeSignOfZero(0.1, 0)])
def test_a_penalty_that_is_wrong_for_some_sizes_is_a_problem(penalty):
    net = network(hidden=dense_layer(6))
    finding = inputs(net, penalty=penalty)["penalty"]
    assert (finding.parameter, finding.verdict) == ("weights", "PROBLEM")
    assert "penalty" not in inputs(net)


# Kinks and ties


@pytest.mark.parametrize("slope", [-0.1, 1.1, math.nan, math.inf])
def test_a_slope_beyond_both_sides_of_a_kink_is_a_problem(slope):
    assert_found(network(relu=replacing(relu(), lambda x: x == 0, slope)), "relu")


@pytest.mark.parametrize("slope", [0, 0.5, 1])
def test_each_slope_between_both_sides_of_a_kink_is_right(slope):
    assert inputs(network(relu=replacing(relu(), lambda x: x == 0, slope)))["relu"].verdict == "OK"


def test_a_gradient_of_an_error_of_0_that_is_not_between_both_sides_is_a_problem():
    right = REGRESSION_LOSSES["mean_absolute_error"]

    def loss(outputs, targets, work):
        value, gradient = right(outputs, targets, work)
        return value, np.where(outputs == targets, 2 / len(targets), gradient)

    assert inputs(regression(loss), targets=REGRESSION_TARGETS)["loss"].verdict == "PROBLEM"


def pooling(choose):
    """Max pooling by 2 whose gradient of a window goes where `choose(pixels == maximum)`, windows last, says."""
    layer = max_pool(2)

    def windows(x):
        rows, channels, columns, samples = x.shape
        split = x.reshape(rows // 2, 2, channels, columns // 2, 2, samples)
        return np.moveaxis(split, (1, 4), (0, 1)).reshape(4, -1), split.shape

    def backward(params, cache, dy, work, need_dx):
        pixels, _ = windows(cache)
        shares = choose(pixels == pixels.max(0)) * dy.reshape(-1)
        rows, channels, columns, samples = dy.shape
        parts = shares.reshape(2, 2, rows, channels, columns, samples)
        return np.moveaxis(parts, (0, 1), (1, 4)).reshape(cache.shape), None

    return layer._replace(backward=backward, reuse=lambda work, x: work)


def first(equal):
    return np.arange(4)[:, None] == equal.argmax(0)


def other_where_tied(equal):
    """The pixel after the first maximum, where there are several."""
    return np.where(equal.sum(0) > 1, np.roll(first(equal), 1, axis=0) & ~equal | first(~equal), first(equal))


POOLS = {
    "the first": (first, "OK"),
    "the last": (lambda equal: first(equal[::-1])[::-1], "OK"),
    "all, in parts": (lambda equal: equal / equal.sum(0), "OK"),
    "all": (lambda equal: equal.astype(float), "PROBLEM"),
    "none": (lambda equal: equal * (equal.sum(0) == 1), "PROBLEM"),
    "another": (other_where_tied, "PROBLEM"),
}


@pytest.mark.parametrize(("choose", "verdict"), POOLS.values(), ids=POOLS)
def test_where_the_gradient_of_equal_maxima_goes(choose, verdict):
    shape = (1, 4, 4)
    net = network(image=image(shape), convolution=filters(2), pool=pooling(choose), flat=flatten())
    assert verdicts(run(net, math.prod(shape))) == {"OK"}
    assert inputs(net, math.prod(shape))["pool"].verdict == verdict


def test_a_fault_is_named_where_it_is():
    net = everything()
    wrong = plant(net, "leaky", leaking(net.layers["leaky"], lambda dx: dx * 1.001))
    findings = inputs(wrong, math.prod(IMAGES))
    assert {name for name, finding in findings.items() if finding.verdict == "PROBLEM"} == {"leaky"}
