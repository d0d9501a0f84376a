"""Tests of `sweep run` and `sweep resume`: what is said, where it is said, and what is left behind."""

import re
import sqlite3
from pathlib import Path

import pytest

from sweep.cli.entry import main
from sweep.errors import SweepError
from sweep.experiment import file as experiment
from sweep.results import running

NAME = "digits-quickstart"


class TestRun:
    def test_the_tables_go_to_standard_output(self, shelf):
        assert shelf.run.code == 0, shelf.run.err
        titles = [line.strip() for line in shelf.run.out.splitlines() if re.match(r"\w+\s*$", line)]
        assert titles == ["Best", "Worst", "Diverged"]
        for column in ("rank", "test_accuracy", "learning_rate", "hidden[0]", "place", "kind"):
            assert column in shelf.run.out

    def test_the_tables_are_those_of_the_leaderboard(self, shelf, cli):
        for option in ([], ["--worst"], ["--diverged"]):
            for line in cli("leaderboard", *option, *([] if "--diverged" in option else ["-n", 5])).out.splitlines():
                assert line.strip() in shelf.run.out

    def test_progress_and_what_next_go_to_standard_error(self, shelf):
        assert "preparing the data set digits" in shelf.run.err
        assert re.search(r"8/8 trials · best 0\.\d{4} · \d diverged", shelf.run.err)
        assert f"sweep leaderboard {NAME}" in shelf.run.err
        best = re.search(r"^ +1 +(\d+)", shelf.run.out, re.MULTILINE)[1]
        assert f"sweep predict {NAME}/{best}" in shelf.run.err
        assert "Traceback" not in shelf.run.err
        for word in ("preparing", "chart", "8/8"):
            assert word not in shelf.run.out

    def test_the_chart_is_a_picture_beside_the_database(self, shelf):
        (path,) = re.findall(r"^chart: (.+)$", shelf.run.err, re.MULTILINE)
        assert Path(path).parent == shelf.database.parent / "sweeps.db-files" / NAME
        assert Path(path).read_bytes().startswith(b"\x89PNG\r\n\x1a\n")

    def test_quiet_says_nothing(self, shelf):
        assert shelf.quiet.code == 0
        assert shelf.quiet.out == ""
        assert shelf.quiet.err == ""

    def test_a_taken_name_is_refused_with_a_way_on_and_nothing_changes(self, cli, shelf, content):
        before = content(shelf.database)
        line = cli("run", NAME).sentence(1)
        assert f"'{NAME}'" in line
        assert "--name" in line
        assert f"sweep resume {NAME}" in line
        assert content(shelf.database) == before

    def test_a_refused_experiment_leaves_no_database(self, cli, workplace):
        cli("run", NAME, "--set", "epochs=0", "--db", "new.db").sentence(2)
        cli("run", NAME, "--workers", 0, "--db", "new2.db").sentence(2)
        assert not (workplace / "new.db").exists()

    @pytest.mark.parametrize(
        ("options", "parts"),
        [
            (["--trials", "0"], ["trials", "0", "1"]),
            (["--trials", "20000000"], ["trials", "20000000"]),
            (["--seed", "-1"], ["seed", "-1", "0"]),
            (["--seed", "99999999999999999999"], ["seed", "99999999999999999999"]),
            (["--name", "a b"], ["name", "'a b'"]),
            (["--name", "../up"], ["name", "'../up'"]),
            (["--name", ""], ["name", "''"]),
            (["--name", "it's"], ["name", "it's"]),
            (["--name", 'say "hi"'], ["name", 'say "hi"']),
            (["--name", "back\\slash"], ["name"]),
            (["--workers", "0"], ["--workers", "0", "1"]),
            (["--workers", "-2"], ["--workers", "-2", "1"]),
            (["--set", "epochs"], ["--set", "KEY=VALUE", "'epochs'"]),
            (["--set", "epochs=0"], ["training.epochs", "0", "1"]),
            (["--set", "epoch=3"], ["epoch", "epochs'"]),
            (["--set", ".=3"], ["--set"]),
            (["--set", "epochs=100000000000000000000"], ["training.epochs"]),
            (["--set", "activation=rellu"], ["network.activation", "'rellu'", "did you mean 'relu'?"]),
        ],
    )
    def test_a_wrong_option_is_answered_with_exit_code_2(self, cli, shelf, content, options, parts):
        before = content(shelf.database)
        line = cli("run", NAME, "--name", "other", *options).sentence(2)
        for part in parts:
            assert part in line
        assert content(shelf.database) == before

    def test_a_wrong_name_is_not_blamed_on_another_option(self, cli):
        assert "--set" not in cli("run", NAME, "--name", "it's").err

    @pytest.mark.parametrize("options", [["--trials", "many"], ["--seed", "1.5"], ["--workers", "x"], ["--frob"]])
    def test_an_option_of_the_wrong_type_is_answered_with_exit_code_2(self, cli, options):
        answer = cli("run", NAME, *options)
        assert answer.code == 2
        assert options[0] in answer.err

    @pytest.mark.parametrize("source", ["qqq", "digits-quickstar", "nope.toml", ".", "..", "/", "", "x" * 300])
    def test_an_unknown_experiment_is_answered_with_those_that_there_are(self, cli, source):
        cli("run", source, "--name", "other").sentence(2)

    def test_a_wrong_file_is_answered_with_its_name(self, cli, workplace):
        (workplace / "mine.toml").write_text('name = "mine"\ntrials = 2\n')
        answer = cli("run", "mine.toml")
        assert answer.code == 2
        assert answer.err.splitlines() == [
            "Error: mine.toml: data is missing",
            "mine.toml: network is missing",
            "mine.toml: training is missing",
        ]

    @pytest.mark.parametrize("from_environment", [False, True])
    def test_a_missing_data_set_is_answered_with_where_it_was_looked_for(
        self, cli, workplace, monkeypatch, from_environment
    ):
        folder = str(workplace / "nowhere")
        if from_environment:
            monkeypatch.setenv("SWEEP_DATA", folder)
        line = cli(
            "run", "mnist-overflow", "--db", "new.db", *([] if from_environment else ["--data", folder])
        ).sentence(1)
        assert folder in line
        assert "--data" in line
        assert "mnist-overflow" not in cli("list", "--db", "new.db", "--format", "csv").out

    def test_a_cache_that_cannot_be_written_is_named(self, cli, workplace, shelf, monkeypatch, content):
        before = content(shelf.database)
        (workplace / "file").touch()
        monkeypatch.setenv("SWEEP_CACHE", str(workplace / "file" / "cache"))
        line = cli("run", NAME, "--name", "other").sentence(1)
        assert str(workplace / "file") in line
        assert content(shelf.database) == before

    def test_trials_seed_and_name_are_as_if_they_stood_in_the_file(self, cli, monkeypatch):
        given = []

        def note(experiment, *others):
            given.append(experiment)
            raise SweepError("stopped here")

        monkeypatch.setattr(running, "_run", note)
        options = ["--trials", 5, "--seed", 9, "--name", "another", "--set", "epochs=3", "--set", "trials=7"]
        assert cli("run", NAME, *options).sentence(1) == "Error: stopped here"
        (ours,) = given
        text = ours.text.replace("trials = 40", "trials = 5").replace("seed = 0", "seed = 9")
        text = text.replace(f'name = "{NAME}"', 'name = "another"').replace("epochs = 30", "epochs = 3")
        theirs = experiment.parse(text, "edited")
        assert ours.name == theirs.name == "another"
        assert ours.fingerprint == theirs.fingerprint
        assert ours.trials() == theirs.trials()

    @pytest.mark.parametrize("name", ["5", "true", "1e3", "inf", "1979-05-27", "x.y"])
    def test_a_name_is_text_whatever_it_looks_like(self, cli, monkeypatch, name):
        def note(experiment, *others):
            raise SweepError(experiment.name)

        monkeypatch.setattr(running, "_run", note)
        assert cli("run", NAME, "--name", name).sentence(1) == f"Error: {name}"


class TestResume:
    def test_a_finished_sweep_is_shown_again(self, cli, shelf, content):
        before = content(shelf.database)
        answer = cli("resume", NAME)
        assert answer.code == 0
        assert answer.out == shelf.run.out
        assert f"nothing is left to train in {NAME}" in answer.err
        assert content(shelf.database) == before

    def test_the_newest_is_meant_where_none_is_named(self, cli):
        assert f"nothing is left to train in {NAME}" in cli("resume").err

    def test_quiet_says_nothing(self, cli):
        answer = cli("resume", "--quiet")
        assert (answer.code, answer.out, answer.err) == (0, "", "")

    def test_an_unknown_sweep_is_answered_with_the_closest(self, cli):
        assert f"did you mean '{NAME}'?" in cli("resume", "digits-quickstrat").sentence(1)

    def test_what_is_left_is_trained_and_the_rest_is_left(self, cli, copy_of_shelf, content):
        before = content(copy_of_shelf)
        connection = sqlite3.connect(copy_of_shelf)
        sql = "UPDATE trials SET status = 'interrupted' WHERE number = 4 AND sweep_id = 2"
        with connection:
            assert connection.execute(sql).rowcount == 1
        connection.close()
        answer = cli("resume", "--workers", 1, "--db", copy_of_shelf)
        assert answer.code == 0
        assert "8/8 trials" in answer.err
        changed = {re.match(r"INSERT INTO \W*(\w+)", line)[1] for line in {*content(copy_of_shelf)} ^ {*before}}
        assert changed <= {"trials", "epochs"}  # owner, times and attempt of one trial, seconds of its epochs
        assert len({*content(copy_of_shelf)} ^ {*before}) == 2 * (1 + 3)


def test_only_our_own_errors_are_made_sentences(monkeypatch):
    """A bug must show itself: `main` catches SweepError alone."""

    def fail():
        raise RuntimeError("a bug")

    monkeypatch.setattr("sweep.cli.entry._commands", lambda: fail)
    with pytest.raises(RuntimeError, match="a bug"):
        main()
