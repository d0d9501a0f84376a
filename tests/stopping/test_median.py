"""The median rule, beside values worked by hand."""

import pytest

from sweep.metrics import Objective
from sweep.stopping import Curve, Stop, decide
from sweep.stopping.median import Median

ACCURACY = Objective("test_accuracy", "max")
LOSS = Objective("loss", "min", tie_break=None)
OTHERS = {1: [0.2, 0.4, 0.6], 2: [0.1, 0.2, 0.3], 3: [0.5, 0.5, 0.8]}
"""Running means 0.4, 0.2 and 0.6: their median is 0.4."""


def others(epoch):
    return {number: values[:epoch] for number, values in OTHERS.items() if len(values) >= epoch}


def curve(*values, objective=ACCURACY):
    return Curve(0, values, objective)


def test_a_trial_below_the_median_is_stopped_with_what_was_compared():
    stop = Median(grace=2, trials=3).decide(curve(0.3, 0.35, 0.1), others)
    assert (stop.value, stop.threshold) == (0.35, pytest.approx(0.4))
    assert stop.reason == "its best test_accuracy, 0.35, is worse than the median of 3 other trials, 0.4"


@pytest.mark.parametrize("values", [(0.1, 0.5, 0.1), (0.0, 0.0, 0.41)])
def test_its_best_value_counts_whenever_it_was_reached(values):
    assert Median(grace=2, trials=3).decide(curve(*values), others) is None


def test_a_trial_at_the_median_goes_on():
    assert Median(grace=0, trials=1).decide(curve(0.5), lambda epoch: {1: [0.5], 2: [0.5]}) is None


def test_where_less_is_better_the_higher_one_is_stopped():
    rule = Median(grace=2, trials=3)
    assert rule.decide(curve(0.9, 0.5, 0.45, objective=LOSS), others)
    assert rule.decide(curve(0.9, 0.5, 0.35, objective=LOSS), others) is None


def test_nothing_is_compared_within_the_grace():
    def never(epoch):
        raise AssertionError("the database was asked")

    assert Median(grace=3).decide(curve(0.0, 0.0, 0.0), never) is None


@pytest.mark.parametrize(("trials", "is_stopped"), [(3, True), (4, False)])
def test_it_waits_for_enough_other_trials(trials, is_stopped):
    assert bool(Median(grace=2, trials=trials).decide(curve(0.0, 0.0, 0.0), others)) is is_stopped


def test_the_first_rule_that_stops_is_named_with_its_reason():
    rules = {"never": Median(grace=9), "median": Median(grace=2, trials=3), "later": Median(grace=0, trials=1)}
    kind, stop = decide(rules, curve(0.0, 0.0, 0.0), others)
    assert (kind, isinstance(stop, Stop)) == ("median", True)
    assert stop.reason.startswith("its best test_accuracy, 0,")
