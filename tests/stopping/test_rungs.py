"""What rung rules share."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from sweep.stopping import KINDS, RepeatRule, Rule, RungRule
from sweep.stopping.rungs import rungs, spearman, value_at
from tests.stopping.groups import ACCURACY, LAST, LOSS, standing

PAIRS = st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=2, max_size=20)


@given(PAIRS)
def test_the_correlation_of_ranks_is_that_of_scipy(pairs):
    first, second = zip(*pairs, strict=True)
    found = spearman(first, second)
    if len(set(first)) == 1 or len(set(second)) == 1:
        assert found is None
    else:
        assert math.isclose(found, spearmanr(first, second).statistic, abs_tol=1e-12)


@pytest.mark.parametrize("values", [[], [1.0]])
def test_fewer_than_two_values_have_no_correlation(values):
    assert spearman(values, values) is None


@pytest.mark.parametrize(("objective", "value"), [(ACCURACY, 0.5), (LOSS, 0.1), (LAST, 0.3)])
def test_what_stands_for_a_configuration_is_told_by_the_objective(objective, value):
    assert value_at(standing(0, "paused", 0.1, 0.5, 0.3, 0.9, 0.0), 3, objective) == value


@pytest.mark.parametrize(
    ("first", "factor", "planned", "expected"),
    [(3, 2, 50, [3, 6, 12, 24, 48]), (3, 2, 48, [3, 6, 12, 24]), (3, 2, 3, []), (1, 3, 10, [1, 3, 9])],
)
def test_rungs_end_before_the_training_does(first, factor, planned, expected):
    assert rungs(first, factor, planned) == expected


def test_each_kind_is_a_rule_for_one_trial_for_many_or_for_repeats():
    for kind, rule in KINDS.items():
        assert sum(issubclass(rule, base) for base in (Rule, RungRule, RepeatRule)) == 1, kind
        assert rule() == rule(), "all options have defaults"
    assert all(rule(audit=0.1).audit == 0.1 for rule in KINDS.values() if issubclass(rule, RungRule))


@pytest.mark.parametrize("kind", [kind for kind, rule in KINDS.items() if issubclass(rule, RungRule)])
@pytest.mark.parametrize("options", [{}, {"first": 7}, {"first": "auto"}])
def test_a_rule_says_why_no_trial_is_stopped_exactly_where_none_pauses(kind, options):
    if options.get("first") == "auto" and kind != "halving":
        return
    rule = KINDS[kind](**options)
    for planned in range(1, 20):
        pauses = any(rule.start(place, planned) is not None for place in range(200))
        assert (rule.warning(planned) is None) is pauses
    least = rule.least_epochs()
    assert rule.warning(2) == f"no trial is stopped: the rule needs at least {least} epochs, not 2"
