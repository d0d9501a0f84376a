"""Halving whose first rung is where the ranks have settled."""

import pytest
from scipy.stats import spearmanr

from sweep.stopping.halving import CANDIDATES, Halving
from tests.stopping.groups import ACCURACY, LAST, Training, ends, paused, standing, train

AUTO = Halving(first="auto")
PLANNED = 50


def settling_at(epoch, trials=8, planned=PLANNED):
    """Curves whose ranks are, at each candidate before an epoch, the reverse of those at its half, and then stay."""
    signs = {1: 1}
    for each in range(2, planned + 1):
        signs[each] = -signs[(each + 1) // 2] if each < epoch else signs[(epoch + 1) // 2]
    return [Training([100 * each + sign * trial for each, sign in signs.items()], planned) for trial in range(trials)]


@pytest.mark.parametrize("first", CANDIDATES)
def test_the_first_rung_is_where_the_ranks_agree_with_those_at_half_its_epochs(first):
    group = settling_at(first)
    value = [[each.values[at - 1] for each in group] for at in range(13)]
    agreements = {r: spearmanr(value[(r + 1) // 2], value[r]).statistic for r in CANDIDATES}
    assert next(r for r in CANDIDATES if agreements[r] >= 0.85) == first, "by another implementation"
    _, decisions = train(AUTO, group, ACCURACY, min)
    assert min(each.epoch for each in decisions if each.target is None) == first
    waits = [each for each in decisions if each.epoch < first]
    assert all(each.target == CANDIDATES[CANDIDATES.index(each.epoch) + 1] for each in waits)
    assert {each.epoch for each in decisions if each.epoch >= first} == {
        first * 2**k for k in range(6) if first * 2**k < PLANNED
    }


@pytest.mark.parametrize("first", CANDIDATES)
def test_from_its_first_rung_on_it_ends_like_halving_from_there(first):
    group = settling_at(first)
    assert ends(train(AUTO, group, ACCURACY, max)[0]) == ends(train(Halving(first=first), group, ACCURACY, min)[0])


def test_it_says_that_all_go_on_while_the_ranks_do_not_agree():
    decisions = AUTO.decide(paused([0.1, 0.6], [0.2, 0.5], [0.3, 0.4], planned=50), ACCURACY)
    assert {each.target for each in decisions} == {3}
    reason = "the ranks at epoch 2 do not agree yet with those at epoch 1, so that all go on to epoch 3"
    assert {each.reason for each in decisions} == {reason}


def test_it_says_that_no_trial_is_stopped_where_the_ranks_never_agree():
    curves = settling_at(13, trials=6, planned=13)
    standings, decisions = train(AUTO, curves, ACCURACY, min)
    assert all(each.state == "completed" for each in standings)
    last = [each for each in decisions if each.epoch == 12]
    assert len(last) == 6 and {each.target for each in last} == {13}
    assert last[0].reason.endswith("there is no later candidate for the first rung, so that no trial is stopped")


def test_a_short_training_never_pauses():
    assert [AUTO.start(0, planned) for planned in (1, 9, 10, 50)] == [None, None, 2, 2]


def test_a_single_configuration_is_never_stopped():
    standings, decisions = train(AUTO, [Training([0.1] * 50, 50)], ACCURACY, min)
    assert ends(standings) == {0: ("completed", 50)}
    assert [each.epoch for each in decisions] == list(CANDIDATES)


@pytest.mark.parametrize(
    ("ranks", "first"),
    [
        ([2, 1, 3, 4, 5], 2),  # the correlation is 1 − 6 · 2 / 120 = 0.9
        ([2, 1, 4, 3, 5], None),  # 1 − 6 · 4 / 120 = 0.8
    ],
)
def test_the_ranks_need_not_agree_quite(ranks, first):
    group = paused(*[[trial, 10 + rank] for trial, rank in enumerate(ranks)], planned=50)
    decisions = AUTO.decide(group, ACCURACY)
    assert {each.target for each in decisions} == ({None, 4} if first else {3})


def test_those_that_are_lost_do_not_count_for_the_agreement():
    """With the lost one, which was the best and became the worst, the correlation would be −0.2."""
    group = [*paused([0.1, 0.2], [0.2, 0.3], [0.3, 0.4], planned=50), standing(3, "lost", 0.9, 0.1, planned=50)]
    assert [each.target for each in AUTO.decide(group, LAST)] == [None, 4, 4], "2 of 4 go on"


def test_a_later_rung_is_known_without_those_that_are_left_out():
    """Audited trials leave the group; the first rung stays what it was, whatever the ranks are without them."""
    rest = [
        standing(0, "lost", 0.9, 0.1, 0.1, planned=50, promotions=1),
        standing(1, "paused", *[0.5, 0.6, 0.7, 0.7, 0.7, 0.8], planned=50, promotions=2),
        standing(2, "paused", *[0.4, 0.7, 0.8, 0.8, 0.8, 0.9], planned=50, promotions=2),
    ]
    assert [(each.trial, each.epoch, each.target) for each in AUTO.decide(rest, ACCURACY)] == [(1, 6, None), (2, 6, 12)]
