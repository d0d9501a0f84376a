"""Trainings made from trials of a space in which tables and lists are chosen."""

import pytest

import sweep
from sweep.checks.replay import replay
from tests.engine_here import training_here

FILE = """
name = "chosen"
trials = 5
[data]
dataset = "digits"
normalization = { choice = ["min_max", { kind = "z_score" }] }
[network]
hidden = { choice = [[6], [4, 5]] }
activation = { choice = ["relu", { kind = "leaky_relu", alpha = { uniform = [0.1, 0.2] } }] }
[training]
epochs = 2
batch_size = 300
optimizer = { choice = [{ kind = "sgd", learning_rate = 60.0 }, { kind = "momentum", learning_rate = 40.0 }] }
record_sharpness = "start"
"""


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chosen")
    (folder / "chosen.toml").write_text(FILE)
    with training_here():
        sweep.run(folder / "chosen.toml", db=folder / "sweeps.db")
        sweep.rescue(name="chosen", db=folder / "sweeps.db")
        sweep.reseed([0, 1], seeds=1, name="chosen", db=folder / "sweeps.db")
    return folder / "sweeps.db"


def test_their_twins_keep_what_was_chosen(database):
    chosen, again = (sweep.load(name, db=database) for name in ("chosen", "chosen.seeds"))
    assert len(chosen.diverged()) > 0
    searched = [parameter.name for parameter in chosen.parameters]
    for number in (0, 1):
        drawn = chosen.store.parameters(chosen.record.id)[number]
        kept = again.store.parameters(again.record.id)[number]
        assert {name: kept.get(name) for name in searched} == {name: drawn.get(name) for name in searched}
    rescued = sweep.load("chosen.rescue", db=database)
    assert set(rescued.trials()["status"]) <= {"completed", "diverged", "pruned"}


def test_the_newest_sweep_is_the_one_that_was_drawn(database):
    assert sweep.load(db=database).name == "chosen"


def test_a_metric_of_some_epochs_is_replayed(database):
    again = sweep.load("chosen", db=database)
    number = int(again.trials()["epoch"].first_valid_index())
    played = replay(again.record, number, again.store)
    assert played.different == []
    assert "sharpness" in played.now.figures[0] and "sharpness" not in played.now.figures.get(1, {})
