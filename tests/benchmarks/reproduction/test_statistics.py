"""The intervals, beside figures of others and by hand."""

import numpy as np
import pytest
from scipy import stats

from benchmarks.reproduction.statistics import (
    POSITIVE,
    SHARES,
    beside,
    bootstrap_interval,
    holm,
    mcnemar,
    mean_interval,
    next_interval,
    paired,
    permutation_chance,
    rank_correlation,
    share_interval,
    welch,
)


@pytest.mark.parametrize(("successes", "number"), [(0, 20), (3, 20), (20, 20)])
def test_the_interval_of_a_share(successes, number):
    low, high = share_interval(successes, number)
    assert low == (
        0 if successes == 0 else pytest.approx(stats.beta.ppf(0.025, successes + 0.5, number - successes + 0.5))
    )
    assert high == (
        1 if successes == number else pytest.approx(stats.beta.ppf(0.975, successes + 0.5, number - successes + 0.5))
    )


def test_the_intervals_of_a_mean_and_of_one_more():
    # Mean 2, standard deviation 1, t(2, 97.5 %) = 4.3027.
    assert mean_interval([1, 2, 3]) == pytest.approx((2 - 4.3027 / 3**0.5, 2 + 4.3027 / 3**0.5), abs=1e-3)
    assert next_interval([1, 2, 3]) == pytest.approx(
        (2 - 4.3027 * (4 / 3) ** 0.5, 2 + 4.3027 * (4 / 3) ** 0.5), abs=1e-3
    )


def test_no_accuracy_is_expected_above_1():
    assert next_interval([0.99, 1.0, 0.98], SHARES) == pytest.approx(
        (0.99 - 0.01 * 4.3027 * (4 / 3) ** 0.5, 1.0), abs=1e-5
    )
    assert next_interval([0.1, 0.9], POSITIVE)[0] == 0.0


def test_one_more_is_in_its_interval_as_often_as_it_says():
    generator = np.random.default_rng(0)
    inside = [
        low <= generator.normal() <= high
        for low, high in (next_interval(generator.normal(size=4)) for _ in range(2000))
    ]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.015)


def test_whole_groups_are_resampled():
    values = np.repeat([0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0], 50)
    groups = np.arange(400).reshape(8, 50)
    low, high = bootstrap_interval(lambda rows: float(values[rows].mean()), list(groups))
    assert (low, high) == pytest.approx((1 / 8, 7 / 8), abs=0.05)  # as wide as of 8 values, not of 400


def test_alike_is_what_one_more_could_be():
    assert beside("accuracy", 0.98, [0.979, 0.981, 0.98], SHARES).is_alike
    assert not beside("accuracy", 0.9, [0.979, 0.981, 0.98], SHARES).is_alike


def test_the_interval_of_a_rank_correlation_is_as_wide_as_theory_says():
    generator = np.random.default_rng(0)
    x = generator.normal(size=400)
    y = x + generator.normal(size=400)
    value, low, high = rank_correlation(x, y)
    assert value == pytest.approx(stats.spearmanr(x, y).statistic)
    spread = np.sqrt((1 + value**2 / 2) / (400 - 3))  # of Fisher's z, by Bonett and Wright (2000)
    expected = np.tanh(np.arctanh(value) + np.array([-1.96, 1.96]) * spread)
    assert (low, high) == pytest.approx(expected, abs=0.02)


def test_the_correction_of_holm_is_that_of_its_definition():
    assert holm([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 0.09, 0.09, 0.5])
    assert holm([0.9, 0.8]) == pytest.approx([1.0, 1.0])


def test_a_difference_has_the_sign_of_the_second():
    found = welch([0.1, 0.2, 0.3], [1.1, 1.2, 1.3])
    assert (found.value, found.is_told) == (pytest.approx(1.0), True)
    assert found.high - found.value == pytest.approx(2.7764451 * np.sqrt(2 / 300), rel=1e-6)  # Student with 4 degrees
    assert not paired([1.0, 2.0], [2.0, 1.0]).is_told


def test_the_test_of_mcnemar_counts_what_happened_to_one_alone():
    assert mcnemar([1, 1, 0, 0], [1, 1, 0, 0]) == 1.0
    assert mcnemar([0] * 6 + [1], [1] * 7) == pytest.approx(2 / 2**6)


def test_labels_that_are_dealt_out_anew_tell_the_chance():
    outcomes = np.array([1, 1, 1, 1, 0, 0, 0, 0])
    assert permutation_chance(outcomes, lambda labels: abs(outcomes @ labels - 2)) == pytest.approx(2 / 70, abs=0.01)
