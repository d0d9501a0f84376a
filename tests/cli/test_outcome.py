"""Tests of what is said at the end: failures, divergences, trials that were stopped early, the best trial."""

import re
from pathlib import Path

import pytest

import sweep
from sweep.system.processes import owner

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
trainer = "outcome_trainer:train"
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
def run(cli, workplace, monkeypatch, here):
    """Run a sweep of four trials, some of which fail."""
    Path("outcome_trainer.py").write_text(TRAINER)
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


class TestWarnings:
    @pytest.mark.parametrize(("trials", "words"), [(1, "1 trial, trial 0"), (2, "2 trials, the first of them trial 0")])
    def test_they_are_told_with_quiet_too(self, run, trials, words):
        Path("mine.db-files").write_text("a file where the folder of the states would be")
        answer = run("", "-q", "--set", f"trials={trials}")
        assert (answer.code, answer.out) == (0, "")
        assert answer.err.startswith(f"warning in {words}: the weights are not kept: ")


class TestContinue:
    def test_all_that_was_continued_has_failed(self, run, cli, monkeypatch):
        run("", "-q")
        monkeypatch.setenv("BROKEN", "1")
        options = ["--epochs", 5, "--workers", 1, "-q"]
        answer = cli("continue", "--best", 1, *options)
        assert answer.code == 1
        assert (
            answer.err.splitlines()[-1]
            == "Error: trial 1 of mine has failed: ValueError: no 1; see more with: sweep show mine/1"
        )

    def test_some_of_what_was_continued_has_failed(self, run, cli, monkeypatch):
        run("", "-q")
        monkeypatch.setenv("BROKEN", "2")
        answer = cli("continue", 1, 2, "--epochs", 5, "--workers", 1, "-q")
        assert answer.code == 0
        assert answer.err.splitlines()[-1] == "1 failed, trial 2: ValueError: no 2"

    def test_the_earlier_training_is_a_result_of_the_sweep(self, run, cli, monkeypatch):
        run("", "-q")
        monkeypatch.setenv("BROKEN", "0 1 2 3")
        assert cli("continue", 0, 1, 2, 3, "--epochs", 5, "--workers", 1, "-q").code == 1
        answer = cli("resume")
        assert answer.code == 0
        assert "rank" in answer.out
        assert "4 failed, the first of them trial 0: ValueError: no 0" in answer.err
        assert "no trial completed" not in answer.err


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
        words = "2 trials were stopped early (pruned) and not ranked: 2 after epoch 1; see why: sweep leaderboard "
        assert words in answer.err
        assert "4/4 trials · best rmse 1 · 2 pruned" in answer.err
        assert "warning in" not in answer.err
        assert re.search(r"^ +1 +1 +1 ", answer.out, re.MULTILINE)


class TestConditions:
    """A condition that selects nothing is answered with the values that there are."""

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (
                ["--where", "alpha > 1 and status != 'x'"],
                r"no trial satisfies the condition; alpha is between 0\.\d+ and 0\.\d+; "
                r'status has the values "\w+", "\w+"$',
            ),
            (["--where", 'status == "diverged"'], r"\d trials? satisf\w+ the condition: \d diverged$"),
            (["--diverged", "--where", 'status == "completed"'], r"\d trials? satisf\w+ the condition: \d completed$"),
            (["--by", "train_loss", "--where", "train_loss < 0"], r"; train_loss is between \S+ and \S+$"),
        ],
    )
    def test_what_there_is(self, cli, options, words):
        answer = cli("leaderboard", *options)
        assert (answer.code, answer.out) == (0, "Trials: none\n")
        assert re.search(words, answer.err, re.MULTILINE)

    def test_other_formats_stay_as_they_are(self, cli):
        assert cli("leaderboard", "--where", "alpha > 1", "--format", "json").err == ""

    def test_text_that_reads_like_false(self, run, cli):
        Path("table.csv").write_text("number,shuffle\n0,false\n1,epoch\n2,true\n3,false\n")
        file = FILE.replace("[objective]", 'shuffle = { choice = [false, true, "epoch"] }\n[objective]')
        Path("mine.toml").write_text(file)
        assert run("", "-q").code == 0
        answer = cli("leaderboard", "--where", 'shuffle == "false"')
        assert answer.code == 0
        words = 'no trial satisfies the condition; shuffle has the values false, "epoch", true (text in quotes, '
        assert words in answer.err

    def test_repeated_trainings(self, run, cli):
        Path("mine.toml").write_text(FILE.replace("trials = 4", "trials = 4\nrepeats = 2"))
        assert run("", "-q").code == 0
        answer = cli("leaderboard", "--where", "rmse > 100 or standard_error > 100")
        assert "no trial satisfies the condition; rmse is between 1 and 3; standard_error has the value 0" in answer.err


def test_one_of_a_kind_is_not_several(run, cli):
    broken = run("0", "-q", "--set", "trials=1", "--name", "one", "--max-failures", "0")
    assert "stopped after 1 trial that failed" in broken.sentence(1)
    assert run("", "-q", "--set", "trials=1", "--set", "epochs=1", "--name", "two").code == 0
    assert cli("export", "two", "-o", "x.csv").err == "wrote 1 row of two to x.csv\n"
    assert cli("doctor").out.endswith("is sound: 2 sweeps, 2 trials, 1 epoch checked\n")
    assert repr(sweep.load("two")).startswith("<Sweep 'two': 1 trial in ")


def test_what_is_proposed_can_be_done(run):
    answer = run("", "--db", "my own.db")
    (line,) = [line for line in answer.err.splitlines() if line.startswith("more:")]
    for command in line.removeprefix("more:").split("    "):
        assert command.endswith(" --db 'my own.db'")
    assert "sweep predict" not in answer.err, "sweep has no model of a user's own trainer"


def test_trials_that_another_process_still_trains_are_told(run, cli):
    assert run("").code == 0
    with sweep.load(db="mine.db").store.database.writing() as connection:
        connection.exec_driver_sql(
            "UPDATE trials SET status = 'running', owner = ?, heartbeat = strftime('%Y-%m-%d %H:%M:%f', 'now') "
            "WHERE number = 3",
            (owner(),),
        )
    answer = cli("resume", "--quiet")
    assert answer.code == 0
    assert answer.err.splitlines()[-1] == (
        "1 trial of mine is still being trained by another process; look at all of them once it has ended: "
        "sweep leaderboard mine"
    )
