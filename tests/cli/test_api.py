"""Tests of what `import sweep` gives: the same sweeps as on the command line, as frames."""

import sqlite3

import numpy as np
import pytest

import sweep
from sweep.errors import ExperimentError, StoreError, SweepError, UsageError

NAME = "digits-quickstart"


@pytest.fixture
def results(workplace):
    return sweep.load()


def test_the_frames_of_a_sweep_belong_together(results):
    trials, epochs = results.trials(), results.epochs()
    completed = trials[trials["status"] == "completed"]
    assert [*trials["trial"]] == [*range(8)]
    assert results.name == NAME
    assert {*results.best(100)["trial"]} == {*results.worst(100)["trial"]} == {*completed["trial"]}
    assert [*results.best(100)["trial"]] != [*results.worst(100)["trial"]]
    assert {*results.diverged()["trial"]} == {*trials["trial"]} - {*completed["trial"]}
    for row in completed.itertuples():
        own = epochs[epochs["trial"] == row.trial]
        assert [*own["epoch"]] == [0, 1, 2]
        assert own["test_accuracy"].max() == row.test_accuracy
        assert results.epochs(row.trial).equals(own.reset_index(drop=True))
    assert np.isfinite(epochs.drop(columns=["trial", "epoch"]).to_numpy(float)).all()


def test_the_parameters_are_those_that_were_drawn(results):
    drawn = results.experiment.trials()
    frame = results.trials()
    for parameter in results.parameters:
        values = [trial.parameters[parameter.name] for trial in drawn]
        assert [*frame[parameter.short_name]] == values
    for trial in drawn:
        assert results.trial(trial.number).configuration == trial.configuration


def test_a_sweep_runs_and_resumes_to_the_same_bits(workplace, capsys, here):
    db = str(workplace / "own.db")
    overrides = ["name=mine", "trials=2", "epochs=1", "learning_rate=0.1"]
    ran = sweep.run(NAME, overrides=overrides, workers=1, db=db, observer=None)
    assert ran.name == "mine"
    assert ran.folder == workplace / "own.db-files" / "mine"
    before = ran.epochs().drop(columns="seconds")
    assert len(before) == 4
    connection = sqlite3.connect(db)
    with connection:
        connection.execute("UPDATE trials SET status = 'interrupted'")
    connection.close()
    resumed = sweep.resume(db=db, workers=1, observer=None)
    assert resumed.epochs().drop(columns="seconds").equals(before)
    assert [*resumed.trials()["attempt"]] == [2, 2]
    assert sweep.load("mine", db=db).best()["trial"].tolist() == resumed.best()["trial"].tolist()
    assert capsys.readouterr() == ("", "")
    with pytest.raises(SweepError, match="mine"):
        sweep.run(NAME, overrides=overrides, workers=1, db=db)


def test_a_chart_is_a_figure(results):
    assert len(results.plot(["alpha", "learning_rate"], "test_loss").axes) >= 2


def test_every_mistake_is_an_error_of_ours(workplace):
    with pytest.raises(ExperimentError):
        sweep.run("qqq", db="new.db")
    with pytest.raises(UsageError):
        sweep.run(NAME, overrides=["epochs"], db="new.db")
    with pytest.raises(StoreError):
        sweep.load(db="new.db")
    with pytest.raises(StoreError):
        sweep.resume(db="new.db")
    with pytest.raises(SweepError):
        sweep.load("qqq")
    with pytest.raises(UsageError):
        sweep.load().best(where="qqq > 1")
    with pytest.raises(UsageError):
        sweep.load().best(by="accuracy")
    with pytest.raises(SweepError):
        sweep.load().trial(99)


def test_the_database_is_the_one_given_else_that_of_the_environment_else_the_default(monkeypatch):
    monkeypatch.setenv("SWEEP_DB", "environment.db")
    assert sweep.database_url("given.db") == "given.db"
    assert sweep.database_url() == "environment.db"
    monkeypatch.delenv("SWEEP_DB")
    assert sweep.database_url() == sweep.DEFAULT_DATABASE
