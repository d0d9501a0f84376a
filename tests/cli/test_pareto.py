"""The table and the chart of trials that no other beats, and sizes of networks in what commands print."""

import csv
import json
from pathlib import Path

import pytest

import sweep


def test_the_table_has_what_no_other_trial_beats_and_says_by_what(cli):
    answer = cli("leaderboard", "--pareto", "test_accuracy,parameters", "--format", "json")
    shown = json.loads(answer.out)
    assert [*shown[0]][:3] == ["trial", "test_accuracy", "network_parameters"]
    assert answer.err == ""
    trials = sweep.load().trials()
    trials = trials[trials["status"] == "completed"]
    for row in shown:
        better = trials[trials["test_accuracy"] > row["test_accuracy"]]
        assert (better["network_parameters"] > row["network_parameters"]).all()
    assert len(cli("leaderboard", "--pareto", "test_accuracy,parameters", "-n", 1, "--format", "csv").out.split()) == 2
    words = "trials that no other beats in all of: more test_accuracy, less network_parameters"
    assert words in cli("leaderboard", "--pareto", "test_accuracy,parameters").err


def test_a_condition_leaves_out_what_would_beat_others(cli):
    few = json.loads(
        cli("leaderboard", "--pareto", "test_loss,multiplications", "--where", "trial > 3", "--format", "json").out
    )
    assert few
    assert all(row["trial"] > 3 for row in few)
    assert "test_loss" in few[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--pareto", "test_accuracy"], "name two or more different goals"),
        (["--pareto", "test_accuracy,paramters"], "there is no goal 'paramters': did you mean 'parameters'?"),
        (["--pareto", "alpha,seconds", "--worst"], "--worst and --pareto exclude each other"),
        (["--pareto", "alpha,seconds", "--by", "test_loss"], "--by and --direction do not go with --pareto"),
        (["--pareto", "alpha,seconds", "-n", "0"], "must be at least 1, not 0"),
        (["--pareto", "alpha,seconds", "--where", "qqq > 1"], "'qqq'"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(cli, arguments, words):
    assert words in cli("leaderboard", *arguments).sentence(2)


def test_the_chart(cli):
    assert cli("plot", "--kind", "pareto", "-o", "a.svg").code == 0
    drawn = Path("a.svg").read_text()
    assert "network parameters" in drawn
    assert "that no other beats in both" in drawn
    assert cli("plot", "--kind", "pareto", "--x", "alpha:max", "--y", "test_loss", "-o", "b.png").code == 0
    assert Path("b.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--x", "alpha", "--x", "seconds"], "--x is given at most once with --kind pareto"),
        (["--trial", "1"], "--trial does not go with --kind pareto"),
        (["--x", "nonsense"], "there is no goal 'nonsense'"),
        (["--x", "test_accuracy"], "name two or more different goals"),
    ],
)
def test_a_chart_that_cannot_be_drawn_is_one_sentence(cli, arguments, words):
    assert words in cli("plot", "--kind", "pareto", *arguments, "-o", "c.png").sentence(2)


def test_sizes_are_shown_and_exported(cli):
    trial = sweep.load().trial(0)
    words = f"network: {trial.network_parameters:,} parameters, {trial.multiplications:,} multiplications a sample"
    assert words in cli("show", 0).out
    assert cli("export", "-o", "trials.csv").code == 0
    with Path("trials.csv").open() as file:
        first = next(csv.DictReader(file))
    assert int(first["network_parameters"]) == trial.network_parameters
    assert int(first["multiplications"]) == trial.multiplications
    assert "network_parameters" not in cli("leaderboard", "--format", "csv").out
    assert cli("leaderboard", "--where", f"network_parameters == {trial.network_parameters}").code == 0
