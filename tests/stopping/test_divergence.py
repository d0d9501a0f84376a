"""The divergence rule, beside values worked by hand."""

import pytest

from sweep.stopping import Curve
from sweep.stopping.divergence import Divergence
from tests.stopping.groups import ACCURACY, LOSS


def nobody(epoch):
    raise AssertionError("the database was asked")


def stop(rule, *losses):
    """What is decided by the losses, of which the first is that of the untrained network."""
    return rule.decide(Curve(0, [0.5] * (len(losses) - 1), ACCURACY, losses=losses), nobody)


def test_a_loss_that_has_risen_through_half_of_its_fall_stops_the_trial():
    found = stop(Divergence(), 2.0, 1.0, 1.5)
    assert (found.value, found.threshold) == (1.5, 1.5)
    assert found.reason == "its train_loss, 1.5, has risen again from 1 towards 2, the first"


@pytest.mark.parametrize("losses", [(2.0,), (2.0, 1.0), (2.0, 1.0, 1.49), (2.0, 1.0, 1.6, 1.2), (2.0, 2.5, 3.0)])
def test_a_loss_that_is_low_or_has_never_fallen_does_not(losses):
    assert stop(Divergence(), *losses) is None


@pytest.mark.parametrize(("lowest", "is_stopped"), [(1.91, False), (1.89, True)])
def test_a_fall_of_less_than_a_twentieth_does_not_count(lowest, is_stopped):
    assert bool(stop(Divergence(), 2.0, lowest, 3.0)) is is_stopped


def test_it_may_have_to_stand_high_for_some_epochs():
    rule = Divergence(epochs=2)
    assert stop(rule, 2.0, 1.0, 1.6) is None
    assert stop(rule, 2.0, 1.0, 1.6, 1.4, 1.9) is None
    assert stop(rule, 2.0, 1.0, 1.6, 1.7).value == 1.6


def test_the_share_is_that_of_the_fall():
    assert stop(Divergence(share=0.8), 2.0, 1.0, 1.79) is None
    assert stop(Divergence(share=0.8), 2.0, 1.0, 1.81)


def test_where_the_loss_is_not_measured_a_metric_of_which_less_is_better_stands_for_it():
    assert Divergence().decide(Curve(0, [2.0, 1.0, 1.6], LOSS), nobody).reason.startswith("its loss, 1.6, has risen")
    assert Divergence().decide(Curve(0, [0.9, 0.1, 0.1], ACCURACY), nobody) is None, "an accuracy does not"
