"""The effect of a step, over pairs of trainings with the same seed."""

import math

import pytest
from scipy import stats

from sweep.analysis.ablation import effect

BEFORE = {1: 0.90, 2: 0.92, 3: 0.88}


def test_it_is_students_interval_of_the_differences():
    after = {1: 0.93, 2: 0.94, 3: 0.92}
    found = effect(BEFORE, after, is_max=True)
    expected = stats.ttest_1samp([0.03, 0.02, 0.04], 0).confidence_interval(0.9)
    assert found.value == pytest.approx(0.03)
    assert found.standard_error == pytest.approx(0.01 / math.sqrt(3))
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.verdict == "better"
    assert effect(BEFORE, after, is_max=False).verdict == "worse"


def test_what_all_seeds_have_in_common_does_not_blur_it():
    found = effect({1: 0.1, 2: 0.9}, {1: 0.2, 2: 1.0}, is_max=True)
    assert found.standard_error == 0
    assert found.verdict == "better"


def test_rounding_is_no_effect():
    found = effect({1: 0.1 + 0.2, 2: 0.7}, {1: 0.3, 2: 0.7 + 1e-16}, is_max=True)
    assert (found.value, found.standard_error, found.verdict) == (0, 0, "nothing")


def test_no_effect_is_nothing_and_a_doubtful_one_is_not_certain():
    assert effect(BEFORE, {1: 0.91, 2: 0.91, 3: 0.89}, is_max=True).verdict == "not certain"
    assert effect(BEFORE, BEFORE, is_max=True).verdict == "nothing"


def test_only_seeds_that_both_have_count():
    found = effect(BEFORE, {1: 0.93, 3: 0.92, 9: 0.1}, is_max=True)
    assert found.value == pytest.approx(0.035)


def test_too_few_pairs_leave_it_open():
    one = effect(BEFORE, {2: 0.95}, is_max=True)
    assert one.value == pytest.approx(0.03)
    assert math.isnan(one.standard_error) and one.verdict == ""
    none = effect(BEFORE, {}, is_max=True)
    assert math.isnan(none.value) and none.verdict == ""
