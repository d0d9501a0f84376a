"""Synchronous halving: rungs worked by hand, and laws."""

import random
from dataclasses import replace
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.stopping.halving import Halving
from tests.stopping.groups import ACCURACY, LAST, LOSS, ends, paused, standing, train, trainings


def targets(decisions):
    return {each.trial: each.target for each in decisions}


GROUP = paused([0.1, 0.2, 0.3], [0.5, 0.4, 0.3], [0.1, 0.1, 0.1], [0.2, 0.2, 0.4], [0.0, 0.0, 0.2])


def test_the_better_half_goes_on_by_its_best_value():
    decisions = Halving().decide(GROUP, ACCURACY)
    assert targets(decisions) == {0: 6, 1: 6, 2: None, 3: 6, 4: None}
    assert [each.value for each in decisions] == [0.3, 0.5, 0.1, 0.4, 0.2]
    assert {each.threshold for each in decisions} == {0.3} and {each.epoch for each in decisions} == {3}
    assert decisions[0].reason == "its best test_accuracy, 0.3, is among the best 3 of 5 at epoch 3"
    assert decisions[2].reason == "its best test_accuracy, 0.1, is not among the best 3 of 5 at epoch 3"


def test_where_the_last_epoch_counts_it_is_compared():
    decisions = Halving(factor=3).decide(GROUP, LAST)
    assert targets(decisions) == {0: 9, 1: None, 2: None, 3: 9, 4: None}, "the values are 0.3, 0.3, 0.1, 0.4, 0.2"
    assert "its last test_accuracy, 0.3, is" in decisions[0].reason


def test_where_less_is_better_the_lower_ones_go_on():
    assert targets(Halving().decide(GROUP, LOSS)) == {0: 6, 1: None, 2: 6, 3: None, 4: 6}


def test_of_equal_values_the_lower_trial_number_goes_on():
    assert targets(Halving().decide(paused(*[[0.5] * 3] * 4), ACCURACY)) == {0: 6, 1: 6, 2: None, 3: None}


@pytest.mark.parametrize("state", ["training", "lost", "completed"])
def test_it_waits_for_those_that_are_trained_only(state):
    group = [*GROUP[:4], standing(4, state, 0.0, 0.0)]
    assert bool(Halving().decide(group, ACCURACY)) is (state != "training")


def test_those_that_are_lost_count_among_those_that_entered_and_take_no_place():
    lost = [standing(number, "lost", 0.9) for number in (2, 3, 4)]
    decisions = Halving().decide([*paused([0.1] * 3, [0.2] * 3), *lost], ACCURACY)
    assert targets(decisions) == {0: 6, 1: 6}, "3 of 5 might go on"


def test_nobody_is_let_go_on_where_all_are_lost():
    assert Halving().decide([standing(number, "lost", 0.9, 0.9, 0.9) for number in range(3)], ACCURACY) == []


def test_a_single_configuration_goes_on_to_its_end():
    rule = Halving()
    assert targets(rule.decide(paused([0.1] * 3), ACCURACY)) == {0: 6}
    assert targets(rule.decide(paused([0.1] * 6, promotions=1), ACCURACY)) == {0: 10}
    assert rule.decide([standing(0, "completed", *[0.1] * 10, promotions=2)], ACCURACY) == []


def test_a_later_rung_is_decided_among_those_that_entered_it():
    stopped = [standing(number, "lost", 0.0, 0.0, 0.0) for number in range(4)]
    entered = [standing(number, "paused", *[0.1 * number] * 6, promotions=1) for number in range(4, 8)]
    assert targets(Halving().decide([*stopped, *entered], ACCURACY)) == {4: None, 5: None, 6: 10, 7: 10}


def test_one_that_is_lost_after_a_rung_had_its_place_there():
    """Of 4 the better 2 went on from epoch 3; one of them is lost before epoch 6: of 2 that entered, 1 goes on."""
    group = [
        standing(0, "lost", 0.5, 0.5, 0.5, promotions=1),
        standing(1, "paused", *[0.4] * 6, promotions=1),
        standing(2, "lost", 0.3, 0.3, 0.3),
        standing(3, "lost", 0.2, 0.2, 0.2),
    ]
    assert targets(Halving().decide(group, ACCURACY)) == {1: 10}


def test_a_training_that_ends_before_a_rung_counts_there_with_its_value():
    short = standing(0, "completed", 0.5, 0.5, planned=2)
    group = [short, *[standing(n, "paused", *[0.1 * n] * 3) for n in (1, 2, 6)]]
    assert targets(Halving().decide(group, ACCURACY)) == {1: None, 2: None, 6: 6}, "0.5 and 0.6 are the better half"
    later = [short, standing(1, "lost", 0, 0, 0), standing(2, "lost", 0, 0, 0)]
    kept = standing(6, "paused", *[0.4] * 6, promotions=1)
    assert targets(Halving().decide([*later, kept], ACCURACY)) == {6: None}, "the short one was better"


def test_a_training_that_ends_before_a_rung_and_is_not_among_the_best_there_enters_no_later_one():
    """Of the 4 at epoch 3 trials 2 and 3 went on; of these 2, 1 goes on at epoch 6."""
    ended = [standing(0, "completed", 0.0, 0.0, planned=2), standing(1, "lost", 0.1, 0.1, 0.1)]
    entered = [standing(number, "paused", *[0.1 * number] * 6, promotions=1) for number in (2, 3)]
    assert targets(Halving().decide([*ended, *entered], ACCURACY)) == {2: None, 3: 10}


def test_trials_first_pause_at_the_first_rung_unless_they_end_there():
    assert [Halving().start(0, planned) for planned in (2, 3, 4, 50)] == [None, None, 3, 3]


def test_what_was_carried_out_only_in_part_is_decided_as_before():
    decisions = Halving().decide(GROUP, ACCURACY)
    group = list(GROUP)
    group[1] = replace(group[1], state="training", promotions=1)
    group[2] = replace(group[2], state="lost")
    assert Halving().decide(group, ACCURACY) == [each for each in decisions if each.trial not in (1, 2)]


def test_one_that_was_lost_just_after_it_was_let_go_on_kept_its_place():
    group = [*GROUP[:1], standing(1, "lost", 0.5, 0.4, 0.3, promotions=1), *GROUP[2:]]
    assert targets(Halving().decide(group, ACCURACY)) == {0: 6, 2: None, 3: 6, 4: None}


@pytest.mark.parametrize("values", [(), (0.0,)])
def test_one_that_is_trained_again_from_its_start_keeps_its_place(values):
    group = [*GROUP[:1], standing(1, "training", *values, promotions=1), *GROUP[2:]]
    assert targets(Halving().decide(group, ACCURACY)) == {0: 6, 2: None, 3: 6, 4: None}


# Laws


def by_hand(rule, trainings, objective):
    """How all end, rung by rung, all at once: an independent statement of the rule for one number of planned epochs."""
    planned = trainings[0].planned
    found, entered, rung = {}, list(range(len(trainings))), rule.first
    while rung < planned:
        alive = [number for number in entered if len(trainings[number].values) >= rung]
        for number in set(entered) - set(alive):
            found[number] = ("lost", len(trainings[number].values))
        sign = -1 if objective.is_max else 1

        def key(number, rung=rung, sign=sign):
            values = trainings[number].values[:rung]
            best = values[-1] if objective.epoch == "last" else sign * min(sign * value for value in values)
            return sign * best, number

        keep = sorted(alive, key=key)[: ceil(len(entered) / rule.factor)]
        found |= {number: ("lost", rung) for number in alive if number not in keep}
        entered, rung = keep, rung * rule.factor
    for number in entered:
        length = len(trainings[number].values)
        found[number] = ("completed" if length == planned else "lost", length)
    return found


RULES = st.builds(Halving, factor=st.integers(2, 4), first=st.integers(1, 6))
OBJECTIVES = st.sampled_from([ACCURACY, LOSS, LAST])


@given(RULES, trainings(is_alike=True), OBJECTIVES, st.randoms(use_true_random=False))
def test_the_end_is_that_of_all_at_once_whatever_the_order(rule, group, objective, rng):
    standings, _ = train(rule, group, objective, rng.choice)
    assert ends(standings) == by_hand(rule, group, objective)


@given(st.one_of(RULES, st.just(Halving(first="auto"))), trainings(), OBJECTIVES, st.integers(0, 999))
def test_any_order_of_arrival_gives_the_same_end_and_the_same_decisions(rule, group, objective, seed):
    in_order = train(rule, group, objective, min)
    assert train(rule, group, objective, max) == (in_order[0], in_order[1])
    standings, decisions = train(rule, group, objective, random.Random(seed).choice)
    assert ends(standings) == ends(in_order[0])
    assert {(each.trial, each.epoch): each for each in decisions} == {(e.trial, e.epoch): e for e in in_order[1]}
    assert not any(each.state == "paused" for each in standings), "nobody waits for ever"


@given(RULES, trainings(), OBJECTIVES, st.randoms(use_true_random=False))
def test_the_order_in_which_the_group_is_given_makes_no_difference(rule, group, objective, rng):
    standings = [
        standing(number, "paused" if len(each.values) >= rule.first else "lost", *each.values[: rule.first], planned=99)
        for number, each in enumerate(group)
    ]
    shuffled = rng.sample(standings, len(standings))
    assert rule.decide(shuffled, objective) == rule.decide(standings, objective)


@given(RULES, trainings(planned=st.integers(20, 30), is_alike=True), st.randoms(use_true_random=False))
def test_a_part_of_those_that_entered_goes_on_and_no_lost_one(rule, group, rng):
    standings, decisions = train(rule, group, ACCURACY, rng.choice)
    rung, entered = rule.first, len(group)
    while here := [each for each in decisions if each.epoch == rung]:
        going_on = sum(each.target is not None for each in here)
        assert going_on == min(ceil(entered / rule.factor), len(here))
        rung, entered = rung * rule.factor, going_on
    stopped = {each.trial for each in decisions if each.target is None}
    assert not any(each.trial in stopped and each.state == "completed" for each in standings)
