"""Replays of rules: who is trained, for how long, and in which order."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.metrics import Objective
from sweep.stopping import Rule, Stop
from sweep.stopping.asha import Asha
from sweep.stopping.divergence import Divergence
from sweep.stopping.halving import Halving
from sweep.stopping.hyperband import Hyperband
from sweep.stopping.median import Median
from sweep.stopping.patience import Patience
from sweep.stopping.simulation import Recording, completed, simulate
from tests.stopping.groups import VALUES, ends, train, trainings

ACCURACY = Objective("test_accuracy", "max")


def recorded(*curves, planned=None, ending="completed"):
    return [Recording(n, list(values), planned or len(values), ending) for n, values in enumerate(curves)]


def told(outcomes):
    return [(each.epochs, each.end) for each in outcomes]


def test_halving_of_four_trials_by_hand():
    outcomes = simulate(Halving(first=1), recorded([4, 4, 0, 4], [3, 5, 5, 5], [9, 9, 9, 9], [1, 6, 6, 6]), ACCURACY)
    # epoch 1: 9 and 4 go on of 4; epoch 2: 9 goes on of 2
    assert told(outcomes) == [(2, "stopped"), (1, "stopped"), (4, "completed"), (1, "stopped")]
    assert list(completed(outcomes)) == [2]


@pytest.mark.parametrize(("ending", "end"), [("lost", "lost"), ("unknown", "unknown")])
def test_a_record_that_ends_early_ends_the_trial(ending, end):
    recordings = [*recorded([1, 1, 1, 1]), Recording(1, [5, 5, 5], 4, ending), Recording(2, [], 4, ending)]
    assert told(simulate(Halving(first=2), recordings, ACCURACY)) == [(4, "completed"), (3, end), (0, end)]
    assert told(simulate(Patience(), recordings, ACCURACY)) == [(4, "completed"), (3, end), (0, end)]


def test_a_trial_that_a_rule_stops_where_its_record_ends_was_stopped_by_it():
    recordings = [*recorded([2, 2, 2, 2]), Recording(1, [1, 1], 4, "unknown")]
    assert told(simulate(Halving(first=2), recordings, ACCURACY)) == [(4, "completed"), (2, "stopped")]


@dataclass(frozen=True)
class Watching(Rule):
    """Stops nothing, but notes who had had which epoch."""

    seen: list

    def decide(self, curve, others):
        self.seen.append((curve.trial, curve.epoch, sorted(others(curve.epoch)), list(curve.losses)))
        return Stop(0, 0, "") if curve.trial == 1 and curve.epoch == 2 else None


def test_one_worker_trains_one_trial_after_the_other():
    seen = []
    recordings = recorded([1] * 3, [2] * 3)
    assert told(simulate(Watching(seen), recordings, ACCURACY)) == [(3, "completed"), (2, "stopped")]
    assert [each[:3] for each in seen] == [(0, 1, []), (0, 2, []), (1, 1, [0]), (1, 2, [0])]


def test_two_workers_train_two_trials_at_the_same_pace():
    seen = []
    simulate(Watching(seen), recorded([1] * 3, [2] * 3, [3] * 2), ACCURACY, workers=2)
    expected = [(0, 1, []), (1, 1, [0]), (0, 2, []), (1, 2, [0]), (2, 1, [0, 1])]
    assert [each[:3] for each in seen] == expected, "the third begins when the second is stopped"


def test_a_rule_sees_the_losses_so_far_that_of_the_untrained_network_included():
    seen = []
    simulate(Watching(seen), [Recording(0, [1, 1, 1], 3, "completed", [9, 8, 7, 6])], ACCURACY)
    assert [each[3] for each in seen] == [[9, 8], [9, 8, 7]]
    rising = Recording(0, [1] * 4, 4, "completed", [9, 1, 8, 8, 8])
    assert told(simulate(Divergence(), [rising], ACCURACY)) == [(2, "stopped")]


@pytest.mark.parametrize("objective", [ACCURACY, Objective("loss", "min", tie_break=None)])
@given(st.data())
def test_many_workers_end_halving_as_one_does_and_as_a_runner_would(objective, data):
    rule = data.draw(st.sampled_from([Halving(), Halving(factor=3, first=2), Halving(first="auto"), Hyperband()]))
    group = data.draw(trainings())
    recordings = [
        Recording(n, each.values, each.planned, "completed" if len(each.values) == each.planned else "lost")
        for n, each in enumerate(group)
    ]
    alone = simulate(rule, recordings, objective)
    assert simulate(rule, recordings, objective, workers=data.draw(st.integers(2, 15))) == alone
    states = {"stopped": "lost"}
    by_hand = ends(train(rule, group, objective, min)[0])
    assert {each.trial: (states.get(each.end, each.end), each.epochs) for each in alone} == by_hand


@given(
    st.sampled_from([Asha(), Halving(), Median(trials=1, grace=1), Patience(epochs=2, grace=1)]),
    st.lists(st.lists(VALUES, min_size=8, max_size=8), min_size=1, max_size=8),
    st.integers(1, 4),
)
def test_each_trial_ends_once_and_within_its_record(rule, curves, workers):
    outcomes = simulate(rule, recorded(*curves), ACCURACY, workers)
    assert [each.trial for each in outcomes] == list(range(len(curves)))
    assert all((each.epochs == 8) == (each.end == "completed") and 1 <= each.epochs <= 8 for each in outcomes)
    assert any(each.end == "completed" for each in outcomes) or isinstance(rule, Patience | Median)
