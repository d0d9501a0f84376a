"""Tests of the commands that show results of a sweep with a metric of the user's own, repeats and a log."""

import json
import re

import numpy as np
import pytest

import sweep
from sweep.metrics import Objective
from sweep.records import Divergence, Epoch, Seeds, SweepRecord, Trial
from sweep.store import Store
from sweep.store.claims import Ending

EXPERIMENT = """
name = "mine"
trials = 3
epochs = 2
repeats = 2
trainer = "mine:train"
[parameters]
rate = { uniform = [0, 1] }
loss = { choice = ["huber", "mse"] }
[objective]
metric = "rmse"
direction = "min"
"""
RMSE = [[5.0, 4.0], [3.0, 6.0], [1.0, 2.0], None, [9.0, 8.0], [7.0, 7.0]]
"""Values of the epochs of each trial; the fourth diverges at once."""
OBJECTIVE = Objective("rmse", "min", tie_break=None)
CONFIGURATION = {"trainer": {"kind": "command", "run": "./train"}, "parameters": {"rate": 0.5, "deep": {"er": [1]}}}


@pytest.fixture
def mine(workplace, monkeypatch):
    """A sweep of three configurations, two trainings of each, as a command would have trained it."""
    database = str(workplace / "mine.db")
    monkeypatch.setenv("SWEEP_DB", database)
    record = SweepRecord(
        *("mine", "", 0, 2, EXPERIMENT, [], "f", [], None, None, {}),
        objective=OBJECTIVE,
        repeats=2,
    )
    drawn = [
        Trial(
            n,
            {"parameters.rate": 0.1 * (n // 2), "parameters.loss": "mse"},
            CONFIGURATION,
            Seeds(n, n, n),
            repeat=n % 2,
            planned_epochs=2,
        )
        for n in range(6)
    ]
    store = Store(database, create=True)
    sweep_id = store.add_sweep(record, drawn)
    for number, values in enumerate(RMSE):
        claim = store.claim(sweep_id, number, "me")
        epochs = [Epoch(n, 0.5, {"rmse": value, "loss": -value}) for n, value in enumerate(values or [], start=1)]
        ending = Ending("completed", 1.0, log="a warning\nthe end\n")
        if values is None:
            ending = Ending("diverged", 1.0, divergence=Divergence(1, 0, "rmse", "invalid"))
        store.finish(claim, ending, epochs, OBJECTIVE.choose(epochs))
    store.close()
    return sweep.load()


def test_configurations_are_ranked_by_their_mean_at_each_trials_best_epoch(mine):
    table = mine.best()
    assert table["trials"].tolist() == ["2–3", "0–1", "4–5"]
    assert table["rmse"].tolist() == [1.0, 3.5, 7.5]
    assert table["standard_error"].tolist() == pytest.approx([np.nan, 0.5, 0.5], nan_ok=True)
    assert table["diverged"].tolist() == [1, 0, 0]
    assert mine.worst(1)["trials"].tolist() == ["4–5"]
    assert mine.best_trials(2) == [2, 0, 1]
    assert mine.siblings(3) == [2, 3]


def test_the_leaderboard_says_what_it_ranks_by(cli, mine):
    answer = cli("leaderboard")
    assert answer.code == 0, answer.err
    assert answer.err.splitlines() == [
        "ranked by the mean rmse of 2 repeats, each trial at its best epoch",
        "mine: 5 completed, 1 diverged",
    ]
    assert re.findall(r"^ +\d +(\d–\d) ", answer.out, re.MULTILINE) == ["2–3", "0–1", "4–5"]
    assert cli("leaderboard", "--format", "csv").err == ""
    assert cli("leaderboard", "--diverged").err.splitlines() == ["mine: 5 completed, 1 diverged"]


def test_another_metric_needs_its_direction(cli, mine):
    assert cli("leaderboard", "--by", "loss").sentence(2) == (
        "Error: whether more or less of loss is better is not known; say it with --direction max or --direction min"
    )
    answer = cli("leaderboard", "--by", "loss", "--direction", "max", "--format", "json")
    assert [row["trials"] for row in json.loads(answer.out)] == ["2–3", "0–1", "4–5"]
    lowest = mine.best(1, by="loss", direction="min")
    assert lowest[["trials", "loss"]].to_numpy().tolist() == [["4–5", -8.0]]
    assert "--direction max" in cli("plot", "--y", "loss").sentence(2)


def test_a_parameter_that_is_named_like_a_metric_keeps_its_full_name(mine):
    assert [parameter.short_name for parameter in mine.parameters] == ["rate", "parameters.loss"]
    assert mine.trials()["parameters.loss"].tolist() == ["mse"] * 6


def test_show_lists_the_repeats_and_any_configuration(cli, mine):
    answer = cli("show", 2)
    assert answer.code == 0, answer.err
    lines = answer.out.splitlines()
    assert "best rmse 1 at epoch 1" in lines
    assert "repeats of this configuration, rmse: 2 completed 1, 3 diverged" in lines
    assert 'trainer.run = "./train"' in lines
    assert 'parameters.deep = {"er": [1]}' in lines
    assert "a log is kept; print it with --log" in lines
    assert "diverged in epoch 1, step 0: invalid in rmse" in cli("show", 3).out


def test_the_log_is_printed_as_it_is(cli, mine):
    assert cli("show", "mine/2", "--log").out == "a warning\nthe end\n"
    assert "no log of mine/3 is kept" in cli("show", 3, "--log").sentence(1)


def test_the_network_of_another_trainer_cannot_be_applied_nor_trained_again(cli, mine):
    assert "trainer of your own" in cli("predict", 2).sentence(1)
    assert "deterministic = true" in cli("replay", 2, "--check").sentence(1)


def test_the_chart_is_named_for_the_metric(cli, mine, workplace):
    assert cli("plot").err == f"chart: {workplace / 'mine.db-files' / 'mine' / 'rmse.png'}\n"
    assert (workplace / "mine.db-files" / "mine" / "rmse.png").read_bytes().startswith(b"\x89PNG")
