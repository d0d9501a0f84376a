"""Tests of what is said at the end: failures, divergences, trials that were stopped early, the best trial."""

import re
from pathlib import Path

import pytest

import sweep

TRAINER = """
import itertools, os

def train(config, trial):
    broken, number = os.environ["BROKEN"].split(), config["number"]
    for epoch in itertools.count((trial.state or {}).get("epoch", 0) + 1):
        if str(number) in broken:
            raise ValueError(f"no {number}")
        trial.save({"epoch": epoch})
        yield {"rmse": float("nan") if f"nan{number}" in broken else abs(number - 1) + 1.0}
"""
FILE = """
name = "mine"
trainer = "ending_trainer:train"
trials = 4
epochs = 3
sampler = { kind = "table", file = "table.csv" }
[parameters]
number = { int = [0, 3] }
[objective]
metric = "rmse"
direction = "min"
"""


@pytest.fixture
def run(cli, workplace, monkeypatch):
    """Run a sweep of four trials, some of which fail."""
    Path("ending_trainer.py").write_text(TRAINER)
    Path("mine.toml").write_text(FILE)
    Path("table.csv").write_text("number\n0\n1\n2\n3\n")
    monkeypatch.setenv("SWEEP_DB", "mine.db")

    def call(broken, *options):
        monkeypatch.setenv("BROKEN", broken)
        return cli("run", "mine.toml", "--workers", 1, *options)

    return call


FIRST = "the first of them trial 0: ValueError: no 0; see more with: sweep show mine/0"
ALL = f"Error: all 4 trials of mine have failed, {FIRST}"


class TestAllFailed:
    @pytest.mark.parametrize("options", [[], ["--quiet"]], ids=str)
    def test_the_exit_code_is_1_and_the_first_reason_is_told(self, run, options):
        answer = run("0 1 2 3", *options)
        assert (answer.code, answer.out) == (1, "")
        assert answer.err.splitlines()[-1] == ALL
        if options:
            assert answer.err == f"{ALL}\n"

    def test_so_does_resume_whether_something_is_left_or_not(self, run, cli):
        run("0 1 2 3", "-q")
        assert cli("resume", "-q").sentence(1) == ALL
        assert cli("resume", "-q", "--retry-failed").sentence(1) == ALL

    def test_the_leaderboard_names_the_command_that_shows_why(self, run, cli):
        run("0 1 2 3", "-q")
        for options in ([], ["--watch"]):
            answer = cli("leaderboard", *options)
            assert answer.code == 0
            assert "mine: 4 failed\n" in answer.err
            assert "trial 0 failed: ValueError: no 0; see more with: sweep show mine/0" in answer.err


class TestSomeFailed:
    def test_the_exit_code_is_0_and_the_first_reason_is_told_with_quiet_too(self, run):
        answer = run("1 3", "-q")
        assert (answer.code, answer.out) == (0, "")
        assert answer.err == "2 failed, the first of them trial 1: ValueError: no 1\n"

    def test_one_is_not_the_first_of_several(self, run):
        assert run("1", "-q").err == "1 failed, trial 1: ValueError: no 1\n"

    def test_the_command_named_last_shows_the_best(self, run):
        answer = run("0")
        best = sweep.load().best_trials(1)[0]
        assert best == 1
        assert f"sweep show mine/{best} " in answer.err
        assert "sweep export mine -o trials.csv" in answer.err


class TestContinue:
    def test_all_that_was_continued_has_failed(self, run, cli, monkeypatch):
        run("", "-q")
        monkeypatch.setenv("BROKEN", "1")
        options = ["--epochs", 5, "--workers", 1, "-q"]
        line = cli("continue", "--best", 1, *options).sentence(1)
        assert line == "Error: trial 1 of mine has failed: ValueError: no 1; see more with: sweep show mine/1"

    def test_some_of_what_was_continued_has_failed(self, run, cli, monkeypatch):
        run("", "-q")
        monkeypatch.setenv("BROKEN", "2")
        answer = cli("continue", 1, 2, "--epochs", 5, "--workers", 1, "-q")
        assert (answer.code, answer.err) == (0, "1 failed, trial 2: ValueError: no 2\n")


class TestAllDiverged:
    def test_a_divergence_is_a_result(self, run):
        answer = run("nan0 nan1 nan2 nan3", "-q")
        assert (answer.code, answer.out, answer.err) == (0, "", "no trial completed: 4 diverged\n")

    def test_where_some_failed_too(self, run):
        answer = run("nan0 nan1 nan2 3", "-q")
        assert answer.code == 0
        assert "no trial completed: 3 diverged, 1 failed" in answer.err


class TestStoppedEarly:
    def test_they_are_counted_beside_the_table_of_the_others(self, run):
        answer = run("", "--set", 'stopping={kind="median", grace=0, trials=2}')
        assert answer.code == 0, answer.err
        pruned = sweep.load().trials().query("status == 'pruned'")["trial"].tolist()
        assert pruned == [2, 3]
        words = "2 trials were stopped early (pruned) and not ranked, the first of them trial 2: stopped after epoch 1"
        assert words in answer.err
        assert "4/4 trials · best rmse 1 · 2 pruned" in answer.err
        assert "with a warning" not in answer.err
        assert re.search(r"^ +1 +1 +1 ", answer.out, re.MULTILINE)
