"""Expert priors: three quarters of the draws near a guess, a quarter from the whole range."""

import math
import sys
from itertools import islice
from pathlib import Path
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import truncnorm

from sweep.space import choice, integer, log_uniform, uniform
from sweep.space.distributions import parse_distribution
from sweep.space.priors import SHARE, WIDTH, quantile
from sweep.space.samplers.base import Space
from sweep.space.samplers.random import Random
from sweep.space.trees import draw, parse_tree, unparse_tree

COORDINATE = st.floats(0, 1)


def mixture(x, mean, deviation):
    """The distribution function by SciPy."""
    bell = truncnorm((0 - mean) / deviation, (1 - mean) / deviation, mean, deviation)
    return (1 - SHARE) * x + SHARE * bell.cdf(x)


@given(COORDINATE, COORDINATE, st.floats(0.01, 0.5))
def test_it_inverts_the_distribution_function(u, mean, deviation):
    assert mixture(quantile(u, mean, deviation), mean, deviation) == pytest.approx(u, abs=1e-9)


@given(COORDINATE, COORDINATE, COORDINATE)
def test_it_rises(one, other, mean):
    low, high = sorted((one, other))
    assert quantile(low, mean, 0.1) <= quantile(high, mean, 0.1)


def test_the_ends_are_those_of_the_range():
    for each in (uniform(2.0, 4.0, likely=2.5), log_uniform(0.1, 10.0, likely=(0.2, 0.4))):
        assert (each.at(0.0), each.at(1.0)) == (each.low, each.high)


def test_draws_are_near_the_guess_on_the_scale_of_the_parameter():
    learning_rate = log_uniform(1e-4, 1.0, likely=0.01)
    values = [learning_rate.at((k + 0.5) / 10_000) for k in range(10_000)]
    near = sum(abs(math.log10(value) + 2) < 4 * WIDTH for value in values) / 10_000  # within one standard deviation
    assert near == pytest.approx(SHARE * 0.6827 + (1 - SHARE) * 2 * WIDTH, abs=1e-3)


def test_two_thirds_of_the_bell_lie_in_a_range():
    each = uniform(0.0, 1.0, likely=(0.4, 0.6))
    inside = sum(0.4 <= each.at((k + 0.5) / 10_000) <= 0.6 for k in range(10_000)) / 10_000
    assert inside == pytest.approx(SHARE * 0.6827 + (1 - SHARE) * 0.2, abs=1e-3)


def test_a_range_may_be_a_list_as_in_a_file():
    each = uniform(0.0, 1.0, likely=[0.05, 0.2])
    assert each == parse_distribution({"uniform": [0.0, 1.0], "likely": [0.05, 0.2]})
    assert hash(each) == hash(uniform(0.0, 1.0, likely=(0.05, 0.2)))
    assert integer(1, 9, likely=[2, 3]) == integer(1, 9, likely=(2, 3))


def test_the_width_of_a_range_may_be_too_large_for_a_float():
    each = uniform(-sys.float_info.max, sys.float_info.max, likely=1e308)
    place = (1e308 / sys.float_info.max + 1) / 2
    middle = uniform(0.0, 1.0, likely=place).near(0.5)
    assert each.near(0.5) == pytest.approx((2 * middle - 1) * sys.float_info.max, rel=1e-9)


@pytest.mark.parametrize("log", [False, True])
def test_integers_keep_to_their_steps(log):
    each = integer(1, 64, log=log, likely=8)
    values = [each.at((k + 0.5) / 2_000) for k in range(2_000)]
    assert set(values) <= set(range(1, 65))
    assert sum(4 <= value <= 16 for value in values) > 0.6 * 2_000 * (1 if log else 0.5)
    stepped = integer(10, 90, step=10, likely=(20, 30))
    assert {stepped.at((k + 0.5) / 500) for k in range(500)} == set(range(10, 91, 10))


def test_it_is_read_from_a_file_and_written_again():
    for table in ({"log_uniform": [1e-4, 1.0], "likely": 0.1}, {"int": [1, 9], "step": 2, "likely": [3, 5]}):
        assert unparse_tree(parse_tree({"x": table})) == {"x": table}
    assert uniform(0.0, 1.0).table() == {"uniform": [0.0, 1.0]}


@pytest.mark.parametrize(
    ("likely", "said"),
    [
        (2.0, "likely = 2.0 is outside of the range from 0.0 to 1.0"),
        ([0.5, 1.5], r"likely = \[0.5, 1.5\] is outside"),
        ([0.5, 0.2], "runs backwards"),
        ("high", "takes a number, or two as a range, not 'high'"),
        ([0.1, 0.2, 0.3], "takes a number, or two"),
        ([], "takes a number"),
        (True, "takes a number"),
        (float("nan"), "likely = nan"),
    ],
)
def test_a_wrong_guess_is_refused(likely, said):
    with pytest.raises(ValueError, match=said):
        parse_distribution({"uniform": [0.0, 1.0], "likely": likely})


def test_a_choice_takes_none():
    with pytest.raises(ValueError, match="choice takes no key 'likely'"):
        parse_distribution({"choice": [1, 2], "likely": 1})
    assert choice([1, 2]).at(0.0) == 1


def test_a_trial_follows_all_guesses_or_none():
    tree = {name: uniform(0.0, 1.0, likely=0.05) for name in "abcdefgh"}
    points = islice(Random().points(Space(tree, [], 400, Path()), 3), 400)
    means = sorted(fmean(draw(tree, point, {}).values()) for point in points)
    guided = [mean for mean in means if mean < 0.2]
    assert len(guided) / 400 == pytest.approx(SHARE, abs=0.07)
    assert fmean(means[len(guided) :]) == pytest.approx(0.5, abs=0.03)
