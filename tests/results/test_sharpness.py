"""A sweep whose sharpness is recorded: at the start alone, or after each epoch too, it is asked for as any metric."""

import math

import numpy as np
import pytest

import sweep
from sweep.checks.replay import replay
from sweep.errors import UsageError
from sweep.experiment.file import load
from sweep.trial.weights import provenance
from tests.engine_here import training_here

FILE = """
name = "sharp"
trials = 3
[data]
dataset = "digits"
normalization = "min_max"
[network]
hidden = [{ int = [4, 9] }]
[training]
epochs = 2
batch_size = 400
optimizer = { kind = "sgd", learning_rate = { log_uniform = [0.1, 1.0] } }
"""
OURS = {"sharpness", "instability"}


@pytest.fixture(scope="module")
def sweeps(tmp_path_factory):
    """Train the same trials without a sharpness, with that of the start, and with that of each epoch."""
    folder = tmp_path_factory.mktemp("sharp")
    file, db = folder / "sharp.toml", str(folder / "sharp.db")
    file.write_text(FILE)
    values = {"never": "false", "start": '"start"', "epochs": "true"}
    with training_here():
        return {
            name: sweep.run(file, overrides=[f"training.record_sharpness={value}"], name=name, db=db)
            for name, value in values.items()
        }


def test_all_other_figures_are_the_same(sweeps):
    never = sweeps["never"].epochs().drop(columns="seconds")
    for name in ("start", "epochs"):
        both = sweeps[name].epochs()
        assert both.drop(columns=["seconds", *OURS]).equals(never)
        has_sharpness = both["sharpness"].notna()
        assert has_sharpness.equals((both["epoch"] == 0) | (name == "epochs"))
        rate = both["trial"].map(sweeps[name].trials().set_index("trial")["learning_rate"])
        np.testing.assert_allclose(both["instability"], both["sharpness"] * rate / 2)


def test_a_metric_of_the_start_alone_is_one_of_the_sweeps(sweeps):
    assert {*sweeps["start"].metrics()} >= OURS
    assert {*sweeps["epochs"].metrics()} >= OURS
    assert not OURS & {*sweeps["never"].metrics()}


@pytest.mark.parametrize("name", ["start", "epochs"])
def test_trials_are_ranked_by_it(sweeps, name):
    lowest = sweeps[name].epochs().groupby("trial")["sharpness"].min().sort_values()
    table = sweeps[name].best(by="sharpness")
    assert table["trial"].tolist() == lowest.index.tolist()
    np.testing.assert_allclose(table["sharpness"], lowest)
    assert sweeps[name].best(by="instability", where="instability > 0")["trial"].nunique() == 3


def test_at_the_last_epoch_of_a_ranking_stands_the_last_one_with_a_value(tmp_path, here):
    file = tmp_path / "last.toml"
    file.write_text(FILE + 'record_sharpness = "start"\n[objective]\nepoch = "last"\n')
    last = sweep.run(file, overrides=["trials=2", "name=last"])
    assert last.best(by="sharpness")["epoch"].tolist() == [0, 0]
    assert last.best()["epoch"].tolist() == [2, 2]


def test_charts_and_fronts_take_it(sweeps):
    assert sweeps["start"].plot_curves(by="sharpness").axes
    assert sweeps["start"].plot(y="instability").axes
    assert len(sweeps["epochs"].pareto("test_accuracy,sharpness")) >= 1
    assert "3 completed" in sweeps["epochs"].plot_sharpness().get_suptitle()
    assert "1 completed" in sweeps["start"].plot_sharpness(1).get_suptitle()
    with pytest.raises(UsageError, match=r"^no sharpness was recorded; set training\.record_sharpness = true"):
        sweeps["never"].plot_sharpness()


def test_a_replay_has_the_same_bits_with_it(sweeps):
    results = sweeps["epochs"]
    assert replay(results.record, 1, results.store).different == []


def test_what_is_recorded_belongs_to_no_training(sweeps):
    trials = [results.trial(0) for results in sweeps.values()]
    one, two, three = (provenance(trial.configuration, trial.seeds, "digest") for trial in trials)
    assert one == two == three


def test_a_file_without_it_draws_and_stores_what_it_did(tmp_path):
    file = tmp_path / "plain.toml"
    file.write_text(FILE)
    plain, off = load(str(file)), load(str(file), ["training.record_sharpness=false"])
    assert "record_sharpness" not in plain.trials()[0].configuration["training"]
    assert [t.parameters for t in plain.trials()] == [t.parameters for t in off.trials()]
    assert [t.seeds for t in plain.trials()] == [t.seeds for t in off.trials()]


def test_only_words_that_are_known_are_taken(tmp_path):
    file = tmp_path / "wrong.toml"
    file.write_text(FILE)
    with pytest.raises(sweep.SweepError, match=r"training\.record_sharpness"):
        load(str(file), ['training.record_sharpness="always"'])


def test_a_metric_of_the_start_is_exported_with_gaps(sweeps, tmp_path):
    sweeps["start"].export(tmp_path / "epochs.csv", table="epochs")
    lines = (tmp_path / "epochs.csv").read_text().splitlines()
    place = lines[0].split(",").index("sharpness")
    values = [line.split(",")[place] for line in lines[1:]]
    assert [bool(value) for value in values] == [True, False, False] * 3
    assert all(math.isfinite(float(value)) for value in values if value)
