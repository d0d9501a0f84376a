"""Means over fresh seeds, shrunk: by hand, by laws, and by simulation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from sweep.analysis.shrinkage import noise_of, shrunk

BY_HAND = np.array([[1.0, 3.0], [12.0, 16.0], [3.0, 3.0]])
"""Means 2, 14 and 3; the residuals of the additive model are 0, 0, -1, 1, 1, -1."""
MATRICES = arrays(float, (3, 4), elements=st.integers(-50, 50).map(float))


def test_the_variance_is_split_as_by_hand():
    noise = noise_of(BY_HAND)
    assert noise.residual == pytest.approx(4 / 2)
    assert noise.within == pytest.approx((2 + 8 + 0) / 3)
    assert noise.seeds == pytest.approx(10 / 3 - 2)
    assert (noise.freedom, noise.seeds_freedom) == (2, 1)


def test_the_estimate_is_that_by_hand():
    between = np.var([2, 14, 3], ddof=1) - 2 / 2
    weight = between / (between + 2 / 2)
    first = shrunk(BY_HAND)[0]
    assert first.mean == 2
    assert first.standard_error == pytest.approx(1)
    assert first.expected.value == pytest.approx(weight * 2 + (1 - weight) * 19 / 3)
    assert first.expected.low < first.expected.value < first.expected.high


def test_without_any_effect_of_seeds_the_interval_is_students():
    # In each column the effects of the seeds cancel, so the estimated variance of the seeds is below 0.
    values = np.array([[0.0, 2.0], [102.0, 100.0], [200.0, 202.0], [302.0, 300.0]])
    noise = noise_of(values)
    assert noise.seeds == 0
    half = stats.t.ppf(0.95, noise.freedom) * math.sqrt(noise.residual / 2)
    expected = shrunk(values)[0].expected
    assert expected.high - expected.low == pytest.approx(2 * half, rel=0.01)


def test_equal_means_are_shrunk_to_one():
    values = np.array([[1.0, 2.0, 3.0], [3.0, 1.0, 2.0], [2.0, 3.0, 1.0]])
    assert [each.expected.value for each in shrunk(values)] == pytest.approx([2, 2, 2])


def test_one_configuration_is_not_shrunk():
    (only,) = shrunk(np.array([[1.0, 2.0, 6.0]]))
    half = stats.t.ppf(0.95, 2) * only.standard_error
    assert only.expected.value == 3
    assert only.expected.high - 3 == pytest.approx(half)


def test_what_is_not_known_is_nan():
    assert noise_of(np.array([[1.0], [2.0]])) is None
    one, none = shrunk(np.array([[1.0, np.nan], [np.nan, np.nan]]))
    assert (one.mean, one.expected.value) == (1, 1)
    assert math.isnan(one.standard_error) and math.isnan(one.expected.low)
    assert math.isnan(none.mean) and math.isnan(none.expected.value)


def test_a_configuration_without_values_changes_nothing_for_the_others():
    with_it = shrunk(np.vstack([BY_HAND, [np.nan, np.nan]]))
    for one, other in zip(with_it, shrunk(BY_HAND), strict=False):
        assert one.expected.low == pytest.approx(other.expected.low)
        assert one.expected.value == pytest.approx(other.expected.value)


def test_missing_values_leave_the_additive_model_exact():
    rows, columns = np.array([1.0, 5.0, 9.0])[:, None], np.array([0.0, 1.0, -2.0, 4.0])
    values = rows + columns
    values[0, 1] = values[2, 3] = np.nan
    noise = noise_of(values)
    assert noise.residual == pytest.approx(0, abs=1e-20)
    assert noise.seeds > 1


@given(MATRICES, st.integers(-9, 9), st.integers(1, 9))
def test_units_do_not_matter(values, shift, scale):
    before, after = shrunk(values), shrunk(shift + scale * values)
    for one, other in zip(before, after, strict=True):
        for name in ("value", "low", "high"):
            expected = shift + scale * getattr(one.expected, name)
            assert getattr(other.expected, name) == pytest.approx(expected, rel=1e-6, abs=1e-6)


@given(MATRICES)
def test_estimates_lie_between_the_own_mean_and_that_of_all(values):
    center = values.mean()
    for row, each in zip(values, shrunk(values), strict=True):
        low, high = sorted([row.mean(), center])
        assert low - 1e-9 <= each.expected.value <= high + 1e-9


@pytest.mark.parametrize("common", [0.0, 2.0])
def test_intervals_hold_the_truth_as_often_as_they_say(common):
    rng = np.random.default_rng(3)
    held, width = 0, []
    for _ in range(600):
        worth = rng.normal(size=5)
        values = worth[:, None] + common * rng.normal(size=4) + rng.normal(size=(5, 4))
        expected = shrunk(values)[0].expected
        held += expected.low <= worth[0] <= expected.high
        width.append(expected.high - expected.low)
    assert 0.86 <= held / 600 <= 0.95
    # Without the variance of the seeds they would be 1.3 wide at most, whatever the seeds do.
    assert (np.median(width) > 2.5) == (common > 0)


def test_shrinking_has_a_smaller_error_than_the_means():
    rng = np.random.default_rng(1)
    own, less = [], []
    for _ in range(400):
        worth = 0.5 * rng.normal(size=5)
        known = shrunk(worth[:, None] + rng.normal(size=(5, 3)))
        own.append([(each.mean - truth) ** 2 for each, truth in zip(known, worth, strict=True)])
        less.append([(each.expected.value - truth) ** 2 for each, truth in zip(known, worth, strict=True)])
    assert np.mean(less) < 0.75 * np.mean(own)


def test_a_mean_over_few_further_seeds_is_less_certain():
    widths = [
        shrunk(BY_HAND, future=future)[0].expected.high - shrunk(BY_HAND, future=future)[0].expected.low
        for future in (1, 2, 10, math.inf)
    ]
    assert widths == sorted(widths, reverse=True)
