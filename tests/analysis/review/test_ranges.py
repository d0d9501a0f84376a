"""Verdicts on where in the space the trials are: boundaries, the good region, categories."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import hypergeom

from sweep.analysis.review import boundary, categories, good_region
from sweep.records import Parameter
from tests.analysis.review.small import KIND, RATE, SHARE, small


def at_the_top(hits, parameter=SHARE, high=0.95):
    """A hundred trials, ten of them in the top tenth, of which `hits` are among the best ten and no others of 25."""
    places = np.full(100, 0.5)
    places[:hits] = high
    places[60 : 70 - hits] = high
    return small(np.linspace(1, 0, 100), parameters=[parameter], **{parameter.short_name: places})


def test_four_of_the_best_ten_in_a_tenth_are_no_chance_and_three_are():
    """With two ends and two shares the probability may be 0.0125; that of four is 0.0077, that of three 0.060."""
    assert hypergeom.sf(3, 100, 10, 10) < 0.0125 < hypergeom.sf(2, 100, 10, 10)
    assert boundary.judge(at_the_top(3)).passed is True
    found = boundary.judge(at_the_top(4))
    assert (found.passed, found.figure) == (False, 0.4)
    assert found.evidence == "4 of the best 10 lie in the top tenth of share, 1 expected by chance"


def test_the_more_numbers_there_are_the_more_must_be_at_an_end():
    """With four numbers the probability may be a quarter: that of four, 0.0077, is more."""
    table = at_the_top(4)
    others = [Parameter(name, name, low=0.0, high=1.0) for name in "xyz"]
    trials = table.trials.assign(x=0.5, y=0.5, z=0.5)
    assert boundary.judge(replace(table, parameters=[SHARE, *others], trials=trials)).passed is True


def test_the_chance_is_that_of_any_end_that_was_looked_at():
    tables = at_the_top(4)
    least = boundary.ends(tables.ranked, tables.parameters)[0]
    assert least.chance == pytest.approx(4 * hypergeom.sf(3, 100, 10, 10)), "two ends, two shares"
    assert (least.is_high, least.hits, least.best, least.expected) == (True, 4, 10, 1)


def test_configurations_without_a_parameter_tell_nothing_of_its_range():
    """All of the best have it and are spread over its range; the others do not have it."""
    places = np.r_[(np.arange(50) * 0.37) % 1, np.full(150, np.nan)]
    assert boundary.judge(small(np.linspace(1, 0, 200), parameters=[SHARE], share=places)).passed is True
    alone = small(np.linspace(1, 0, 200), parameters=[SHARE], share=np.r_[np.full(19, 0.95), np.full(181, np.nan)])
    assert boundary.ends(alone.ranked, alone.parameters) == [], "too few have it"


def test_noise_is_seldom_at_an_end():
    rng = np.random.default_rng(0)
    told = sum(
        not boundary.judge(small(np.linspace(1, 0, 100), parameters=[SHARE], share=rng.random(100))).passed
        for _ in range(200)
    )
    assert told <= 15, "5 % of 200 are 10, with a standard deviation of 3"


def test_the_best_quarter_shows_a_gentle_rise():
    places = np.full(100, 0.5)
    places[[0, 1, 12, 14, 16, 18, 20]] = 0.95
    places[60:63] = 0.95
    found = boundary.judge(small(np.linspace(1, 0, 100), parameters=[SHARE], share=places))
    assert found.evidence == "7 of the best 25 lie in the top tenth of share, 2.5 expected by chance"
    assert found.passed is False


@pytest.mark.parametrize(
    ("parameter", "high", "advice"),
    [
        (Parameter("x", "x", low=10, high=50), 49, "let `x` end at 70 in place of 50"),
        (Parameter("x", "x", log=True, low=0.01, high=1.0), 0.9, "let `x` end at 10 in place of 1"),
        (Parameter("x", "x", low=0.0, high=0.8), 0.79, "let `x` end at 0.9 in place of 0.8"),
        (Parameter("x", "x", options=(1, 2, 3)), 3, "let `x` end at 4 in place of 3"),
    ],
)
def test_the_advice_is_the_new_end(parameter, high, advice):
    middle = 2 if parameter.options else float(np.mean([parameter.low, parameter.high]))
    places = np.full(100, middle)
    places[:6] = high
    found = boundary.judge(small(np.linspace(1, 0, 100), parameters=[parameter], x=places))
    assert (found.passed, found.advice) == (False, advice)


def test_the_low_end_of_a_range_that_begins_at_zero():
    places = np.full(100, 0.5)
    places[:6] = 0.01
    found = boundary.judge(small(np.linspace(1, 0, 100), parameters=[SHARE], share=places))
    assert found.passed is False
    assert "if `network.share` can be below 0" in found.advice


def test_draws_that_are_mostly_at_an_end_are_not_taken_for_good_ones():
    places = np.full(100, 0.95)
    places[::10] = 0.5
    assert boundary.judge(small(np.linspace(1, 0, 100), parameters=[SHARE], share=places)).passed is True


def test_a_parameter_that_is_always_the_same_has_no_ends():
    constant = Parameter("x", "x", low=1.0, high=1.0)
    found = boundary.judge(small(np.linspace(1, 0, 30), parameters=[constant, KIND], x=1.0, kind="a"))
    assert (found.passed, found.evidence) == (None, "no number is searched")


def test_nineteen_trials_are_too_few_for_ends():
    found = boundary.judge(small(np.linspace(1, 0, 19), parameters=[SHARE], share=0.95))
    assert found.evidence == "takes 20 completed configurations, there are 19"


@pytest.mark.parametrize(("near", "passed"), [(1, False), (2, False), (3, True), (9, True)])
def test_the_good_region_has_three_or_more(near, passed):
    """The median is 0, so that 0.5 and more is closer to the best; 0.49 is not."""
    values = [1.0] + [0.5] * (near - 1) + [0.49] * 4 + [0.0] * 60
    found = good_region.judge(small(values))
    assert (found.passed, found.figure) == (passed, near)
    assert ("sweep next toy -o next.toml" in found.advice) is not passed


def chances(kinds, rates=0.03, values=None):
    values = np.linspace(1, 0, len(kinds)) if values is None else values
    return categories.judge(small(values, parameters=[KIND, RATE], kind=kinds, learning_rate=rates))


@pytest.mark.parametrize(("count", "passed"), [(2, False), (3, True)])
def test_an_option_needs_three_completed_trials(count, passed):
    found = chances(["a"] * 40 + ["b"] * count)
    assert found.passed is passed
    assert found.evidence.startswith(f"kind b: {count} trials of {count} completed, ")


def test_an_option_whose_trials_all_diverged_had_no_chance():
    found = chances(["a"] * 40 + ["b"] * 8, values=[*np.linspace(1, 0, 40), *[None] * 8])
    assert (found.passed, found.evidence) == (False, "kind b: all 8 trials diverged")
    assert "`sweep rescue toy --all`" in found.advice


def test_an_option_that_was_never_drawn_had_no_chance():
    found = chances(["a"] * 40)
    assert (found.passed, found.evidence) == (False, "kind b: was never drawn")


@pytest.mark.parametrize(("fair", "passed"), [(1, False), (2, True)])
def test_an_option_with_bad_values_of_all_else_had_no_chance(fair, passed):
    """The best quarter, 15 of 60, has rates of 0.1 in place of 0.01."""
    kinds = ["a"] * 40 + ["b"] * 20
    rates = [0.1] * 15 + [0.01] * 25 + [0.1] * fair + [0.01] * (20 - fair)
    found = chances(kinds, rates)
    assert (found.passed, found.figure) == (passed, fair)
    assert found.evidence == f"kind b: 20 trials of 20 completed, {fair} with good values of all else"


def test_without_a_category_there_is_nothing_to_judge():
    found = categories.judge(small(np.linspace(1, 0, 30), parameters=[SHARE], share=0.5))
    assert (found.passed, found.evidence) == (None, "no category is searched")


def test_of_equal_configurations_none_is_in_a_good_region():
    found = good_region.judge(small([0.5] * 30))
    assert (found.passed, found.evidence) == (None, "half of the 30 completed configurations are equally good")
