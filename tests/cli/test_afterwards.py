"""Tests of `--then` and `--bell`: what a command that trains does when its sweep has ended."""

import io
import re
import shlex
import signal
import sys
from pathlib import Path

import pytest

import sweep
from tests.fault_tools import Command, running, wait_until

SMALL = ["--trials", 2, "--set", "epochs=1", "--set", "keep_weights=none", "-q"]
WRITE = "env | grep ^SWEEP_ > told.txt"


def told():
    """What the command was told, by the names of the variables without SWEEP_."""
    lines = Path("told.txt").read_text().splitlines()
    return dict(line.removeprefix("SWEEP_").split("=", 1) for line in lines)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The current folder is the test's own."""
    monkeypatch.chdir(tmp_path)


def test_the_command_is_told_of_the_sweep(answer, here):
    code, out, err = answer("run", "digits-quickstart", *SMALL, "--then", WRITE)
    assert (code, out, err) == (0, "", "")
    found, results = told(), sweep.load()
    best = results.best(1).iloc[0]
    assert (found["NAME"], found["STATUS"], found["METRIC"]) == ("digits-quickstart", "completed", "test_accuracy")
    assert found["BEST_TRIAL"] == str(int(best["trial"]))
    assert float(found["BEST_VALUE"]) == best["test_accuracy"]
    assert [found[name] for name in ("TRIALS", "COMPLETED", "DIVERGED", "PRUNED", "FAILED")] == [
        "2",
        "2",
        "0",
        "0",
        "0",
    ]
    assert Path(found["DB"]) == results.store.database.path


def test_it_is_told_the_database_of_the_command(answer, here, tmp_path):
    answer("run", "digits-quickstart", *SMALL, "--db", tmp_path / "it's 数.db", "--name", "other", "--then", WRITE)
    assert (told()["NAME"], told()["DB"]) == ("other", str(tmp_path / "it's 数.db"))


def test_its_failure_is_told_and_changes_no_exit_code(answer, here):
    code, out, err = answer("run", "digits-quickstart", *SMALL, "--then", "exit 3")
    assert (code, out) == (0, "")
    assert err == "warning: the command of --then has ended with exit code 3: exit 3\n"


def test_a_sweep_whose_trials_all_fail_has_failed(answer, here):
    Path("mine.py").write_text("def train(config, trial):\n    raise ValueError('no')\n    yield {}\n")
    Path("mine.toml").write_text(
        'name = "mine"\ntrainer = "mine:train"\ntrials = 2\nepochs = 1\n[parameters]\nx = { uniform = [0.0, 1.0] }\n'
        '[objective]\nmetric = "rmse"\ndirection = "min"\n'
    )
    code, _, err = answer("run", "mine.toml", "-q", "--then", WRITE)
    assert code == 1, err
    assert (told()["STATUS"], told()["FAILED"], told()["BEST_TRIAL"], told()["BEST_VALUE"]) == ("failed", "2", "", "")


def test_what_never_began_has_not_ended(answer):
    code, _, _ = answer("run", "no-such-experiment", "--then", WRITE)
    assert code == 2
    assert not Path("told.txt").exists()
    words = re.findall(r"[\w.]+", answer("run", "--help")[1])
    assert "not where it stops before its trials are stored" in " ".join(words)


def test_its_output_leaves_the_table_whole(answer, here):
    code, out, _ = answer(
        *("run", "digits-quickstart", *SMALL[:-1], "--format", "csv"),
        *("--then", "exec 3>&1; readlink /proc/$$/fd/3 /proc/$$/fd/2 > links.txt; true"),
    )
    assert code == 0
    assert out.startswith("rank,trial,")
    streams = Path("links.txt").read_text().splitlines()
    assert streams[0] == streams[1]  # both are standard error


def test_the_bell_rings_in_a_terminal_only(answer, here, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    assert "\a" not in answer("run", "digits-quickstart", *SMALL, "--bell")[2]
    terminal = Terminal()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", terminal)
        patch.setattr(sys, "argv", ["sweep", "run", "digits-quickstart", *map(str, SMALL), "--name", "b", "--bell"])
        with pytest.raises(SystemExit):
            sys.modules["sweep.cli.entry"].main()
    assert terminal.getvalue().endswith("\a")


def test_after_ctrl_c_it_runs_on_its_own():
    slow = ["--trials", "4", "--set", "epochs=500", "--workers", "1", "-q"]
    run = Command("run", "digits-quickstart", *slow, "--then", f"{WRITE}; mv told.txt {shlex.quote('all.txt')}")
    try:
        wait_until(running)
        run.process.send_signal(signal.SIGINT)
        assert run.end()[0] == 130
        wait_until(Path("all.txt").exists)
    finally:
        run.clear()
    Path("all.txt").rename("told.txt")
    assert (told()["STATUS"], told()["TRIALS"], told()["COMPLETED"]) == ("interrupted", "4", "0")
