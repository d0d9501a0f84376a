"""The best of n trials: by hand for few, by laws for all, and how often the statements hold."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from sweep.analysis.tuning_curve import TuningCurve, chance_of_gain, gain_factor

VALUES = st.lists(st.sampled_from([-math.inf, *range(-5, 6)]), min_size=1, max_size=25)
COUNTS = st.floats(0.1, 200)


def test_the_estimate_of_three_trials_by_hand():
    curve = TuningCurve([0.2, 0.9, 0.5])
    # The median of one is where 2 of 3 are reached; that of two where a share of 0.707 is; of 1.7 where 0.665 is.
    assert curve.best_of([1, 1.7, 2, 10]).value.tolist() == [0.5, 0.5, 0.9, 0.9]
    assert curve.best_of(1, 0.3).value.tolist() == [0.2]
    assert curve.best_of(1, 1 / 3).value.tolist() == [0.2]
    assert curve.best_of(2, 4 / 9).value.tolist() == [0.5]


def test_the_band_of_one_trial_by_hand():
    curve = TuningCurve([0.7], level=0.9)
    # F at the only draw is above 0.05 and below 0.95, with 90 %: the median of one is not known on either side.
    assert [each.item() for each in curve.best_of(1)] == [0.7, -math.inf, math.inf]
    # But the quantile of 4 % is at most 0.7, and that of 96 % at least.
    assert [each.item() for each in curve.best_of(1, 0.04)] == [0.7, -math.inf, 0.7]
    assert [each.item() for each in curve.best_of(1, 0.96)] == [0.7, 0.7, math.inf]


def test_the_ends_are_the_draws_at_which_beta_bounds_reach_the_quantile():
    values = np.random.default_rng(3).permutation(np.arange(40.0))
    curve = TuningCurve(values)
    tails = 0.003291547
    lower = [beta(k, 41 - k).ppf(tails / 2) for k in range(1, 41)]
    upper = [beta(k, 41 - k).ppf(1 - tails / 2) for k in range(1, 41)]
    for n in (1, 2.5, 4):
        wanted = 0.5 ** (1 / n)
        best = curve.best_of(n)
        assert best.better.item() == next(k for k in range(40) if lower[k] >= wanted)
        assert best.worse.item() == next(k for k in range(40) if upper[k + 1] >= wanted)
    assert curve.best_of(5).better.item() == math.inf
    assert curve.largest == pytest.approx(math.log(0.5) / math.log(lower[-1]), rel=1e-5)


def test_less_may_be_better():
    values = [3.0, 1.0, math.inf, 2.0]
    less, more = TuningCurve(values, is_max=False), TuningCurve([-each for each in values])
    for one, other in zip(less.best_of([1, 3, 9]), more.best_of([1, 3, 9]), strict=True):
        assert one.tolist() == (-other).tolist()
    assert less.best_of(9).value.tolist() == [1.0]


@given(VALUES, COUNTS, COUNTS)
def test_the_curve_rises_and_lies_in_its_band(values, n, more):
    curve = TuningCurve(values)
    first, second = curve.best_of(n), curve.best_of(n + more)
    for one, other in zip(first, second, strict=True):
        assert one <= other
    assert first.worse <= first.value <= first.better


@given(VALUES, COUNTS)
def test_a_monotone_change_of_the_metric_changes_the_curve_alike(values, n):
    plain, changed = TuningCurve(values), TuningCurve([math.exp(each / 3) for each in values])
    for one, other in zip(plain.best_of(n), changed.best_of(n), strict=True):
        # A diverged trial has become a 0, which an open end is still below.
        assert math.exp(one.item() / 3) == pytest.approx(max(other.item(), 0.0))


@given(st.permutations(list(range(12))))
def test_the_order_of_the_trials_does_not_matter(values):
    best, sorted_ = TuningCurve(values).best_of(3), TuningCurve(sorted(values)).best_of(3)
    assert best.value == sorted_.value
    assert best.worse == sorted_.worse


@pytest.mark.parametrize("values", [[], [1.0]])
@pytest.mark.parametrize(("n", "quantile"), [(0, 0.5), (-1, 0.5), (1, 0.0), (1, 1.0)])
def test_what_cannot_be_asked_is_refused(values, n, quantile):
    with pytest.raises(ValueError, match="a tuning curve needs trials"):
        TuningCurve(values).best_of(n, quantile)


@pytest.mark.parametrize("digits", [None, 1])
@pytest.mark.parametrize("casualties", [0.0, 0.1])
def test_the_band_holds_the_whole_curve(digits, casualties):
    rng, n, sweeps = np.random.default_rng(1), 40, 600
    asked = np.geomspace(0.2, 400, 60)

    def truth(probability):
        """The quantile of a uniform number, rounded up, or of one that has diverged."""
        value = (probability - casualties) / (1 - casualties)
        value = value if digits is None else np.ceil(value * 10**digits - 1e-12) / 10**digits
        return np.where(probability <= casualties, -np.inf, value)

    true, held = truth(0.5 ** (1 / asked)), 0
    for _ in range(sweeps):
        best = TuningCurve(truth(rng.random(n))).best_of(asked)
        held += bool(((best.worse <= true) & (true <= best.better)).all())
    assert held / sweeps >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / sweeps)


def test_further_trials_beat_the_best_with_the_probability_of_their_share():
    assert chance_of_gain(50, 100) == pytest.approx(2 / 3)
    assert chance_of_gain(40, 40) == 0.5
    draws = np.random.default_rng(0).random((40_000, 30))
    assert (draws[:, :10].max(1) < draws[:, 10:].max(1)).mean() == pytest.approx(chance_of_gain(10, 20), abs=0.01)


@pytest.mark.parametrize(("level", "known"), [(0.5, 0.17), (0.9, 0.93), (0.95, 1.24)])
def test_the_factors_of_further_trials_are_those_known(level, known):
    assert gain_factor(50, 100, level) == pytest.approx(known, abs=0.01)


def test_the_bound_of_a_gain_holds_as_often_as_it_says_for_its_own_tail():
    rng = np.random.default_rng(2)
    draws = -(rng.random((4_000, 75)) ** 0.25)  # a distance to the end 0 whose fourth power is uniform
    held = [max(row[25:].max() - row[:25].max(), 0) <= TuningCurve(row[:25]).most_gain(50) for row in draws]
    assert np.mean(held) == pytest.approx(0.95, abs=0.015)


def test_the_bound_of_a_gain_is_in_the_unit_of_the_metric_and_asks_for_a_gap():
    values = np.arange(30.0)
    factor = gain_factor(30, 60, 0.95)
    assert TuningCurve(values).most_gain(60) == pytest.approx(9 * factor)
    assert TuningCurve(values, is_max=False).most_gain(60) == pytest.approx(9 * factor)
    assert TuningCurve(values[:19]).most_gain(60) is None  # too few
    assert TuningCurve(np.minimum(values, 20)).most_gain(60) is None  # the tenth is as good as the best
    assert TuningCurve([*([-math.inf] * 21), *range(9)]).most_gain(60) is None  # the tenth has diverged
