"""Verdicts on stability and noise: learning rates, neighbors, seeds, examples; and on sweeps of hardly any trials."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.analysis.review import (
    JUDGES,
    casualties,
    example_noise,
    examples_of,
    frame,
    learning_rate,
    review,
    seed_noise,
)
from sweep.metrics import Objective
from tests.analysis.review.small import RATE, SHARE, small

ABOVE = [0.01] + [0.02] * 10 + [0.031] * 5 + [0.001] * 5
"""The best one's rate, ten up to three times as much, and others."""


@pytest.mark.parametrize(("lost", "passed"), [(3, True), (4, False)])
def test_more_than_one_in_ten_break_down_just_above_the_best_rate(lost, passed):
    """Of ten with a probability of 0.1 at least three are lost in 7 % of sweeps, at least four in 1.3 %."""
    values = [1.0] + [None] * lost + [0.5] * (10 - lost) + [None] * 5 + [0.4] * 5
    found = learning_rate.judge(small(values, parameters=[RATE], learning_rate=ABOVE))
    assert (found.passed, found.figure) == (passed, lost / 10)
    assert found.evidence == f"{lost} of 10 trials with learning_rate from 0.01 to 0.03 diverged or never learned"


def test_trials_that_never_learned_count_as_broken_down():
    learned = [True] + [False] * 4 + [True] * 16
    values = np.linspace(1, 0, 21)
    assert learning_rate.judge(small(values, parameters=[RATE], learning_rate=ABOVE, learned=learned)).passed is False


def test_without_rates_above_or_any_at_all_it_cannot_be_judged():
    values = np.linspace(1, 0, 4)
    found = learning_rate.judge(small(values, parameters=[RATE], learning_rate=[0.01, 0.02, 0.02, 0.001]))
    assert (found.passed, found.evidence) == (None, "takes 3 trials with learning_rate from 0.01 to 0.03, there are 2")
    found = learning_rate.judge(small(values, parameters=[SHARE], share=0.5))
    assert (found.passed, found.evidence) == (None, "no learning rate is searched")


@pytest.mark.parametrize(("lost", "passed"), [(0, True), (2, True), (3, False)])
def test_three_of_fifteen_neighbors_are_no_chance(lost, passed):
    """The best is the 21st of 40 along a line; its neighbors are the 14th to the 28th."""
    values = np.full(40, 0.5)
    values[20] = 1.0
    values[26 - lost : 26] = np.nan
    values[35] = np.nan
    found = casualties.judge(small(values, parameters=[SHARE], share=np.arange(40) / 39))
    assert (found.passed, found.figure) == (passed, pytest.approx(lost / 15))


def test_neighbors_are_near_in_what_makes_trials_diverge():
    """All above 0.3 diverge; the best has 0.15, and along the rate alone all its neighbors are below that."""
    rng = np.random.default_rng(0)
    rates = np.r_[0.15, np.exp(rng.uniform(np.log(0.001), np.log(1.0), 99))]
    values = np.where(rates > 0.3, np.nan, 0.5)
    values[0] = 1.0
    found = casualties.judge(small(values, parameters=[RATE, SHARE], learning_rate=rates, share=rng.random(100)))
    assert found.passed is True


def test_without_any_divergence_all_is_well():
    found = casualties.judge(small(np.linspace(1, 0, 30), parameters=[SHARE], share=0.5))
    assert (found.passed, found.evidence) == (True, "none of 30 diverged")


AGAIN = pd.DataFrame({"trial": [0, 0, 1, 1], "value": [0.80, 0.82, 0.70, 0.72]})


@pytest.mark.parametrize(("gap", "passed"), [(0.058, False), (0.059, True)])
def test_the_gap_is_beyond_what_other_seeds_make(gap, passed):
    """The pooled variance is 0.0002 with two degrees of freedom, and t(0.95) is 2.920: 2.92 · √0.0004 = 0.0584."""
    found = seed_noise.judge(small([0.9, 0.9 - gap], again=AGAIN))
    assert (found.passed, found.figure) == (passed, pytest.approx(gap))
    assert found.evidence.endswith("seeds alone explain 0.058 (95 %, from 4 trainings with other seeds)")


def test_means_of_repeats_are_less_noisy():
    """Two configurations of four trainings with a deviation of 0.02: t(0.95, 6) = 1.943, times 0.02 · √(2 / 4)."""
    noise = 1.943 * 0.02 * np.sqrt(0.5)
    for gap, passed in ((0.99 * noise, False), (1.01 * noise, True)):
        found = seed_noise.judge(small([0.9, 0.9 - gap], trainings=4, completed=4, deviation=0.02))
        assert found.passed is passed


def test_jitter_alone_can_show_that_a_gap_is_too_small_but_not_that_it_is_not():
    curve = 0.9 + np.tile([0.001, -0.001], 10)
    assert seed_noise.judge(small([0.9, 0.8995], curves=curve)).passed is False
    found = seed_noise.judge(small([0.9, 0.8], curves=curve))
    assert (found.passed, found.advice) == (None, "train the best again: `sweep finalists toy`")
    assert seed_noise.judge(small([0.9, 0.8995], curves=curve[:9])).passed is None  # too few epochs to tell


@pytest.mark.parametrize(("second", "passed"), [(0.8, True), (0.82, False)])
def test_the_gap_is_beyond_what_examples_make(second, passed):
    """Of 100 examples: 1.645 · √((0.09 + 0.16) / 100) = 0.0822 and 1.645 · √((0.09 + 0.1476) / 100) = 0.0802."""
    found = example_noise.judge(small([0.9, second], examples=100))
    assert found.passed is passed


@pytest.mark.parametrize(
    ("losses", "words"),
    [
        ([0.2, 0.3], "the first is tied with trial 1, and loss decides; "),
        ([0.2, 0.2], "the first is tied with trial 1, and the lower number decides; "),
        (None, "the first is tied with trial 1, and the lower number decides; "),
    ],
)
def test_of_two_equal_ones_it_is_said_what_decides(losses, words):
    columns = {} if losses is None else {"tie": losses}
    tables = small([0.9, 0.9], objective=Objective("accuracy", "max", tie_break="loss"), examples=100, **columns)
    assert example_noise.judge(tables).evidence.startswith(words)


@pytest.mark.parametrize(("lead", "passed"), [(4, False), (5, True)])
def test_examples_that_only_one_has_right_decide_where_they_are_known(lead, passed):
    """By chance all five are the first's with a probability of 1/32, all four with 1/16."""
    first, second = np.ones(100, bool), np.ones(100, bool)
    second[:lead] = False
    found = example_noise.judge(small([1.0, 1 - lead / 100], examples=100, correct={0: first, 1: second}))
    assert found.passed is passed
    assert example_noise.judge(small([1.0, 1.0], correct={0: first, 1: first})).passed is False


def test_a_metric_of_no_counted_examples_cannot_be_judged():
    assert example_noise.judge(small([0.9, 0.8])).passed is None


@given(st.integers(2, 70_000), st.lists(st.integers(0, 70_000), max_size=20))
def test_the_examples_are_the_common_denominator_of_accuracies(number, hits):
    accuracies = np.array([1, *(each % number for each in hits)]) / number
    assert examples_of(accuracies) == number


def test_means_over_batches_have_no_common_denominator():
    assert examples_of(np.random.default_rng(0).random(50)) is None
    assert examples_of(np.array([0.0, 1.0, np.nan])) is None


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([], "no configuration has completed yet"),
        ([None, None, None], "no configuration has completed yet"),
        ([0.5], "only one configuration has completed"),
    ],
)
def test_of_hardly_any_trials_nothing_is_judged(values, reason):
    found = review(small(values, parameters=[RATE], learning_rate=0.01))
    assert [each.name for each in found] == list(JUDGES)
    assert {(each.passed, each.evidence) for each in found} == {(None, reason)}


@pytest.mark.parametrize("count", [2, 3, 10, 25])
@pytest.mark.parametrize("epochs", [1, 2, 5, 12])
def test_small_sweeps_are_reviewed_without_an_error(count, epochs):
    values = np.linspace(0.9, 0.1, count)
    found = frame(review(small(values, curves=[0.5] * epochs, parameters=[RATE, SHARE], learning_rate=0.1, share=0.5)))
    assert len(found) == len(JUDGES)
    assert found["evidence"].str.len().gt(0).all()


def test_equal_values_are_no_error():
    found = review(small([0.5] * 40, parameters=[RATE, SHARE], learning_rate=0.1, share=0.5, examples=10))
    assert len(found) == len(JUDGES)


def test_a_minimized_objective_is_judged_as_its_mirror():
    rng = np.random.default_rng(1)
    values, rates = rng.normal(0, 1, 60), np.exp(rng.uniform(np.log(0.001), 0, 60))
    curves = values[:, None] * (1 - np.exp(-np.arange(1, 21) / 5)) + rng.normal(0, 0.01, (60, 20))
    columns = {"parameters": [RATE], "learning_rate": rates, "planned": 20, "again": AGAIN}
    more = review(small(values, curves=curves, **columns))
    less = review(small(-values, curves=-curves, objective=Objective("accuracy", "min", tie_break=None), **columns))
    assert [each.passed for each in more] == [each.passed for each in less]
    assert len({each.passed for each in more}) > 1
