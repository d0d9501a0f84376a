"""The limit of the first epoch's time."""

import pytest

from sweep.metrics import Objective
from sweep.stopping import Curve, decide, sentence
from sweep.stopping.limit import SecondsPerEpoch
from sweep.stopping.median import Median


def decided(*seconds, rules=None):
    curve = Curve(0, [0.5] * max(1, len(seconds)), Objective(), seconds=seconds)
    return decide(rules or {"seconds_per_epoch": SecondsPerEpoch(2)}, curve, lambda epoch: {})


def test_a_slow_first_epoch_ends_a_trial_with_what_was_compared():
    kind, stop = decided(2.5)
    assert (kind, stop.value, stop.threshold) == ("seconds_per_epoch", 2.5, 2)
    assert sentence(SecondsPerEpoch.noun, kind, 1, stop.reason) == (
        "stopped after epoch 1 by the limit 'seconds_per_epoch': the first epoch took 2.5 s, more than 2 s"
    )


@pytest.mark.parametrize("seconds", [(2.0,), (0.1, 9.0), ()])
def test_a_later_epoch_may_take_longer_and_an_unknown_time_ends_nothing(seconds):
    assert decided(*seconds) is None


def test_a_trial_that_is_gone_on_with_is_judged_by_its_first_epoch():
    assert decided(2.5, 0.1)[1].value == 2.5


def test_rules_are_still_called_rules():
    rules = {"median": Median(grace=0, trials=1)}
    kind, _ = decide(rules, Curve(0, [0.1], Objective(), seconds=[9.0]), lambda epoch: {1: [0.5]})
    assert sentence(rules[kind].noun, kind, 1, "why") == "stopped after epoch 1 by the rule 'median': why"
