"""P(A > B), Newcombe's interval, and when two configurations are told apart."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sweep.analysis.superiority import (
    comparisons,
    mann_whitney_interval,
    power,
    seeds_needed,
    superiority,
    told_from,
)

VALUES = st.lists(st.integers(0, 9).map(float), min_size=1, max_size=6).map(np.array)


def roots(share, m, n, level):
    """The ends of Newcombe's interval as roots of a polynomial: (θ - θ̂)² = z² V(θ), times (2 - θ)(1 + θ) m n."""
    theta, one = np.polynomial.Polynomial([0, 1]), np.polynomial.Polynomial([1])
    z, more = stats.norm.ppf((1 + level) / 2), (m + n) / 2 - 1
    both = (2 * one - theta) * (one + theta)
    bracket = both + more * ((one - theta) * (one + theta) + theta * (2 * one - theta))
    found = ((theta - share) ** 2 * both * m * n - z**2 * theta * (one - theta) * bracket).roots()
    real = sorted(root.real for root in found if abs(root.imag) < 1e-9 and -1e-9 <= root.real <= 1 + 1e-9)
    return real[0], real[-1]


@pytest.mark.parametrize(("share", "m", "n"), [(0.5, 5, 5), (0.84, 5, 5), (0.75, 10, 10), (0.3, 3, 8), (0.98, 10, 4)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_the_interval_is_the_root_of_a_polynomial(share, m, n, level):
    assert mann_whitney_interval(share, m, n, level) == pytest.approx(roots(share, m, n, level), abs=1e-8)


def test_the_interval_of_a_single_pair_is_solved_by_hand():
    # One value each: N = 0 and V = θ (1 - θ), so with θ̂ = 1: (1 - θ)² = z² θ (1 - θ), and 1 - θ = z² θ.
    z = stats.norm.ppf(0.95)
    assert mann_whitney_interval(1.0, 1, 1) == pytest.approx((1 / (1 + z * z), 1.0))


@given(VALUES, VALUES)
def test_what_is_said_of_a_and_b_is_said_of_b_and_a(one, other):
    there, back = superiority(one, other), superiority(other, one)
    assert there.value + back.value == pytest.approx(1)
    assert there.low + back.high == pytest.approx(1)
    assert 0 <= there.low <= there.value <= there.high <= 1
    statistic = stats.mannwhitneyu(one, other, method="asymptotic").statistic
    assert there.value == pytest.approx(statistic / (len(one) * len(other)))


def test_a_training_that_diverged_is_the_worst_and_two_are_equal():
    assert superiority(np.array([0.1, -math.inf]), np.array([0.9, -math.inf])).value == pytest.approx(
        (0 + 1 + 0 + 0.5) / 4
    )


def test_intervals_hold_the_planted_probability():
    rng = np.random.default_rng(0)
    for gap in (0.0, 1.0):
        truth = stats.norm.cdf(gap / math.sqrt(2))
        found = [superiority(gap + rng.normal(size=5), rng.normal(size=5)) for _ in range(500)]
        assert 0.86 <= np.mean([each.low <= truth <= each.high for each in found]) <= 0.96


def told(values):
    return [(each.one, each.other) for each in comparisons(np.array(values)) if each.is_told]


def test_clear_differences_are_told_and_small_ones_are_not():
    high, low = [0.98, 0.97, 0.99, 0.98, 0.97], [0.90, 0.91, 0.92, 0.90, 0.91]
    near = [0.97, 0.98, 0.98, 0.97, 0.99]
    assert told([high, low, near]) == [(0, 1), (1, 2)]
    assert told_from(comparisons(np.array([high, low, near])), 0) == ([1], [2])


def test_a_difference_that_all_pairs_explain_is_not_told():
    rng = np.random.default_rng(0)
    claims = [bool(told(rng.normal(size=(5, 5)))) for _ in range(300)]
    assert np.mean(claims) <= 0.13  # 0.46 by the intervals of P(A > B) alone


def test_what_a_seed_does_to_all_is_no_part_of_a_difference():
    rng = np.random.default_rng(2)
    own, seeds = 0.1 * rng.normal(size=(2, 6)), rng.normal(size=6)
    without, with_seeds = (comparisons(values)[0].difference for values in (own, own + seeds))
    assert with_seeds.value == pytest.approx(without.value)
    assert with_seeds.high - with_seeds.low == pytest.approx(without.high - without.low)


def test_the_difference_of_two_is_that_of_the_paired_test():
    one, other = np.array([1.0, 3.0, 2.0, 5.0]), np.array([0.0, 1.0, 2.0, 1.0])
    found = comparisons(np.array([one, other]))[0].difference
    expected = stats.ttest_rel(one, other).confidence_interval(0.9)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-4)


def test_where_one_diverged_the_probability_alone_decides():
    good, bad = [0.9, 0.91, 0.9, 0.92, 0.9], [0.95, *[-math.inf] * 4]
    (pair,) = comparisons(np.array([good, bad]))
    assert pair.probability.value == 0.8
    assert pair.difference.value < 0
    assert not pair.is_told
    (pair,) = comparisons(np.array([good, [-math.inf] * 5]))
    assert pair.is_told and math.isnan(pair.difference.value)


def test_one_without_values_is_in_no_pair():
    assert comparisons(np.array([[1.0, 2.0], [math.nan, math.nan]])) == []


@pytest.mark.parametrize(("gap", "seeds"), [(3, 3), (1.5, 7), (1, 14), (0.75, 23), (0.5, 51)])
def test_the_seeds_that_are_needed_are_those_of_tables(gap, seeds):
    assert seeds_needed(gap) == seeds


def test_the_power_is_that_of_a_simulation():
    rng = np.random.default_rng(0)
    shape = (4000, 6)
    tests = stats.ttest_ind(1.2 + rng.normal(size=shape), rng.normal(size=shape), axis=1, alternative="greater")
    assert power(1.2, 6) == pytest.approx(np.mean(tests.pvalue < 0.05), abs=0.025)


def test_nobody_trains_a_thousand_seeds():
    assert seeds_needed(0.0) is None
    assert seeds_needed(0.05) is None
