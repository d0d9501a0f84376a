"""Which configurations get no more trainings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu, permutation_test

from sweep.stopping.repeats import Repeats, Wilcoxon, rank_sum
from tests.stopping.groups import ACCURACY, LOSS

BEST = Repeats(0, [0.9, 0.91, 0.92])
WORSE = Repeats(1, [0.7, 0.8, 0.85], waiting=2)


def left_out(*configurations, rule=Wilcoxon(), objective=ACCURACY):
    return [each.trial for each in rule.decide(configurations, objective)]


def test_a_configuration_all_of_whose_trainings_are_worse_gets_no_more():
    (decision,) = Wilcoxon().decide([WORSE, BEST], ACCURACY)
    assert (decision.trial, decision.value, decision.threshold) == (1, 0.05, 0.05)
    assert decision.reason == "its 3 trainings are worse than those of trial 0 (rank sum, p = 0.05)"


@pytest.mark.parametrize(
    "other",
    [
        Repeats(1, [0.7, 0.8], waiting=2),  # too few
        Repeats(1, [0.7, 0.8, 0.905], waiting=2),  # one is better than one of the best's
        Repeats(1, [0.7, 0.8, 0.85]),  # none is left
    ],
)
def test_others_are_trained_on(other):
    assert left_out(BEST, other) == []


def test_where_less_is_better_the_higher_one_is_left_out():
    assert left_out(Repeats(0, BEST.values, waiting=1), WORSE, objective=LOSS) == [0]


def test_trainings_that_are_lost_are_the_worst():
    assert left_out(BEST, Repeats(1, [0.89], lost=2, waiting=1)) == [1]
    assert left_out(Repeats(0, [0.9, 0.91], lost=1), WORSE) == [], "it is not the best, nor is anybody left to compare"
    assert left_out(Repeats(0, [], lost=3, waiting=1), Repeats(1, [], lost=3, waiting=1)) == []


def test_the_best_is_never_left_out_and_of_equal_ones_it_is_the_first():
    assert left_out(Repeats(0, [0.5] * 9, waiting=1), Repeats(1, [0.5] * 9, waiting=1)) == []


SAMPLES = st.lists(st.integers(0, 5), min_size=2, max_size=5)


@given(SAMPLES, SAMPLES)
def test_the_probability_is_that_of_all_ways_to_draw(lower, higher):
    from scipy.stats import rankdata

    def statistic(a, b):
        return rankdata([*a, *b])[: len(a)].sum()

    expected = permutation_test(
        (lower, higher), statistic, alternative="less", n_resamples=10**4, permutation_type="independent"
    )
    assert rank_sum(lower, higher) == pytest.approx(expected.pvalue, abs=1e-12)


@given(st.lists(st.integers(0, 99), min_size=4, max_size=14, unique=True), st.integers(1, 3))
def test_without_ties_it_is_that_of_mann_and_whitney(values, number):
    expected = mannwhitneyu(values[:number], values[number:], alternative="less", method="exact").pvalue
    assert rank_sum(values[:number], values[number:]) == pytest.approx(expected, abs=1e-12)
