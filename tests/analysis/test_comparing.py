"""The probability that one search finds better trials than another: by counting, and how often its interval holds."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.analysis.comparing import _beaten, _jackknife, _weights, chance_of_better
from sweep.analysis.tuning_curve import TuningCurve

VALUES = st.lists(st.sampled_from([-math.inf, *range(4)]), min_size=1, max_size=6)


def counted(first, second, n, m):
    """The share of all ways to draw n and m with replacement in which the best of the first is better."""
    won = [
        (max(ours) > max(theirs)) + (max(ours) == max(theirs)) / 2
        for ours in itertools.product(first, repeat=n)
        for theirs in itertools.product(second, repeat=m)
    ]
    return sum(won) / len(won)


@given(VALUES, VALUES, st.integers(1, 2), st.integers(1, 2))
def test_the_estimate_counts_all_ways_to_draw(first, second, n, m):
    found = chance_of_better(TuningCurve(first), TuningCurve(second), n, m).value
    assert found == pytest.approx(counted(first, second, n, m))


def test_the_jackknife_leaves_out_each_score_in_turn():
    rng = np.random.default_rng(0)
    ours, theirs = np.sort(rng.random(9)), np.sort(rng.random(7))
    left_out = [_weights(8, 2.5) @ _beaten(np.delete(ours, place), theirs, 3) for place in range(9)]
    by_hand = 8 / 9 * sum((each - np.mean(left_out)) ** 2 for each in left_out)
    assert _jackknife(_beaten(ours, theirs, 3), 2.5) == pytest.approx(by_hand)


@given(st.permutations(list(range(16))), st.permutations(list(range(4, 20))), st.floats(1, 3))
def test_the_other_way_round_it_is_the_rest(first, second, n):
    one = chance_of_better(TuningCurve(first), TuningCurve(second), n, 2)
    other = chance_of_better(TuningCurve(second), TuningCurve(first), 2, n)
    for ours, theirs in zip(one, (other.value, other.high, other.low), strict=True):
        assert ours == pytest.approx(1 - theirs)
    assert one.low <= one.value <= one.high


def test_less_may_be_better():
    ours, theirs = TuningCurve([1.0, 2.0, 3.0], is_max=False), TuningCurve([5.0, math.inf, 6.0], is_max=False)
    assert chance_of_better(ours, theirs, 2, 2).value == 1.0


def test_there_is_an_interval_of_five_times_as_many_trials():
    curve = TuningCurve(np.arange(20.0))
    assert math.isnan(chance_of_better(curve, curve, 5, 1).low)
    assert math.isnan(chance_of_better(curve, curve, 1, 5).high)
    assert not chance_of_better(curve, curve, 4, 4).is_decided


@pytest.mark.parametrize(("trials", "n"), [(20, 1), (25, 5), (50, 10), (100, 10)])
@pytest.mark.parametrize("shift", [0.0, 0.1, 0.3, 1.5])
def test_the_interval_holds_as_often_as_it_says(trials, n, shift):
    rng, sweeps = np.random.default_rng(5), 400
    best = np.random.default_rng(6).random((2, 1_000_000)) ** (1 / n) + np.array([[shift], [0]])
    truth = (best[0] > best[1]).mean()
    held = 0
    for _ in range(sweeps):
        ours, theirs = TuningCurve(rng.random(trials) + shift), TuningCurve(rng.random(trials))
        chance = chance_of_better(ours, theirs, n, n)
        held += chance.low <= truth <= chance.high
    assert held / sweeps >= 0.95 - 0.03
