"""The patience rule, beside values worked by hand."""

import pytest

from sweep.stopping import Curve
from sweep.stopping.patience import Patience
from tests.stopping.groups import ACCURACY, LOSS


def nobody(epoch):
    raise AssertionError("the database was asked")


def stop(rule, *values, objective=ACCURACY):
    return rule.decide(Curve(0, values, objective), nobody)


def test_a_trial_that_has_not_gained_for_long_enough_is_stopped():
    found = stop(Patience(epochs=2, grace=0), 0.1, 0.5, 0.4, 0.5)
    assert (found.value, found.threshold) == (0.5, 0.5), "to be as good again is no gain"
    assert found.reason == "its test_accuracy has not been better than 0.5 for 2 epochs"


@pytest.mark.parametrize("values", [(0.1, 0.5, 0.4), (0.1, 0.5, 0.4, 0.6), (0.1, 0.5, 0.6, 0.4)])
def test_a_gain_within_these_epochs_lets_it_go_on(values):
    assert stop(Patience(epochs=2, grace=0), *values) is None


def test_where_less_is_better_a_lower_value_is_a_gain():
    rule = Patience(epochs=1, grace=0)
    assert stop(rule, 0.5, 0.4, objective=LOSS) is None
    assert stop(rule, 0.5, 0.6, objective=LOSS).reason == "its loss has not been better than 0.5 for 1 epoch"


@pytest.mark.parametrize(("epochs", "is_stopped"), [(5, False), (6, True)])
def test_nothing_is_stopped_within_the_grace(epochs, is_stopped):
    assert bool(stop(Patience(epochs=2, grace=5), *[0.1] * epochs)) is is_stopped
