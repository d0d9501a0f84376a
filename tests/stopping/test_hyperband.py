"""Hyperband: its brackets, and that each is halved apart from the others."""

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from sweep.stopping.halving import Halving
from sweep.stopping.hyperband import Hyperband, parts
from tests.stopping.groups import ACCURACY, ends, train, trainings


def test_the_brackets_get_the_parts_of_the_paper():
    """Table 1 of the paper, factor 3 and 81 epochs: the brackets begin with 81, 34, 15, 8 and 5 configurations."""
    assert parts(5, 3) == [81, 34, 15, 8, 5]


def test_trials_are_spread_over_the_brackets_in_these_parts():
    starts = Counter(Hyperband().start(place, 50) for place in range(4900))
    assert {start: round(count / 100) for start, count in starts.items()} == {3: 27, 9: 12, 27: 6, None: 4}


@given(st.integers(0, 10_000), st.integers(49, 400))
def test_any_run_of_trials_has_all_brackets_in_about_these_parts(begin, number):
    starts = Counter(Hyperband().start(place, 50) for place in range(begin, begin + number))
    for start, part in {3: 27, 9: 12, 27: 6, None: 4}.items():
        assert abs(starts[start] - number * part / 49) <= 4


def test_a_training_that_ends_before_the_first_rung_never_pauses():
    assert {Hyperband().start(place, 3) for place in range(99)} == {None}


@given(
    st.builds(Hyperband, factor=st.integers(2, 4), first=st.integers(1, 4)),
    trainings(most=20),
    st.randoms(use_true_random=False),
)
def test_each_bracket_ends_as_if_it_were_alone(rule, group, rng):
    together = ends(train(rule, group, ACCURACY, rng.choice)[0])
    firsts = [rule.start(place, each.planned) for place, each in enumerate(group)]
    for first in set(firsts):
        members = [number for number, each in enumerate(firsts) if each == first]
        halving = Halving(factor=rule.factor, first=first or 10**6)
        alone = ends(train(halving, [group[number] for number in members], ACCURACY, min)[0])
        assert {number: together[number] for number in members} == dict(zip(members, alone.values(), strict=True))


def test_a_bracket_depends_on_the_place_in_the_group_not_on_who_is_left_out():
    rule = Hyperband()
    group = [
        replace(each, place=place)
        for place, each in enumerate(train_until_pause(rule, [[0.1 * place] * 50 for place in range(12)]))
    ]
    rest = [each for each in group if each.trial != 0]
    decided = {each.trial: each.epoch for each in rule.decide(rest, ACCURACY)}
    assert decided == {each.trial: each.epoch for each in rest if each.state == "paused"}


def train_until_pause(rule, curves):
    """Where all are when they first pause or end."""
    from tests.stopping.groups import standing

    group = []
    for place, values in enumerate(curves):
        start = rule.start(place, 50)
        state = "completed" if start is None else "paused"
        group.append(standing(place, state, *values[:start], planned=50))
    return group


def test_the_reason_names_the_bracket():
    decisions = Hyperband().decide(train_until_pause(Hyperband(), [[0.1 * n] * 50 for n in range(12)]), ACCURACY)
    assert {each.reason.rsplit(" of ", 1)[1] for each in decisions} <= {
        f"the trials that first pause at epoch {first}" for first in (3, 9, 27)
    }
    assert [each.trial for each in decisions] == sorted(each.trial for each in decisions)
