"""Networks for the tests of the gradient check, with and without faults planted in them."""

import numpy as np

from sweep.nn.gradient_check import check
from sweep.nn.initializers import he_variance, normal, scaled_normal
from sweep.nn.layers.activations import leaky_relu, relu, tanh
from sweep.nn.layers.affine import affine
from sweep.nn.layers.batch_norm import batch_norm
from sweep.nn.layers.convolution import convolution
from sweep.nn.layers.dropout import dropout
from sweep.nn.layers.pooling import max_pool
from sweep.nn.layers.reshaping import flatten, image
from sweep.nn.losses import LOSSES
from sweep.nn.network import Network
from sweep.records import Seeds
from tests.nn.numerical_gradients import dense

SEEDS = Seeds(weights=1, shuffling=2, dropout=3)
CROSS_ENTROPY = LOSSES["cross_entropy"]["softmax"]
HE, SPREAD = scaled_normal(he_variance)(), normal(std=0.1)
IMAGES = (2, 6, 5)
CLASSES = 3
CLEARLY_RIGHT = 1e-9


def dense_layer(units, weights=HE, biases=SPREAD):
    return affine(units, weights, biases)


def filters(count, kernel=3, stride=1, weights=HE, biases=SPREAD):
    return convolution(count, kernel, stride, kernel // 2, weights=weights, biases=biases)


def network(loss=CROSS_ENTROPY, **layers):
    """A network of named layers and an affine one that gives the logits."""
    return Network({**layers, "output": dense_layer(CLASSES)}, loss)


def batch(features, samples=5, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(features, samples)), rng.integers(0, CLASSES, samples)


def run(net, features=7, seeds=SEEDS, x=None, samples=20, **options):
    """Check a network; return its findings by (layer, parameter)."""
    made_up, labels = batch(features)
    findings = check(net, made_up if x is None else x, labels, seeds, samples=samples, **options)
    return {(finding.layer, finding.parameter): finding for finding in findings}


def verdicts(findings):
    return {finding.verdict for finding in findings.values()}


def everything():
    """A network with every kind of layer, kinks among them."""
    return network(
        image=image(IMAGES),
        convolution=filters(3),
        channels=batch_norm("channel"),
        leaky=leaky_relu(0.2),
        pool=max_pool(2),
        strided=filters(2, kernel=2, stride=2),
        features=batch_norm("feature", statistics="cumulative"),
        relu=relu(),
        flat=flatten(),
        dropout=dropout(0.25),
        hidden=dense_layer(6),
        normalized=batch_norm("feature"),
        tanh=tanh(),
    )


PARTS = {  # the parameters of `everything`
    **dict.fromkeys(["convolution", "strided", "hidden", "output"], ("weights", "biases")),
    **dict.fromkeys(["channels", "features", "normalized"], ("gamma", "beta")),
}
TRUE_ZEROS = [("convolution", "biases"), ("strided", "biases"), ("hidden", "biases")]
"""The biases that a batch normalization takes away again."""


def assert_right(findings):
    assert verdicts(findings) == {"OK"}
    assert all(0 <= finding.error < CLEARLY_RIGHT for finding in findings.values())


def faulty(layer, change):
    """A layer whose gradient of its parameters is changed by `change(gradient)`, in place."""

    def backward(params, cache, dy, work, need_dx):
        dx, gradient = layer.backward(params, cache, dy, work, need_dx)
        gradient = np.array(dense(gradient))
        change(gradient)
        return dx, gradient

    return layer._replace(backward=backward)


def leaking(layer, change):
    """A layer whose gradient of its input is `change(dx)`."""

    def backward(params, cache, dy, work, need_dx):
        dx, gradient = layer.backward(params, cache, dy, work, need_dx)
        return None if dx is None else change(dx), gradient

    return layer._replace(backward=backward)


def times(factor, part):
    """Multiply the gradient of one part: biases and beta are the last column."""
    columns = np.s_[:, -1] if part in ("biases", "beta") else np.s_[:, :-1]

    def change(gradient):
        gradient[columns] *= factor

    return change


def plant(net, name, layer):
    return Network({**net.layers, name: layer}, net.loss)
