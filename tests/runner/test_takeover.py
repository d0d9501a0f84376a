"""Sweeps that start from an earlier one: what that has trained of their trials is taken over."""

import os

import pytest

import sweep
from sweep.checks import doctor
from sweep.errors import SweepError
from tests.engine_here import training_here
from tests.runner.test_growth import write
from tests.runner.test_rungs import counts

RANDOM = '"random"'


@pytest.fixture(autouse=True)
def here():
    with training_here():
        yield


def test_the_same_configuration_with_the_same_seeds_is_not_trained_twice(tmp_path):
    first = sweep.run(write(tmp_path, "first", 6, RANDOM))
    again = sweep.run(write(tmp_path, "again", 9, RANDOM, 'start_from = "first"'))
    whole = sweep.run(write(tmp_path, "whole", 9, RANDOM))
    trials = again.trials()
    assert [again.trial(number).taken_from for number in range(9)] == [f"first/{n}" for n in range(6)] + [None] * 3
    figures = [name for name in trials if name not in ("seconds", "attempt")]
    assert trials[figures].equals(whole.trials()[figures])
    assert again.epochs(2).drop(columns="seconds").equals(whole.epochs(2).drop(columns="seconds"))
    assert again.epochs(2).equals(first.epochs(2))
    report = doctor.examine(os.environ["SWEEP_DB"])
    assert (report.damages, report.notes) == ([], [])


def test_it_may_be_ranked_by_another_metric_and_halved(tmp_path):
    sweep.run(write(tmp_path, "first", 6, RANDOM))
    more = 'start_from = "first"\nstopping = "halving"\nobjective = { metric = "test_loss" }'
    again = sweep.run(write(tmp_path, "again", 12, RANDOM, more))
    trials = again.trials()
    for number in range(6):
        if again.trial(number).status == "completed":
            assert trials["test_loss"][number] == again.epochs(number)["test_loss"].min()
    assert counts(again)["pruned"] > 0
    assert trials["status"][:6].isin(["completed", "diverged"]).all()


def test_other_seeds_or_other_epochs_take_nothing_and_that_is_said(tmp_path):
    notes = []

    class Listening(sweep.observer.Silent):
        def note(self, message):
            notes.append(message)

    sweep.run(write(tmp_path, "first", 2, RANDOM))
    file = write(tmp_path, "again", 2, RANDOM, 'start_from = "first"')
    for name, overrides in (("seeds", ["seed=1"]), ("epochs", ["epochs=3"])):
        again = sweep.run(file, name=name, overrides=overrides, observer=Listening())
        assert again.trial(0).taken_from is None
    assert sum("nothing could be taken over from first" in note for note in notes) == 2


def test_a_sweep_that_is_not_there_is_named_before_anything_is_stored(tmp_path):
    sweep.run(write(tmp_path, "first", 1, RANDOM))
    with pytest.raises(SweepError, match=r"start_from: there is no sweep 'fist'.*did you mean 'first'"):
        sweep.run(write(tmp_path, "again", 2, RANDOM, 'start_from = "fist"'))
    assert len(sweep.load("first").store.names()) == 1
