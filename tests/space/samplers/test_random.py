"""Independent draws: in any order the same, and as often as their distributions say.

The statistical tests have fixed seeds; a right sampler would fail each comparison for one seed in a million.
"""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sweep.space.distributions import Integer, Uniform
from sweep.space.samplers.random import random_pick
from sweep.space.trees import draw, parse_tree
from tests.space.examples import SEARCHED, law

FALSE_ALARM = 1e-6
N = 4000

seeds = st.integers(0, 2**63 - 1)
trials = st.integers(0, 10_000_000)


def drawn_at(tree, seed, trial):
    """Return the drawn values of one trial."""
    drawn = {}
    draw(tree, random_pick(seed, trial), drawn)
    return drawn


@pytest.fixture(scope="module")
def sweep():
    """The drawn values of N trials."""
    return [drawn_at(SEARCHED, 0, trial) for trial in range(N)]


def column(sweep, name):
    return [drawn[name] for drawn in sweep if name in drawn]


@given(seeds, st.permutations(range(10)))
@law
def test_a_trial_is_the_same_alone_and_in_any_order_and_in_a_longer_sweep(seed, order):
    in_a_row = [drawn_at(SEARCHED, seed, trial) for trial in range(30)]
    for trial in order:
        assert drawn_at(SEARCHED, seed, trial) == in_a_row[trial]
    assert len({drawn["training.momentum"] for drawn in in_a_row}) == 30


@given(seeds, trials, st.permutations(["network", "training", "more"]))
@law
def test_a_further_parameter_and_another_order_leave_the_others_as_they_were(seed, trial, order):
    sections = {
        "network": {**SEARCHED["network"], "hidden": [*SEARCHED["network"]["hidden"], Integer(1, 9)]},
        "training": {"dropout": Uniform(0, 1), **SEARCHED["training"]},
        "more": {"learning_rate": Uniform(0, 1)},
    }
    before = drawn_at(SEARCHED, seed, trial)
    after = drawn_at({section: sections[section] for section in order}, seed, trial)
    assert {name: after[name] for name in before} == before
    assert after.keys() - before.keys() == {"network.hidden[2]", "training.dropout", "more.learning_rate"}


def test_values_are_python_scalars(sweep):
    types = {name: {type(value) for value in column(sweep, name)} for name in sweep[0].keys() | sweep[1].keys()}
    assert types == {
        "network.hidden[0]": {int},
        "network.hidden[1]": {int},
        "network.activation": {str},
        "network.activation.alpha": {float},
        "training.learning_rate": {float},
        "training.batch_size": {int},
        "training.momentum": {float},
    }


@pytest.mark.parametrize(
    ("name", "values", "weights"),
    [
        ("network.hidden[0]", list(range(10, 30)), [1] * 20),
        ("network.hidden[1]", [10, 30, 50, 70, 90], [1] * 5),
        ("network.activation", ["relu", "leaky_relu", "tanh"], [1] * 3),
        ("training.batch_size", [1, 2, 3, 4], [math.log((k + 0.5) / (k - 0.5)) for k in (1, 2, 3, 4)]),
    ],
)
def test_discrete_values_are_drawn_as_often_as_they_should(sweep, name, values, weights):
    """The ends of a range as often as its middle: rounding to integers would draw them half as often."""
    counts = Counter(column(sweep, name))
    assert counts.keys() <= set(values)
    expected = np.array(weights) / sum(weights) * N
    assert stats.chisquare([counts[value] for value in values], expected).pvalue > FALSE_ALARM


@pytest.mark.parametrize(
    ("name", "distribution"),
    [
        ("training.learning_rate", stats.loguniform(0.005, 0.5)),
        ("training.momentum", stats.uniform(-1, 3)),
        ("network.activation.alpha", stats.uniform(0.1, 0.3)),  # among the trials that have it
    ],
)
def test_continuous_values_follow_their_distribution(sweep, name, distribution):
    values = column(sweep, name)
    low, high = distribution.support()
    assert low <= min(values)
    assert max(values) <= high
    assert stats.kstest(values, distribution.cdf).pvalue > FALSE_ALARM


def test_a_conditional_parameter_is_there_exactly_where_its_option_is(sweep):
    for drawn in sweep:
        assert ("network.activation.alpha" in drawn) == (drawn["network.activation"] == "leaky_relu")


@pytest.mark.parametrize(
    ("options", "distribution"),
    [
        ([{"uniform": [0, 1]}, {"uniform": [1, 2]}], stats.uniform(0, 2)),
        ([{"choice": [{"uniform": [0, 1]}, {"uniform": [1, 2]}]}], stats.uniform(0, 2)),
    ],
    ids=["distributions", "choices of distributions"],
)
def test_a_choice_between_distributions_draws_from_all_of_each(options, distribution):
    tree = parse_tree({"x": {"choice": options}})
    values = [drawn_at(tree, 0, trial)["x"] for trial in range(N)]
    assert stats.kstest(values, distribution.cdf).pvalue > FALSE_ALARM
