"""The batched training beside single networks of `sweep.nn`, and beside what theory knows of linear ones."""

import numpy as np
import pytest

from sweep.analysis import trainability
from sweep.analysis.trainability import Axis, Problem, losses, outcome, train_map
from sweep.nn.layers.activations import ACTIVATIONS
from tests.analysis.single_networks import single_losses

FEATURES, CLASSES, SAMPLES, STEPS = 4, 3, 12, 100


def problem(kind="tanh", loss="cross_entropy", hidden=(6,), outputs=CLASSES, **fixed):
    rng = np.random.default_rng(5)
    inputs = np.vstack([rng.normal(size=(FEATURES, SAMPLES)), np.ones(SAMPLES)])
    labels = np.arange(SAMPLES) % outputs
    if outputs == 1:
        targets = rng.normal(size=(1, SAMPLES))
    else:
        targets = labels if loss == "cross_entropy" else (np.arange(outputs)[:, None] == labels).astype(float)
    widths = [FEATURES, *hidden, outputs]
    shapes = zip(widths[1:], widths[:-1], strict=True)
    weights = tuple(np.hstack([rng.normal(size=shape), 0.1 * rng.normal(size=(shape[0], 1))]) for shape in shapes)
    return Problem(inputs, targets, loss, weights, ACTIVATIONS[kind], {"learning_rate": 0.1, **fixed})


def assert_agree(batched, single):
    """Check the losses of some networks, (steps, networks), up to the first that is not finite."""
    assert batched.shape == single.shape
    np.testing.assert_array_equal(np.isfinite(batched), np.isfinite(single))
    is_finite = np.isfinite(single)
    np.testing.assert_allclose(batched[is_finite], single[is_finite], rtol=1e-10, atol=0)


def batch(made, values, steps=STEPS):
    with np.errstate(all="ignore"):
        return np.array([*losses(made, values, steps)])


def rates(rng, count, low=1e-2, high=1e2):
    return np.exp(rng.uniform(np.log(low), np.log(high), count))


def test_100_random_points_have_the_losses_of_single_networks():
    made, rng = problem("leaky_relu", hidden=(6, 5), alpha=0.1), np.random.default_rng(0)
    rate, std = rates(rng, 100), rates(rng, 100, 0.05, 2)
    found = batch(made, {"learning_rate": rate, "std": std})
    single = [
        single_losses(made, "leaky_relu", STEPS, learning_rate=r, std=s, alpha=0.1)
        for r, s in zip(rate, std, strict=True)
    ]
    assert_agree(found, np.transpose(single))
    blown_up = ~np.isfinite(found[-1])
    assert 10 < blown_up.sum() < 90  # else one of both ends is not tested


def test_momentum_and_the_squared_error():
    made, rng = problem(loss="mean_squared_error", momentum=0.5), np.random.default_rng(1)
    rate, speed = rates(rng, 20), rng.uniform(0, 0.95, 20)
    found = batch(made, {"learning_rate": rate, "momentum": speed})
    single = [single_losses(made, "tanh", STEPS, learning_rate=r, speed=s) for r, s in zip(rate, speed, strict=True)]
    assert_agree(found, np.transpose(single))


def test_an_axis_of_slopes():
    made, rng = problem("leaky_relu", hidden=(6, 5)), np.random.default_rng(2)
    rate, alpha = rates(rng, 20), rng.uniform(0, 1, 20)
    found = batch(made, {"learning_rate": rate, "alpha": alpha})
    single = [
        single_losses(made, "leaky_relu", STEPS, learning_rate=r, alpha=a) for r, a in zip(rate, alpha, strict=True)
    ]
    assert_agree(found, np.transpose(single))


@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_every_activation_and_regression(kind):
    # At larger rates training is chaotic and enlarges the rounding of a product of one row.
    made, rate = problem(kind, "mean_squared_error", outputs=1), np.array([0.001, 0.01, 0.05, 0.1])
    single = [single_losses(made, kind, 30, learning_rate=r) for r in rate]
    assert_agree(batch(made, {"learning_rate": rate}, 30), np.transpose(single))


def limit(made):
    """The learning rate from which on gradient descent on a linear network is unstable: 2/λ, of the largest eigenvalue.

    The Hessian of mean((W [x; 1] − t)²) is 2/(samples · outputs) Σ [x; 1][x; 1]ᵀ for each output.
    """
    largest = np.linalg.svd(made.inputs, compute_uv=False)[0] ** 2
    return made.targets.size / largest


def test_the_boundary_of_a_linear_network_is_where_theory_has_it():
    made = problem(loss="mean_squared_error", hidden=())
    x, y = Axis("learning_rate", limit(made) / 2, limit(made) * 2, True), Axis("std", 0.5, 2, True)
    found = train_map(made, x, y, 20, 600)
    np.testing.assert_array_equal(found.converged, np.tile(x.values(20) < limit(made), (20, 1)))


def test_momentum_moves_that_boundary_by_one_plus_momentum():
    made = problem(loss="mean_squared_error", hidden=())
    x, y = Axis("learning_rate", limit(made) / 2, limit(made) * 4, True), Axis("momentum", 0, 0.8, False)
    found = train_map(made, x, y, 24, 600)
    ratio = x.values(24) / (limit(made) * (1 + y.values(24)[:, None]))  # Polyak 1964
    clear = np.abs(ratio - 1) > 0.02
    np.testing.assert_array_equal(found.converged[clear], (ratio < 1)[clear])


def test_an_outcome_is_told_by_the_first_and_the_last_losses():
    steps = 40
    halving, constant = 0.5 ** np.arange(steps), np.ones(steps)
    doubling, lost = 2.0 ** np.arange(steps), np.where(np.arange(steps) == 5, np.nan, 0.5)
    early, late = np.where(np.arange(steps) < 20, 30.0, 0.1), np.where(np.arange(steps) < 20, 0.1, 3.0)
    early[0] = late[0] = 1
    rows = np.stack([halving, constant, doubling, lost, early, late, 0 * constant], 1)
    with np.errstate(all="ignore"):
        found = outcome(iter(7 * rows), steps)
    assert found.converged.tolist() == [True, False, False, False, True, False, False]
    expected = [2, steps, 2, 5, 1 + 19 * 30 + 20 * 0.1, 1 + 19 / 0.1 + 20 / 3, 0]
    np.testing.assert_allclose(found.duration, expected, rtol=1e-6)


def test_a_point_does_not_depend_on_workers_and_groups(monkeypatch):
    made = problem("leaky_relu", hidden=(6,), alpha=0.1)
    axes = Axis("learning_rate", 0.1, 50, True), Axis("std", 0.1, 2, True)
    one = train_map(made, *axes, 12, 50, workers=1)
    assert one.converged.any()
    assert not one.converged.all()
    monkeypatch.setattr(trainability, "NETWORKS", 7)
    told = []
    other = train_map(made, *axes, 12, 50, workers=2, progress=lambda done, total: told.append((done, total)))
    np.testing.assert_array_equal(other.converged, one.converged)
    np.testing.assert_array_equal(other.duration, one.duration)
    assert told == [(number, 21) for number in range(1, 22)]


def test_an_axis_has_the_centers_of_its_cells():
    np.testing.assert_allclose(Axis("alpha", 0, 1, False).values(4), [0.125, 0.375, 0.625, 0.875])
    np.testing.assert_allclose(Axis("std", 0.01, 100, True).values(2), [0.1, 10])
