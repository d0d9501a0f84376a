"""Rescue: which twins are trained, which of them go on, what it costs, and how it is stopped and gone on with."""

from dataclasses import replace

import pandas as pd
import pytest

import sweep
from sweep.cli.hints import sentence
from sweep.errors import SweepError, UsageError
from sweep.metrics import Objective
from sweep.records import Divergence, Epoch, Weights
from sweep.runner import rescue as rescuing
from sweep.runner.changes import changes
from sweep.runner.rescue import plan_twins
from sweep.runner.train import SweepInterrupted, TooManyFailures
from sweep.runner.twin_results import Judge, Member, members
from sweep.store.decisions import Competitor
from sweep.system.signals import Signalled
from tests.runner.diverging import Listening, late

pytestmark = pytest.mark.usefixtures("here")


def planned(row, epoch, epochs, times=3.0, kept=None):
    """The planned twins of a trial that diverges in an epoch, as (change, whether it forks), and the epoch of pause."""
    weights = None if kept is None else Weights("", kept)
    row = replace(row, planned_epochs=epochs, divergence=Divergence(epoch, 1, "loss", "overflow"), weights=weights)
    found = plan_twins(row, changes(row.configuration, row.seeds, row.seeds, 1.0), times)
    return [(each.change, each.is_fork) for each in found], {each.target for each in found}


ALL = ["clip", "warm-up", "rate / 2", "rate / 4", "slope 0", "z_score", "float64", "seed"]
FORKS = [(name, True) for name in ALL if name not in ("warm-up", "z_score")]


def test_in_the_first_epoch_there_is_nothing_to_fork_from(toy):
    assert planned(toy.trial(0), 1, 30) == ([(name, False) for name in ALL], {3})


def test_forks_come_first_and_then_what_does_not_fork(toy):
    starts = [("warm-up", False), ("z_score", False)]
    found, pause = planned(toy.trial(0), 10, 30, kept=9)
    assert (found[: len(FORKS) + 2], pause) == ([*FORKS, *starts], {12})
    assert planned(toy.trial(0), 30, 30) == ([*FORKS, ("warm-up", False)], {30})
    assert len(planned(toy.trial(0), 10, 30, times=30)[0]) == len(FORKS) + len(ALL)


@pytest.mark.parametrize("epochs", [1, 2, 5, 30, 50])
@pytest.mark.parametrize("times", [rescuing.LEAST_TIMES, 3.0, 4.5])
def test_what_is_planned_takes_no_more_than_it_may(toy, epochs, times):
    for epoch in range(1, epochs + 1):
        found, (pause,) = planned(toy.trial(0), epoch, epochs, times)
        each = {name: 2 if name == "float64" else 1 for name in ALL}
        trained = sum(each[name] * (pause - (epoch - 1 if forks else 0)) for name, forks in found)
        assert epoch + trained + 2 * (epochs - pause) <= times * epochs


@pytest.mark.parametrize("epochs", [1, 2, 3, 5, 30])
def test_of_own_trainers_no_more_is_planned_either(toy, epochs):
    row, times = toy.trial(0), rescuing.LEAST_TIMES_OWN
    for epoch in range(1, epochs + 1):
        own = replace(row, configuration={"trainer": {}, "parameters": {"lr": 2.0}})
        found, (pause,) = planned(own, epoch, epochs, times)
        endings = 0 if pause == epochs else 2 * epochs  # a twin without a pause has only one training
        assert len(found) * pause + endings <= times * epochs


def test_every_casualty_has_twins_all_of_which_have_ended(rescued):
    casualties = sweep.load("toy").diverged()["trial"].tolist()
    assert sorted({each.parent for each in members(rescued.record, rescued.store)}) == casualties
    assert set(rescued.trials()["status"]) <= {"completed", "diverged", "pruned"}


def test_a_casualty_takes_at_most_three_times_the_epochs_of_one_trial(rescued):
    toy = sweep.load("toy")
    spent = {number: toy.trial(number).divergence.epoch for number in toy.diverged()["trial"]}
    for each in members(rescued.record, rescued.store):
        begun = each.trial.last_epoch + (each.trial.status == "diverged")
        spent[each.parent] += (begun - (each.fork or 0)) * (2 if each.change == "float64" else 1)
    assert max(spent.values()) <= 3 * 8


def test_the_smallest_change_that_has_learned_is_trained_to_the_end(rescued):
    went_on = {each.trial for each in rescued.store.decisions(rescued.record.id) if each.decision == "go on"}
    assert went_on
    for parent in {each.parent for each in members(rescued.record, rescued.store)}:
        twins = [each for each in members(rescued.record, rescued.store) if each.parent == parent]
        judge = rescuing.judge(rescued.record, sweep.load("toy").record.id, twins, rescued.store)
        able = [each for each in twins if judge.has_learned(rescuing.values_of(rescued.record, each, rescued.store))]
        if able and any(each.trial.number in went_on for each in twins):
            assert able[0].trial.number in went_on
            assert able[0].trial.status == "completed"
            assert len(rescued.epochs(able[0].trial.number)) == 9


def test_twins_are_judged_by_the_best_of_all_until_they_paused(rescued):
    toy = sweep.load("toy")
    for number in toy.diverged()["trial"]:
        twins = [each for each in members(rescued.record, rescued.store) if each.parent == number]
        epochs = pd.concat([toy.epochs(number), *(rescued.epochs(each.trial.number) for each in twins)])
        until = epochs[epochs["epoch"] <= toy.trial(number).divergence.epoch + 2]["test_accuracy"]
        judge = rescuing.judge(rescued.record, toy.record.id, twins, rescued.store)
        assert judge.threshold == (until.iloc[0] + until.max()) / 2


def test_forks_keep_all_of_their_parents_epochs(rescued):
    toy, found = sweep.load("toy"), 0
    for each in members(rescued.record, rescued.store):
        if each.fork:
            kept = rescued.store.trial_epochs(rescued.record.id, each.trial.number)[: each.fork + 1]
            assert kept == toy.store.trial_epochs(toy.record.id, each.parent)
            found += 1
    assert found >= 6


def test_given_again_nothing_is_trained(rescued):
    before, listening = rescued.trials(), Listening()
    again = sweep.rescue(name="toy", observer=listening)
    assert again.trials().equals(before)
    assert listening.notes == ["all twins are trained already, in toy.rescue"]
    assert len(sweep.rescue(late(sweep.load("toy"))[0], name="toy", times=20).trials()) > len(before)


def test_what_is_stopped_in_between_is_finished_by_resume(toy, monkeypatch):
    number = late(toy)[0]
    whole = sweep.rescue(number, name="toy", twins="whole").trials()
    with monkeypatch.context() as patch:
        patch.setattr(rescuing, "conclude", lambda *args: None)
        stopped = sweep.rescue(number, name="toy")
    assert "paused" in set(stopped.trials()["status"])
    resumed = sweep.resume("toy.rescue").trials()
    same = [name for name in whole if name not in ("seconds", "attempt", "error")]
    assert resumed[same].equals(whole[same])


@pytest.mark.parametrize(
    ("error", "number", "words"), [(SweepInterrupted, 130, "stopped; "), (TooManyFailures, 1, "stopped after 1 trial")]
)
def test_what_is_stopped_goes_on_by_the_same_call_and_resume_tells_what_is_left(toy, monkeypatch, error, number, words):
    def stop(*args):
        raise error("toy.rescue", number)

    with monkeypatch.context() as patch:
        patch.setattr(rescuing, "train_queued", stop)
        with pytest.raises(error, match=words) as told:
            sweep.rescue(name="toy")
    assert str(told.value).endswith("o on with: sweep.rescue(name='toy')")
    listening, left = Listening(), len(toy.diverged()) - 1
    sweep.resume("toy.rescue", observer=listening)
    have = "trial of toy that diverged has" if left == 1 else "trials of toy that diverged have"
    note = f"note: {left} {have} no twins yet; add them with: sweep rescue toy --all"
    assert listening.notes[-1] == note
    sweep.resume("toy.rescue", observer=listening)
    assert listening.notes[-2:] == ["nothing is left to train in toy.rescue", note]


def test_a_signal_before_the_first_twin_names_the_same_call(toy, monkeypatch):
    def stop(*args):
        raise Signalled(2)

    monkeypatch.setattr(rescuing, "revisit", stop)
    with pytest.raises(SweepInterrupted, match=r"Go on with: sweep\.rescue\(name='toy'\)$") as told:
        sweep.rescue(name="toy")
    assert told.value.exit_code == 130
    with pytest.raises(SweepError, match=r"no twins of trials of toy are trained; do so with: sweep\.rescue\(name="):
        sweep.resume("toy.rescue")


def test_the_call_that_goes_on_is_the_same(toy):
    casualties = toy.diverged()["trial"].tolist()
    calls = [
        rescuing.again(toy.record, casualties, "toy.rescue", toy.store),
        rescuing.again(toy.record, casualties[:1], "toy.rescue", toy.store, 4.5),
        rescuing.again(toy.record, casualties[:1], "mine", toy.store),
    ]
    first = casualties[0]
    assert [str(call) for call in calls] == [
        "sweep.rescue(name='toy')",
        f"sweep.rescue({first}, name='toy', times=4.5)",
        f"sweep.rescue({first}, name='toy', twins='mine')",
    ]
    assert [sentence(SweepError(call)) for call in calls] == [
        "sweep rescue toy --all",
        f"sweep rescue toy/{first} --times 4.5",
        f"sweep rescue toy/{first} --twins mine",
    ]


def test_a_sweep_all_of_whose_casualties_have_twins_tells_of_none(rescued):
    listening = Listening()
    sweep.resume("toy.rescue", observer=listening)
    assert listening.notes == ["nothing is left to train in toy.rescue"]


def test_two_processes_train_each_twin_once(toy, monkeypatch):
    numbers, revisit, replayed = late(toy)[:2], rescuing.revisit, []

    def while_another_rescues(record, row, *args):
        replayed.append(row.number)
        if len(replayed) == 1:
            sweep.rescue(numbers, name="toy", db=toy.store.database.path)
        return revisit(record, row, *args)

    monkeypatch.setattr(rescuing, "revisit", while_another_rescues)
    trials = sweep.rescue(numbers, name="toy").trials()
    assert replayed == [numbers[0], *numbers]
    assert not trials.duplicated(["parent", "change", "begin"]).any()
    assert set(trials["parent"]) == {f"toy/{number}" for number in numbers}


def test_no_time_is_no_twins_and_that_is_said(toy):
    listening = Listening()
    with pytest.raises(SweepError, match="the time was over before the first twin could be trained"):
        sweep.rescue(late(toy), name="toy", duration=1e-6, observer=listening)
    assert sum("no time is left for toy/" in note for note in listening.notes) == len(late(toy))


def test_what_cannot_be_rescued_is_refused_in_a_sentence(toy, rescued_once):
    completed = int(toy.best(1)["trial"].iloc[0])
    with pytest.raises(SweepError, match=f"toy/{completed} is completed, not diverged, so there is nothing"):
        sweep.rescue(completed, name="toy")
    with pytest.raises(SweepError, match="there is no trial 99"):
        sweep.rescue(99, name="toy")
    with pytest.raises(SweepError, match="toy is a sweep already, and not one of twins of toy"):
        sweep.rescue(name="toy", twins="toy")
    with pytest.raises(SweepError, match=r"the trials of toy\.rescue are twins of those of toy already"):
        sweep.rescue(name="toy.rescue", db=rescued_once / "sweeps.db")


@pytest.mark.parametrize("name", ["a/b", "", ".rescue", "a\n", "a" * 101])
def test_a_name_that_no_sweep_can_have_is_refused_before_anything_is_trained(toy, name):
    listening = Listening()
    with pytest.raises(
        UsageError, match=r"a sweep of twins cannot be called '.*': give up to 100 letters.* with twins$"
    ):
        sweep.rescue(late(toy), name="toy", twins=name, observer=listening)
    assert listening.notes == []


@pytest.mark.parametrize("times", [-1, 0, 0.5, 1.99, float("nan")])
def test_a_limit_that_cannot_be_kept_is_refused(toy, times):
    with pytest.raises(UsageError, match=f"times must be at least 2, not {times:g}, as replaying a trial and"):
        sweep.rescue(late(toy), name="toy", times=times)


def test_a_damaged_configuration_is_told(toy, monkeypatch):
    number = late(toy)[0]
    damaged = replace(toy.trial(number), configuration={"data": 1, "network": {}, "training": None})
    monkeypatch.setattr(type(toy.store), "trial", lambda *args: damaged)
    with pytest.raises(SweepError, match=f"the configuration of toy/{number} is damaged"):
        sweep.rescue(number, name="toy")


OBJECTIVE = Objective()


def decided(monkeypatch, *twins):
    """What is decided about twins of one casualty, given by size as (status, last value, how often they went on)."""
    made = []
    for number, (status, _, promotions, *finding) in enumerate(twins):
        trial = Competitor(number, status, 0, 30, 5, promotions, None, None, None, None, *finding)
        made.append(Member(trial, 3, "clip", "", None))
    monkeypatch.setattr(rescuing, "values_of", lambda record, twin, store: [0.9, twins[twin.trial.number][1]])
    found = rescuing._decided(None, Judge(OBJECTIVE, 0.5), made, None)
    return [(each.trial, each.decision, each.epoch, each.value, each.threshold) for each in found]


def test_the_first_twin_that_has_learned_goes_on_and_the_others_wait(monkeypatch):
    twins = [("diverged", 0.9, 0), ("paused", 0.4, 0), ("paused", 0.6, 0), ("paused", 0.8, 0)]
    assert decided(monkeypatch, *twins) == [(2, "go on", 5, 0.6, 0.5)]
    assert [each[:2] for each in decided(monkeypatch, *twins[:2])] == [(1, "stop")]


def test_a_twin_that_was_found_never_to_learn_does_not_go_on(monkeypatch):
    twins = [("paused", 0.9, 0, "never learned in 3 epochs"), ("paused", 0.8, 0)]
    assert decided(monkeypatch, *twins) == [(1, "go on", 5, 0.8, 0.5)]


def test_once_one_has_sufficed_to_the_end_the_others_stop(monkeypatch):
    twins = [("completed", 0.8, 1), ("paused", 0.9, 0), ("paused", 0.4, 0)]
    assert [each[:2] for each in decided(monkeypatch, *twins)] == [(1, "stop"), (2, "stop")]
    unlearned = [("completed", 0.4, 1), *twins[1:]]
    assert [each[:2] for each in decided(monkeypatch, *unlearned)] == [(1, "go on")]


def test_if_two_that_went_on_diverge_no_third_does(monkeypatch):
    twins = [("diverged", 0.8, 1), ("paused", 0.9, 0), ("paused", 0.9, 0)]
    assert [each[:2] for each in decided(monkeypatch, *twins)] == [(1, "go on")]
    twins[1] = ("diverged", 0.9, 1)
    assert [each[:2] for each in decided(monkeypatch, *twins)] == [(2, "stop")]


def epochs(*values):
    return [Epoch(number, 0.0, {"test_accuracy": value, "test_loss": 1.0}) for number, value in enumerate(values)]


def test_what_has_learned_is_better_than_half_way_to_the_best():
    judge = Judge.of(OBJECTIVE, epochs(0.1, 0.5, 0.7), [[0.6], [0.9, 0.2], []])
    assert judge.threshold == pytest.approx(0.5)
    assert judge.has_learned([0.2, 0.51])
    assert not judge.has_learned([0.9, 0.5])
    assert not judge.has_learned([])
    less = Judge.of(Objective("test_loss", "min"), epochs(0.1), [[0.2]])
    assert less.threshold == pytest.approx(0.6)
    assert less.has_learned([0.5])


def test_without_an_untrained_network_whatever_does_not_diverge_has_learned():
    judge = Judge.of(OBJECTIVE, epochs(0.1, 0.5)[1:], [[0.9]])
    assert judge.has_learned([0.0])
    assert not judge.has_learned([])
