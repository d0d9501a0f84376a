"""Asynchronous halving: promotions worked by hand, and laws."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.stopping.asha import Asha
from sweep.stopping.halving import Halving
from sweep.stopping.simulation import Recording, simulate
from tests.stopping.groups import ACCURACY, LOSS, paused, standing, train, trainings

ASHA = Asha()
TRAINING = standing(9, "training")


def only(decisions):
    (decision,) = decisions
    return decision.trial, decision.epoch, decision.target


def test_the_first_that_comes_has_to_wait():
    assert ASHA.decide([*paused([0.5] * 3), TRAINING], ACCURACY) == []


def test_the_better_of_two_goes_on_though_others_are_trained():
    (decision,) = ASHA.decide([*paused([0.5] * 3, [0.6] * 3), TRAINING], ACCURACY)
    assert (decision.trial, decision.epoch, decision.target) == (1, 3, 6)
    assert (decision.value, decision.threshold) == (0.6, 0.6)
    assert decision.reason == "its best test_accuracy, 0.6, is among the best 1 of 2 so far at epoch 3"


def test_where_less_is_better_the_lower_one_goes_on():
    assert only(ASHA.decide([*paused([0.5] * 3, [0.6] * 3), TRAINING], LOSS)) == (0, 3, 6)


def test_one_decision_is_made_at_a_time_the_best_first():
    group = [*paused([0.5] * 3, [0.6] * 3, [0.7] * 3, [0.1] * 3), TRAINING]
    assert only(ASHA.decide(group, ACCURACY)) == (2, 3, 6)
    group[2] = standing(2, "training", *[0.7] * 3, promotions=1)
    assert only(ASHA.decide(group, ACCURACY)) == (1, 3, 6)
    group[1] = standing(1, "training", *[0.6] * 3, promotions=1)
    assert ASHA.decide(group, ACCURACY) == []


def test_one_that_was_let_go_on_early_takes_no_place_from_a_better_one():
    """Of 4 the best 2 may go on: trial 0 went on when it was the best of two, and is now the third."""
    group = [standing(0, "training", *[0.2] * 3, promotions=1), *paused([0.0], [0.1] * 3, [0.5] * 3, [0.4] * 3)[1:]]
    assert only(ASHA.decide([*group, TRAINING], ACCURACY)) == (2, 3, 6)


@pytest.mark.parametrize("values", [(), (0.0,)])
def test_one_that_is_trained_again_from_its_start_keeps_its_place(values):
    """Of 2 that came to epoch 3, 1 may go on, and has: with 3, still 1 may; with 4, one more."""
    group = [standing(0, "training", *values, promotions=1), *paused([0.0], [0.1] * 3, [0.2] * 3, [0.9] * 3)[1:]]
    assert ASHA.decide([*group[:3], TRAINING], ACCURACY) == []
    assert only(ASHA.decide([*group, TRAINING], ACCURACY)) == (3, 3, 6)


def test_it_is_asked_whenever_a_trial_pauses():
    assert Asha.is_asynchronous and not Halving.is_asynchronous


def test_the_highest_rung_comes_first():
    low = paused([0.9] * 3, [0.8] * 3)
    high = [standing(n, "paused", *[0.1 * n] * 6, promotions=1) for n in (2, 3)]
    assert only(ASHA.decide([*low, *high, TRAINING], ACCURACY)) == (3, 6, 10)


def test_those_that_are_lost_count_as_the_worst_that_have_come():
    lost = standing(1, "lost", 0.9)
    assert only(ASHA.decide([*paused([0.1] * 3), lost, TRAINING], ACCURACY)) == (0, 3, 6)
    assert ASHA.decide([lost, TRAINING], ACCURACY) == []


def test_when_nobody_is_trained_the_best_at_the_highest_rung_goes_to_its_end():
    low = standing(0, "paused", *[0.1] * 3)
    (decision,) = ASHA.decide([low, standing(1, "paused", *[0.5] * 6, promotions=1)], ACCURACY)
    assert (decision.trial, decision.epoch, decision.target) == (1, 6, 10)
    assert decision.reason.endswith("is the best at epoch 6, and no trial has been trained to its end")


def test_once_one_is_completed_and_nobody_is_trained_all_others_are_stopped():
    group = [standing(0, "completed", *[0.5] * 10, promotions=2), *paused([0.9], [0.1] * 3)[1:]]
    (decision,) = ASHA.decide(group, ACCURACY)
    assert (decision.trial, decision.target, decision.threshold) == (1, None, 0.5)
    assert decision.reason == "its best test_accuracy, 0.1, is not among the best 1 of 2 so far at epoch 3"


@pytest.mark.parametrize("group", [[], [standing(0, "lost")], [standing(0, "completed", *[0.1] * 10)], [TRAINING]])
def test_nothing_is_decided_where_nobody_is_paused(group):
    assert ASHA.decide(group, ACCURACY) == []


def test_a_single_configuration_is_trained_to_its_end():
    assert only(ASHA.decide(paused([0.1] * 3), ACCURACY)) == (0, 3, 10)


def test_trials_begin_and_go_on_in_turn():
    """One worker, rungs 2 and 4 of 5 epochs; the trials' values are constant."""
    recordings = [Recording(n, [value] * 5, 5, "completed") for n, value in enumerate([1, 2, 0, 3])]
    ends = simulate(Asha(first=2), recordings, ACCURACY)
    # 0 and 1 pause; 1 goes on to 4, and is the first there; 2 pauses; 3 does, and is among the best 2 of 4: to 4, where
    # it is the best of 2: to the end
    assert [(each.epochs, each.end) for each in ends] == [
        (2, "stopped"),
        (4, "stopped"),
        (2, "stopped"),
        (5, "completed"),
    ]


RULES = st.builds(Asha, factor=st.integers(2, 4), first=st.integers(1, 6))


@given(RULES, trainings(), st.sampled_from([ACCURACY, LOSS]), st.randoms(use_true_random=False))
def test_no_lost_one_goes_on_and_somebody_is_trained_to_its_end(rule, group, objective, rng):
    standings, decisions = train(rule, group, objective, rng.choice)  # refuses decisions about any that is not paused
    assert all(each.state in ("completed", "lost") for each in standings)
    can_be_completed = all(len(each.values) == each.planned for each in group)
    assert any(each.state == "completed" for each in standings) or not can_be_completed
    numbers = [each.trial for each in decisions if each.target is None]
    assert len(numbers) == len(set(numbers))


@st.composite
def standings(draw, rule):
    """A group with some at each of the first rungs."""
    found = []
    for trial in range(draw(st.integers(1, 10))):
        promotions = draw(st.integers(0, 2))
        epoch = rule.first * rule.factor**promotions
        state = draw(st.sampled_from(["paused", "training", "lost"]))
        values = draw(st.lists(st.integers(0, 6), min_size=epoch, max_size=epoch))
        if state == "lost":
            values = values[
                : draw(st.integers(rule.first * rule.factor ** (promotions - 1) if promotions else 0, epoch))
            ]
        found.append(standing(trial, state, *values, planned=10**4, promotions=promotions))
    return [*found, standing(99, "training", planned=10**4)]


@given(st.data())
def test_who_goes_on_is_among_the_best_part_of_those_that_have_come_and_nobody_could_higher_up(data):
    rule = Asha(factor=data.draw(st.integers(2, 3)), first=data.draw(st.integers(1, 2)))
    group = data.draw(standings(rule))
    able = {}
    for step in range(3):
        epoch = rule.first * rule.factor**step
        came = [
            (-max(each.values[:epoch], default=0), each.trial)
            if each.promotions > step or each.state == "paused"
            else (1, each.trial)
            for each in group
            if each.promotions > step or (each.promotions == step and each.state != "training")
        ]
        best = [trial for value, trial in sorted(came)[: len(came) // rule.factor] if value <= 0]
        waiting = [t for t in best if group[t].promotions == step and group[t].state == "paused"]
        able |= {epoch: waiting[0]} if waiting else {}
    expected = [(able[max(able)], max(able), max(able) * rule.factor)] if able else []
    assert [(each.trial, each.epoch, each.target) for each in rule.decide(group, ACCURACY)] == expected


@given(RULES, st.lists(st.integers(0, 9), min_size=1, max_size=12, unique=True))
def test_of_curves_that_never_cross_the_best_is_trained_to_its_end(rule, values):
    recordings = [Recording(n, [value + at for at in range(20)], 20, "completed") for n, value in enumerate(values)]
    ends = simulate(rule, recordings, ACCURACY)
    if len(values) >= rule.factor:
        best = values.index(max(values))
        reached = max(each.epochs for each in ends)
        assert ends[best].epochs == reached == 20
