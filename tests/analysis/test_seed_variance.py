"""The variance of accuracies over seeds: the part of the finite test set, and the rest."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sweep.analysis.seed_variance import pooled, seed_variance


@given(arrays(bool, st.tuples(st.integers(2, 6), st.integers(2, 6))))
def test_it_is_the_mean_covariance_of_two_examples(correct):
    found = seed_variance(correct)
    covariances = np.cov(correct.T, ddof=1).reshape(correct.shape[1], -1)
    pairs = [covariances[i, j] for i, j in itertools.permutations(range(correct.shape[1]), 2)]
    assert found.true == pytest.approx(np.mean(pairs), abs=1e-12)
    assert found.total == pytest.approx(np.var(correct.mean(axis=1), ddof=1))
    assert found.true + found.test_set == pytest.approx(found.total)


def test_trainings_that_all_have_one_accuracy_on_the_distribution_differ_by_the_test_set_alone():
    rng = np.random.default_rng(0)
    found = [seed_variance(rng.random((8, 500)) < 0.9) for _ in range(200)]
    assert np.mean([each.true for each in found]) == pytest.approx(0, abs=1e-6 + 2e-5)
    assert np.mean([each.test_set for each in found]) == pytest.approx(0.9 * 0.1 / 500, rel=0.05)


def test_what_is_planted_is_found():
    rng = np.random.default_rng(1)
    found = []
    for _ in range(300):
        accuracies = 0.9 + 0.02 * rng.normal(size=10)
        found.append(seed_variance(rng.random((10, 400)) < accuracies[:, None]))
    assert np.mean([each.true for each in found]) == pytest.approx(0.02**2, rel=0.1)
    assert np.mean([each.total for each in found]) == pytest.approx(0.02**2 + 0.09 / 400, rel=0.1)


def test_all_right_is_no_variance():
    found = seed_variance(np.ones((3, 9), bool))
    assert (found.total, found.true, found.true_deviation) == (0, 0, 0)


def test_several_configurations_are_weighted_by_their_trainings():
    rng = np.random.default_rng(0)
    one, other = seed_variance(rng.random((3, 50)) < 0.5), seed_variance(rng.random((5, 50)) < 0.8)
    both = pooled([one, other])
    assert both.total == pytest.approx((2 * one.total + 4 * other.total) / 6)
    assert (both.trainings, both.examples) == (8, 50)
    assert pooled([]) is None


@pytest.mark.parametrize("shape", [(1, 9), (9, 1), (0, 9)])
def test_too_little_is_refused(shape):
    with pytest.raises(ValueError, match="at least 2 trainings on 2 examples"):
        seed_variance(np.ones(shape, bool))
