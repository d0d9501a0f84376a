"""`sweep analyze --seeds`: configurations trained again with other seeds."""

import json
import math
import sys

import pytest

import sweep
from sweep.cli.entry import main
from tests.cli.conftest import Result
from tests.cli.test_analysis import FILE, TRAINER
from tests.engine_here import training_here


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with an experiment and a database with one sweep of it."""
    made = tmp_path_factory.mktemp("seeds")
    (made / "mine.py").write_text(TRAINER)
    (made / "first.toml").write_text(FILE)
    with training_here():
        sweep.run(made / "first.toml", db=made / "sweeps.db")
        sweep.run(made / "first.toml", name="gentle", trials=3, overrides=["learning_rate=0.01"], db=made / "sweeps.db")
    return made


@pytest.fixture
def cli(folder, monkeypatch, capsys):
    """Call the command line in this process, with the database of the folder."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["sweep", *arguments, "--db", str(folder / "sweeps.db")])
        with pytest.raises(SystemExit) as caught, training_here():
            main()
        out, err = capsys.readouterr()
        return Result(caught.value.code or 0, out, err)

    return call


def test_the_least_certain_are_trained_again_and_told(cli, folder):
    shown = cli("analyze", "first", "--seeds", "2", "-q")
    assert shown.code == 0, shown.err
    rows = json.loads(cli("analyze", "first", "--seeds", "2", "-q", "--format", "json").out)
    assert len(rows) == 6
    # Whether this trainer diverges is a matter of the configuration alone.
    assert all(row["diverged"] == 2 * (row["status"] == "diverged") for row in rows)
    assert {row["status"] for row in rows} == {"completed", "diverged"}
    assert "the seed decided about none of 6 configurations: each ended alike with all seeds" in shown.out
    assert len(sweep.load("first.seeds", db=folder / "sweeps.db").trials()) == 12
    first = sweep.load("first", db=folder / "sweeps.db")
    distance = abs((first.trials()["learning_rate"] * 20 / first.trials()["batch_size"] / 0.5).map(math.log))
    assert distance[[row["trial"] for row in rows]].max() < distance.median()


def test_trials_may_be_named(cli):
    rows = json.loads(cli("analyze", "first", "--seeds", "1", "--trials", "7, 3", "-q", "--format", "json").out)
    assert [row["trial"] for row in rows] == [3, 7]


def test_where_all_ended_alike_trials_must_be_named(cli):
    words = "no trial of gentle diverged, so there is no boundary to look at; name trials with --trials"
    assert words in cli("analyze", "gentle", "--seeds", "1").sentence(1)
    assert cli("analyze", "gentle", "--seeds", "1", "--trials", "0", "-q").code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("first", "--seeds", "3", "--trials", "3,x"), "takes numbers of trials with commas between them, such as"),
        (("first", "--divergence", "--seeds", "3"), "either --divergence or --seeds 5"),
        (("first", "--divergence", "--trials", "3"), "--trials goes with --seeds"),
        (("first", "gentle", "--seeds", "3"), "--seeds takes the name of one sweep"),
        (("first", "--seeds", "0", "--trials", "3"), "--seeds takes a number from 1 on, not 0"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(cli, arguments, words):
    assert words in cli("analyze", *arguments).sentence(2)
