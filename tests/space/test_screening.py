"""The model of results: its scores, its fit beside scikit-learn's, and what it lets through."""

import math
import subprocess
import sys

import numpy as np
import pytest
from sklearn.linear_model import Ridge, RidgeCV

from sweep.metrics import Objective
from sweep.space.coordinates import from_uniform, slots
from sweep.space.samplers.adaptive import Result
from sweep.space.samplers.base import random_point
from sweep.space.screening import (
    PENALTIES,
    Model,
    accepted,
    features,
    fit,
    normal_scores,
    ridge,
    threshold,
    uniform_draws,
)
from sweep.space.trees import draw, parse_tree

LARGER, SMALLER = Objective(), Objective("rmse", "min")
TREE = parse_tree({"x": {"uniform": [0, 1]}, "y": {"uniform": [0, 1]}})
PLACES = slots(TREE)


def results(count, value, seed=0):
    rows = np.random.default_rng(seed).random((count, 2)).tolist()
    return [Result(number, {"x": x, "y": y}, value(x, y)) for number, (x, y) in enumerate(rows)]


def peak(x, y):
    return -((x - 0.8) ** 2) - (y - 0.3) ** 2


def test_normal_scores_by_hand():
    outcomes = [(0.5, None), (None, None), (0.9, 6), (0.7, 3), (0.5, None), (0.6, None)]
    found = normal_scores([Result(i, {}, v, s) for i, (v, s) in enumerate(outcomes)], LARGER)
    assert np.argsort(found, kind="stable").tolist() == [1, 3, 2, 0, 4, 5]
    assert found[0] == found[4]
    assert found[1] == pytest.approx(-1.38299, abs=1e-5)  # the normal quantile of 1/12
    assert found[5] == pytest.approx(1.38299, abs=1e-5)


def test_normal_scores_follow_the_direction():
    few = [Result(0, {}, 1.0), Result(1, {}, 2.0)]
    assert normal_scores(few, SMALLER).tolist() == normal_scores(few, LARGER).tolist()[::-1]


@pytest.mark.parametrize("shape", [(30, 5), (12, 40)])
def test_the_ridge_is_that_of_scikit_learn(shape):
    rng = np.random.default_rng(1)
    table = rng.normal(size=shape)
    table -= table.mean(axis=0)
    target = table[:, 0] - table[:, 1] + rng.normal(size=shape[0])
    target -= target.mean()
    reference = RidgeCV(PENALTIES, fit_intercept=True).fit(table, target)
    np.testing.assert_allclose(ridge(table, target), reference.coef_, rtol=1e-8, atol=1e-10)


def test_leave_one_out_errors_choose_the_penalty():
    rng = np.random.default_rng(2)
    table = rng.normal(size=(15, 6))
    table -= table.mean(axis=0)
    target = table[:, 0] + 0.3 * rng.normal(size=15)
    target -= target.mean()

    def error(penalty):
        rows = np.arange(15)
        fits = [Ridge(penalty).fit(table[rows != i], target[rows != i]).predict(table[i : i + 1])[0] for i in rows]
        return np.mean((target - fits) ** 2)

    best = min(PENALTIES, key=error)
    np.testing.assert_allclose(ridge(table, target), Ridge(best).fit(table, target).coef_, rtol=1e-8)


def test_features_are_columns_squares_and_products():
    base = {"x": np.array([2.0]), "c=a": np.array([0.7]), "c=b": np.array([0.0]), "d=a": np.array([0.7])}
    found = {name: float(column[0]) for name, column in features(base)}
    assert list(found) == ["x", "c=a", "c=b", "d=a", "x^2", "x * c=a", "x * c=b", "x * d=a", "c=a * d=a", "c=b * d=a"]
    assert found["x^2"] == 4
    assert found["x * c=a"] == pytest.approx(1.4)


@pytest.mark.parametrize(("objective", "sign"), [(LARGER, 1), (SMALLER, -1)])
def test_accepted_points_lie_about_the_optimum(objective, sign):
    model = fit(PLACES, results(40, lambda x, y: sign * peak(x, y)), objective)
    model = Model(model.intercept, model.coefficients, threshold(model, PLACES, 0, 40, 0.01))
    points = []
    for trial in range(40, 70):
        drawn = {}
        draw(TREE, accepted(model, PLACES, 0, trial, 1000, set()), drawn)
        points.append(drawn)
    assert max(abs(point["x"] - 0.8) for point in points) < 0.2
    assert max(abs(point["y"] - 0.3) for point in points) < 0.2
    assert len({point["x"] for point in points}) == 30


def test_the_kept_share_of_uniform_points_reaches_the_threshold():
    model = fit(PLACES, results(40, peak), LARGER)
    least = threshold(model, PLACES, 3, 40, 0.05)
    rng = np.random.default_rng(0)
    scores = model.scores(PLACES, rng.random((20_000, 2)))
    assert np.mean(scores >= least) == pytest.approx(0.05, abs=0.025)  # that of 800 points


def test_a_score_does_not_depend_on_the_points_beside_it():
    model = fit(PLACES, results(40, peak), LARGER)
    rows = np.random.default_rng(0).random((101, 2))
    together = model.scores(PLACES, rows)
    assert [float(model.scores(PLACES, row[np.newaxis])[0]) for row in rows] == together.tolist()


def test_the_best_attempt_stands_in_where_none_is_accepted():
    model = Model(0.0, {"x": 1.0}, math.inf)
    drawn = {}
    draw(TREE, accepted(model, PLACES, 0, 7, 300, set()), drawn)
    assert drawn["x"] == uniform_draws(PLACES, 0, 7, "attempt", range(300))["x"].max()


def test_the_first_attempt_is_taken_that_is_accepted():
    model = Model(0.0, {"x": 1.0}, 0.9)
    drawn = {}
    draw(TREE, accepted(model, PLACES, 0, 7, 300, set()), drawn)
    numbers = uniform_draws(PLACES, 0, 7, "attempt", range(300))["x"]
    assert drawn["x"] == next(u for u in numbers if 2 * u - 1 >= 0.9)


def test_many_numbers_are_the_single_ones():
    numbers = uniform_draws(PLACES, 5, 9, "attempt", range(20))
    assert numbers["y"].tolist() == [random_point(5, 9, f"y|attempt {number}") for number in range(20)]
    assert from_uniform(PLACES, numbers).shape == (20, 2)


@pytest.mark.parametrize("few", [[], [Result(0, {"x": 0.5, "y": 0.5}, 1.0)]])
def test_there_is_no_model_of_too_few_results(few):
    assert fit(PLACES, few, LARGER) is None


@pytest.mark.parametrize("value", [None, 0.5])
def test_there_is_no_model_of_results_that_do_not_differ(value):
    assert fit(PLACES, results(20, lambda x, y: value), LARGER) is None


def test_the_order_of_results_does_not_matter():
    known = results(40, peak)
    assert fit(PLACES, known[::-1], LARGER) == fit(PLACES, known, LARGER)


PROGRAM = """
import sys
from tests.space.test_screening import LARGER, PLACES, fit, peak, results
print(sorted(fit(PLACES, results(60, peak), LARGER).coefficients.items()))
"""


def test_other_processes_and_thread_counts_give_the_same_bits():
    def output(threads):
        environment = {"OPENBLAS_NUM_THREADS": threads, "PYTHONPATH": ":".join(filter(None, sys.path))}
        return subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, check=True).stdout

    assert output("1") == output("2")
