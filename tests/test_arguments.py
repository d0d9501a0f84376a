"""Arguments of the public functions: taken as users give them, or refused by name."""

from pathlib import Path

import numpy as np
import pytest

import sweep
from sweep.arguments import folder_or_file, number, whole, wholes
from sweep.errors import SweepError, UsageError

TINY = {
    "name": "tiny",
    "trials": 1,
    "data": {"dataset": "digits"},
    "network": {"hidden": []},
    "training": {
        "epochs": 1,
        "batch_size": 500,
        "record_batches": True,
        "optimizer": {"kind": "sgd", "learning_rate": {"uniform": [0.1, 0.2]}},
    },
}


def test_a_sweep_runs_from_a_mapping_with_keywords_in_place_of_its_values(here, tmp_path):
    results = sweep.run(TINY, trials=np.int64(2), seed=7, name="other", epochs=2, db=tmp_path / "own.db")
    assert (results.name, results.record.seed, results.record.epochs) == ("other", 7, 2)
    number = results.best(np.int64(1))["trial"].iloc[0]
    assert type(number) is np.int64
    assert [*results.epochs(number)["epoch"]] == [0, 1, 2]
    assert len(results.batches(number)) == 6
    assert results.epochs(number).equals(results.epochs(int(number)))
    for method in (results.epochs, results.batches, results.trial):
        with pytest.raises(SweepError, match=r"there is no trial 9 in .*, which has trials 0 to 1"):
            method(9)
    assert results.plot(x="learning_rate")
    assert results.plot_costs(number)


def test_keywords_take_the_place_of_values_of_a_file(here):
    results = sweep.run("digits-quickstart", trials=3, seed=1, name="y", overrides="training.epochs=1")
    assert (results.name, results.record.seed, results.record.trials) == ("y", 1, 3)
    assert results.record.epochs == 1


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"workers": "2"}, "workers takes a whole number, not '2'"),
        ({"timeout": "2"}, "timeout takes a number, not '2'"),
        ({"max_failures": 1.5}, "max_failures takes a whole number, not 1.5"),
        ({"data": 5}, "data takes a path, not 5"),
        ({"db": 5}, "db takes a path, not 5"),
        ({"trials": "3"}, "trials takes a whole number, not '3'"),
        ({"trials": 0}, "trials is 0, but must be greater than or equal to 1"),
        ({"seed": -1}, "seed is -1, but must be"),
        ({"name": "日本語"}, "name is '日本語', but must be up to 100 letters (A to Z"),
        ({"name": "😀"}, "name is '😀', but must be"),
        ({"overrides": [("trials", 1)]}, "overrides takes text, or a list of texts, not ('trials', 1)"),
        ({"overrides": 5}, "overrides takes a list of texts, not 5"),
        ({"dataset": {"dataset": "digits"}}, "dataset goes with a training function"),
    ],
    ids=str,
)
def test_a_wrong_argument_is_refused_by_its_name(given, sentence):
    with pytest.raises(UsageError) as caught:
        sweep.run("digits-quickstart", **given)
    assert str(caught.value).startswith(sentence)


def test_numbers_are_taken_in_any_type():
    assert (whole(np.int32(3), "n"), number(np.float32(0.5), "timeout")) == (3, 0.5)
    assert wholes(np.array([1, 2]), "trials") == wholes([1, np.int8(2)], "trials") == [1, 2]
    assert wholes(np.int64(4), "trials") == [4]


def test_a_leading_tilde_is_the_home_folder(monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    assert folder_or_file("~/x", "data") == Path("/home/somebody/x")
    assert sweep.database_url("~/x.db") == sweep.database_url(Path("~/x.db")) == "/home/somebody/x.db"
    assert sweep.database_url("postgresql://host/~x") == "postgresql://host/~x"


def test_numbers_that_no_database_holds_are_refused_by_name(here, tmp_path):
    results = sweep.run(TINY, db=tmp_path / "own.db")
    too_large = "takes a whole number up to 9,223,372,036,854,775,807, not 1000"
    for call in (results.best, results.trial, results.epochs, results.predict):
        with pytest.raises(UsageError, match=too_large):
            call(10**30)
    with pytest.raises(UsageError, match="not one of more than 60 digits"):
        results.best(10**5000)
    assert len(results.best(2**63 - 1)) == 1


def test_names_that_are_not_text_are_refused_by_name(here, tmp_path):
    results = sweep.run(TINY, db=tmp_path / "own.db")
    with pytest.raises(UsageError, match="name takes text, not PosixPath"):
        sweep.load(Path("tiny"), db=tmp_path / "own.db")
    with pytest.raises(UsageError, match="by takes text, not 3"):
        results.plot(y=3)
