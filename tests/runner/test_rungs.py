"""Sweeps whose trials pause at rungs: which go on, whatever trains them, and what is kept of the decisions."""

import os
import random
import signal
import subprocess
import sys

import pandas as pd
import pytest

import sweep
from sweep.checks import doctor
from sweep.checks.decisions import check_decisions
from tests.engine_here import training_here

FILE = """
name = "{name}"
trials = {trials}
repeats = {repeats}
stopping = {stopping}
[data]
dataset = "digits"
[network]
hidden = [{{ int = [4, 24] }}]
activation = {{ kind = "leaky_relu", alpha = 0.3 }}
weights = "he_normal"
biases = "zeros"
output = "softmax"
[training]
epochs = 13
batch_size = 50
optimizer = {{ kind = "sgd", learning_rate = {{ log_uniform = [0.0005, 0.3] }} }}
loss = "cross_entropy"
"""


def write(folder, name="halved", trials=12, repeats=1, stopping='"halving"'):
    file = folder / f"{name}.toml"
    file.write_text(FILE.format(name=name, trials=trials, repeats=repeats, stopping=stopping))
    return file


def table(results):
    """All that must not depend on how a sweep was trained."""
    trials = results.trials().drop(columns=["seconds", "attempt"])
    epochs = results.epochs().drop(columns="seconds")
    return trials, epochs, results.store.decisions(results.record.id)


def assert_same(one, other):
    pd.testing.assert_frame_equal(one[0], other[0], check_exact=True)
    pd.testing.assert_frame_equal(one[1], other[1], check_exact=True)
    assert one[2] == other[2]


def counts(results):
    return results.trials()["status"].value_counts().to_dict()


class TestHere:
    @pytest.fixture(autouse=True)
    def here(self):
        with training_here():
            yield

    def test_the_better_half_goes_on_and_the_epochs_are_those_of_a_whole_training(self, tmp_path):
        results = sweep.run(write(tmp_path))
        whole = sweep.run(write(tmp_path, "whole", stopping="[]"))
        trials = results.trials()
        lost = int(trials["status"].eq("diverged").sum())
        assert 0 < lost < 6
        expected = {"completed": 2, "pruned": 10 - lost, "diverged": lost}  # 12, 6, 3 and 2 enter the rungs 3, 6 and 12
        assert counts(results) == expected
        lengths = trials.loc[trials["status"] != "diverged", "epochs"].value_counts().to_dict()
        assert lengths == {3: 6 - lost, 6: 3, 12: 1, 13: 2}
        merged = results.epochs().merge(whole.epochs(), on=["trial", "epoch"], suffixes=("", "_whole"))
        assert len(merged) == len(results.epochs())
        assert merged["test_loss"].equals(merged["test_loss_whole"])
        report = doctor.examine(os.environ["SWEEP_DB"])
        assert (report.damages, report.notes) == ([], [])

    def test_each_decision_is_kept_with_what_was_compared(self, tmp_path):
        results = sweep.run(write(tmp_path))
        trials = results.trials().set_index("trial")
        at_three = results.epochs().query("1 <= epoch <= 3").groupby("trial")["test_accuracy"].max()
        made = [each for each in results.store.decisions(results.record.id) if each.epoch == 3]
        went_on = [each.trial for each in made if each.decision == "go on"]
        assert len(went_on) == 6
        assert {each.trial for each in made} == set(trials.index[trials["status"] != "diverged"])
        for each in made:
            assert each.value == at_three[each.trial]
            assert each.threshold == at_three[went_on].min()
            assert each.target_epochs == (6 if each.decision == "go on" else None)
        stopped = next(each for each in made if each.decision == "stop")
        assert trials.loc[stopped.trial, "error"] == f"stopped after epoch 3 by the rule 'halving': {stopped.reason}"

    def test_the_trainings_of_a_configuration_go_on_or_stop_together(self, tmp_path):
        results = sweep.run(write(tmp_path, trials=6, repeats=2))
        trials = results.trials()
        for _, same in trials.groupby(trials["trial"] // 2):
            ended = set(same["status"])
            assert len(ended) == 1 or "diverged" in ended
            assert "completed" not in ended or ended == {"completed"}
        assert counts(results)["completed"] >= 2

    def test_an_audit_trains_some_of_the_stopped_to_their_end_and_changes_no_other(self, tmp_path):
        plain = sweep.run(write(tmp_path))
        audited = sweep.run(write(tmp_path, "audited", stopping='{ kind = "halving", audit = 0.5 }'))
        before, after = plain.trials().set_index("trial"), audited.trials().set_index("trial")
        made = audited.store.decisions(audited.record.id)
        chosen = [each.trial for each in made if each.decision == "audit"]
        assert 0 < len(chosen) < before["status"].eq("pruned").sum()
        assert after.loc[chosen, "status"].eq("completed").all()
        assert after.loc[chosen, "epochs"].eq(13).all()
        others = before.index.difference(chosen)
        assert after.loc[others, "status"].equals(before.loc[others, "status"])
        assert after.loc[others, "epochs"].equals(before.loc[others, "epochs"])

    def test_a_rung_with_only_diverged_trials_ends_the_sweep(self, tmp_path):
        file = write(tmp_path)
        results = sweep.run(file, overrides=["learning_rate={uniform=[1e20, 1e21]}"])
        assert counts(results) == {"diverged": 12}
        assert sweep.resume().store.decisions(results.record.id) == []

    def test_a_damaged_trial_that_was_stopped_is_trained_and_stopped_again(self, tmp_path):
        results = sweep.run(write(tmp_path))
        expected = table(results)
        stopped = next(each for each in results.store.decisions(results.record.id) if each.decision == "stop")
        with results.store.database.writing() as connection:
            trial_id = f"(SELECT id FROM trials WHERE number = {stopped.trial})"
            connection.exec_driver_sql(f"UPDATE decisions SET value = 5.0 WHERE trial_id = {trial_id}")
        database = os.environ["SWEEP_DB"]
        report, _ = doctor.repair(database, doctor.examine(database))
        assert report.damages == []
        assert_same(table(sweep.resume()), expected)
        checked = check_decisions(results.record, results.store)
        assert (checked.rule, checked.configurations, checked.different) == ("halving", 12, [])

    def test_decisions_that_the_epochs_do_not_explain_are_found(self, tmp_path):
        results = sweep.run(write(tmp_path))
        better = results.best_trials(1)[0]
        with results.store.database.writing() as connection:
            trial_id = f"(SELECT id FROM trials WHERE number = {better})"
            connection.exec_driver_sql(f"UPDATE epochs SET test_accuracy = 0 WHERE trial_id = {trial_id}")
        different = check_decisions(results.record, results.store).different
        assert any(f"trial {better} was not stopped" in each for each in different)

    def test_one_trial_and_one_point(self, tmp_path):
        alone = sweep.run(write(tmp_path, "alone", trials=1))
        assert counts(alone) == {"completed": 1}
        same = sweep.run(write(tmp_path, "same"), overrides=["hidden=[5]", "learning_rate=0.003", "trials=3"])
        assert counts(same) == {"completed": 1, "pruned": 2}

    def test_a_budget_leaves_trials_paused_and_resuming_gives_the_same_table(self, tmp_path):
        whole = sweep.run(write(tmp_path, "halved"))
        expected = table(whole)
        again = sweep.run(write(tmp_path, "again"), epochs_total=40)
        assert counts(again)["paused"] > 0
        assert_same(table(sweep.resume("again")), expected)

    def test_asha_trains_at_least_one_to_the_end_and_stops_the_others(self, tmp_path):
        results = sweep.run(write(tmp_path, stopping='"asha"'))
        assert set(counts(results)) == {"completed", "pruned", "diverged"}
        assert counts(results)["completed"] < 6

    def test_hyperband_brackets_begin_at_different_rungs(self, tmp_path):
        results = sweep.run(write(tmp_path, stopping='"hyperband"'))
        starts = {each.epoch for each in results.store.decisions(results.record.id)}
        assert len(starts) > 1
        assert counts(results)["completed"] >= 2

    def test_a_function_without_a_state_is_trained_again_from_the_start_and_that_is_said_once(self):
        begun, notes = [], []

        def train(config, trial):
            begun.append(trial.number)
            for epoch in range(8):
                yield {"score": config["x"] * (epoch + 1)}

        class Listening(sweep.observer.Silent):
            def note(self, message):
                notes.append(message)

        results = sweep.run(
            train,
            parameters={"x": {"uniform": [0.0, 1.0]}},
            trials=4,
            epochs=8,
            objective=("score", "max"),
            name="plain",
            deterministic=True,
            overrides=(),
            observer=Listening(),
            stopping="halving",
        )
        assert counts(results) == {"completed": 1, "pruned": 3}
        assert sum("saves no state" in note for note in notes) == 1


@pytest.mark.parametrize("workers", [pytest.param(1, marks=pytest.mark.slow), 3])
def test_the_table_is_the_same_with_any_number_of_workers(tmp_path, workers):
    with training_here():
        expected = table(sweep.run(write(tmp_path)))
    results = sweep.run(write(tmp_path), db=tmp_path / "other.db", workers=workers)
    assert_same(table(results), expected)


def is_begun(database):
    try:
        return database.exists() and bool(sweep.load(db=database))
    except sweep.SweepError:
        return False


@pytest.mark.parametrize(("trials", "most"), [(24, 5), pytest.param(40, 12, marks=pytest.mark.slow)])
def test_the_table_is_the_same_after_kills_at_random_moments(tmp_path, trials, most):
    file = write(tmp_path, trials=trials)
    with training_here():
        expected = table(sweep.run(file))
    database = tmp_path / "killed.db"
    command = [sys.executable, "-m", "sweep", "run", str(file), "--workers", "2", "--db", str(database), "--quiet"]
    times = random.Random(3)
    kills = 0
    for _ in range(most):
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            assert process.wait(1.2 + 1.5 * times.random()) == 0
            break
        except subprocess.TimeoutExpired:
            kills += 1
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if is_begun(database):
            command = [sys.executable, "-m", "sweep", "resume", "halved", *command[5:]]
    else:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    assert kills > 0
    assert_same(table(sweep.load(db=database)), expected)
