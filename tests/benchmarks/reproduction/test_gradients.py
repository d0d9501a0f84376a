"""The gradient checks of the documents, on digits."""

import numpy as np
import pytest

from benchmarks.reproduction.gradients import Point, mean_differences, point_of, relative_differences
from sweep.experiment.file import parse

SMALL = """
name = "small"
trials = 1
[data]
dataset = "digits"
normalization = "min_max"
[network]
hidden = [6]
activation = "sigmoid"
output = "softmax"
[training]
epochs = 1
batch_size = 10
optimizer = { kind = "sgd", learning_rate = 0.1 }
loss = "cross_entropy"
"""


@pytest.fixture(scope="module")
def experiment():
    """A perceptron small enough to move each of its parameters."""
    return parse(SMALL, "small.toml")


def test_both_gradients_agree(experiment):
    found = mean_differences(experiment, None, 3)
    assert found["entries"].tolist() == [65 * 6, 7 * 10]
    assert (found["mean difference"] < 1e-8).all()
    assert (found["images"] == 3).all()


def test_descent_lowers_the_loss_and_keeps_them_together(experiment):
    found = relative_differences(experiment, None, 5, 3, 0.5)
    assert found["loss"].is_monotonic_decreasing
    assert (found["relative difference"] < 1e-7).all()


def test_a_wrong_gradient_is_seen(experiment, monkeypatch):
    right = Point.gradient
    monkeypatch.setattr(Point, "gradient", lambda self: right(self) * 1.001)
    assert (relative_differences(experiment, None, 5, 1, 0.5)["relative difference"] > 1e-4).all()


def test_the_images_are_the_first_ones_normalized(experiment):
    point = point_of(experiment, None, 4)
    assert point.x.shape == (64, 4)
    assert 0 <= point.x.min() < point.x.max() <= 1
    assert np.isfinite(point.loss())
