"""The page on the search over nearly everything."""

import sqlite3
from contextlib import closing

import pandas as pd
import pytest

import sweep
from benchmarks.reproduction.exports import Results, export
from benchmarks.reproduction.figures import rendered
from benchmarks.reproduction.pages.everything import NAME, Everything, curve_of, saved, shortened
from benchmarks.reproduction.trainings import Training
from tests.engine_here import training_here

SMALL = Training(NAME, NAME, ("trials=12", "training.epochs=4", 'data.dataset="digits"', 'stopping="halving"'))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The exports of a small search, with two finalists."""
    folder = tmp_path_factory.mktemp("everything")
    database = folder / "sweeps.db"
    with training_here():
        sweep.run(NAME, overrides=SMALL.overrides, db=database)
        found = sweep.finalists(2, seeds=2, name=NAME, db=database)
    export(found, SMALL, folder)
    Everything().add({NAME: found}, folder, None)
    return folder


def page(folder):
    """The page without the circumstances of the sweep."""
    page = Everything()
    return rendered(page.template, {"name": NAME, "abouts": {}, **page.content(Results(folder))})


def test_what_has_been_trained_is_told_and_the_rest_named(folder):
    text = page(folder)
    assert "**Cut short:** 12 trials have been trained instead of 1,000." in text
    assert "**Cut short:** the way to the best one has not been trained yet." in text
    assert "with fresh seeds yet" not in text
    (folder / "finalists.csv").rename(folder / "moved.csv")
    assert "**Cut short:** the best configurations have not been trained with fresh seeds yet." in page(folder)
    (folder / "moved.csv").rename(folder / "finalists.csv")


def test_finalists_that_are_still_trained_are_left_out(folder, tmp_path):
    with closing(sqlite3.connect(folder / "sweeps.db")) as connection:
        connection.execute("VACUUM INTO ?", [str(tmp_path / "sweeps.db")])
    found = sweep.load(NAME, db=tmp_path / "sweeps.db")
    Everything().add({NAME: found}, tmp_path, None)
    tables = {"finalists.csv", "finalist-pairs.csv"}
    assert {path.name for path in tmp_path.glob("*.csv")} >= tables
    with closing(sqlite3.connect(tmp_path / "sweeps.db", isolation_level=None)) as connection:
        connection.execute("UPDATE trials SET status = 'queued' WHERE number = 1 AND sweep_id = 2")
    Everything().add({NAME: found}, tmp_path, None)
    assert not {path.name for path in tmp_path.glob("*.csv")} & tables


def test_what_halving_saves_is_what_the_stopped_trials_had_left():
    trials = pd.DataFrame({"trial": [0, 1, 2], "status": ["completed", "pruned", "diverged"]})
    epochs = pd.DataFrame({"trial": [0, 0, 0, 0, 0, 1, 1, 2], "epoch": [0, 1, 2, 3, 4, 0, 1, 1], "seconds": 1.0})
    found = saved(trials, epochs)
    assert (found["trained"], found["planned"], found["stopped"]) == (6, 9, 1)
    assert found["share"] == pytest.approx(3 / 9)


def test_a_stopped_trial_counts_as_what_it_had_reached():
    trials = pd.DataFrame({"status": ["completed", "pruned", "diverged"], "test_accuracy": [0.9, 0.5, 0.7]})
    assert list(curve_of(trials).scores) == [-float("inf"), 0.5, 0.9]


def test_lists_of_layers_have_short_names():
    assert shortened("kernel (layers=[convolution, *, max_pool(size=2)])") == "kernel (layers=convolution)"
    assert shortened("layers [affine, *, relu] → [convolution, *]") == "layers perceptron → convolution"
