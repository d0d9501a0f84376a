"""`sweep analyze --divergence`, its chart, and what `sweep run` foretells."""

import json
import sys

import pytest

import sweep
from sweep.cli.entry import main
from sweep.errors import StoreError, UsageError
from sweep.results.divergence import remarks, trials_of
from sweep.results.expectation import forecast
from sweep.store import Store
from tests.cli.conftest import Result
from tests.engine_here import training_here

TRAINER = """
import math


def train(config, trial):
    for epoch in range(2):
        is_over = config["learning_rate"] * 20 / config["batch_size"] > 0.5
        yield {"loss": math.inf if is_over and epoch else config["learning_rate"]}
"""
FILE = """
name = "first"
trainer = "mine:train"
trials = 60
epochs = 2

[parameters]
learning_rate = { log_uniform = [0.01, 10.0] }
batch_size = { int = [10, 90] }

[objective]
metric = "loss"
direction = "min"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with an experiment and a database with one sweep of it."""
    made = tmp_path_factory.mktemp("analysis")
    (made / "mine.py").write_text(TRAINER)
    (made / "first.toml").write_text(FILE)
    with training_here():
        sweep.run(made / "first.toml", db=made / "sweeps.db")
    return made


class Notes:
    """Keeps what it is told."""

    def __init__(self):
        self.lines = []

    def note(self, message):
        self.lines.append(message)

    def update(self, progress):
        pass


@pytest.fixture
def cli(folder, monkeypatch, capsys):
    """Call the command line in this process, with the database of the folder."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["sweep", *arguments, "--db", str(folder / "sweeps.db")])
        with pytest.raises(SystemExit) as caught:
            main()
        out, err = capsys.readouterr()
        return Result(caught.value.code or 0, out, err)

    return call


def test_the_law_is_printed_as_a_formula_and_in_words(cli):
    result = cli("analyze", "first", "--divergence")
    assert result.code == 0, result.err
    assert "diverges when learning_rate · (batch_size / " in result.out
    assert "doubling learning_rate multiplies the odds by " in result.out
    assert "cross-validated log-loss " in result.out


def test_the_effects_are_a_table_for_programs(cli):
    result = cli("analyze", "--divergence", "--format", "json")
    rows = {row["term"]: row for row in json.loads(result.out)}
    assert rows["learning_rate"]["exponent"] == 1 and rows["batch_size"]["exponent"] < 0


def test_a_sweep_must_be_there_and_be_named_once(cli):
    assert "first" in cli("analyze", "frist", "--divergence").sentence(1)
    assert "twice" in cli("analyze", "first", "first", "--divergence").sentence(2)


def test_the_phase_diagram_is_written(cli, folder):
    result = cli("plot", "first", "--kind", "divergence", "-o", str(folder / "a.png"))
    assert result.code == 0, result.err
    assert (folder / "a.png").stat().st_size > 10_000
    options = ("plot", "first", "--kind", "divergence", "--x", "learning_rate")
    assert cli(*options, "-o", str(folder / "one.png")).code == 0
    assert "--x is given at most twice" in cli(*options, *options[-2:], *options[-2:]).sentence(2)


def test_a_run_foretells_what_earlier_sweeps_have_taught(folder, tmp_path):
    notes = Notes()
    with training_here():
        again = sweep.run(folder / "first.toml", name="again", seed=1, db=folder / "sweeps.db", observer=notes)
    (line,) = [line for line in notes.lines if "likely to diverge" in line]
    expected = int(line.split()[2])
    assert line.startswith("warning: about ") and line.endswith(" of first")
    assert expected == pytest.approx(len(again.diverged()), abs=6)
    other = Notes()
    with training_here():
        sweep.run(folder / "first.toml", seed=1, trials=3, db=tmp_path / "new.db", observer=other)
    assert not [line for line in other.lines if "diverge" in line]


def test_only_a_sweep_of_the_same_parameters_and_trainer_teaches(folder):
    store = Store(str(folder / "sweeps.db"))
    record = store.sweep("first")
    trials = _drawn(store, record)
    assert forecast(_named(record, "new"), trials, store)
    assert forecast(_named(record, "new", environment={"trainer": "another"}), trials, store) is None
    wider = [_with_parameters(trial, {**trial.parameters, "parameters.width": 3}) for trial in trials]
    assert forecast(_named(record, "new"), wider, store) is None
    # Of trainings that were shorter nobody knows how they would have gone on.
    assert forecast(_named(record, "new", epochs=3), trials, store) is None
    gentle = [_with_parameters(t, {**t.parameters, "parameters.learning_rate": 0.001}) for t in trials]
    assert forecast(_named(record, "new"), gentle, store) is None


def test_a_database_that_cannot_be_read_is_told_and_stops_no_run(folder, monkeypatch):
    store = Store(str(folder / "sweeps.db"))
    record = store.sweep("first")

    def locked():
        raise StoreError("it is locked")

    monkeypatch.setattr(store, "listed", locked)
    assert forecast(_named(record, "new"), _drawn(store, record), store).endswith("foretold: it is locked")


def test_several_sweeps_count_together_and_what_differs_is_said(folder):
    first = sweep.load("first", db=folder / "sweeps.db")
    with training_here():
        other = sweep.run(folder / "first.toml", name="other", seed=7, epochs=3, trials=20, db=folder / "sweeps.db")
    law = other.divergence_law([first])
    assert law.trials == 80
    assert trials_of([first, other])[0]["group"].nunique() == 80
    assert any("(2, 3)" in each for each in remarks([first, other]))
    with pytest.raises(UsageError, match="twice"):
        first.divergence_law([first])


def _drawn(store, record):
    from sweep.records import Seeds, Trial

    configuration = store.trial(record.id, 0).configuration
    return [
        Trial(number, values, configuration, Seeds(0, 0, 0)) for number, values in store.parameters(record.id).items()
    ]


def _named(record, name, **changed):
    from dataclasses import replace

    return replace(record, name=name, **changed)


def _with_parameters(trial, parameters):
    from dataclasses import replace

    return replace(trial, parameters=parameters)
