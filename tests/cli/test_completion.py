"""Tests of what the shell completes, asked as a shell asks."""

import os
import sqlite3

import pytest

from sweep.cli import completion
from tests.cli.conftest import NAME, TRIALS


@pytest.fixture
def complete(cli, monkeypatch):
    """What Bash offers for the last word of a command line."""

    def offered(line):
        words = line.split(" ")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
        monkeypatch.setenv("_SWEEP_COMPLETE", "complete_bash")
        return cli().out.split()

    return offered


class TestNames:
    @pytest.mark.parametrize(
        ("line", "offered"),
        [
            ("sweep leaderb", ["leaderboard"]),
            ("sweep leaderboard ", [NAME, "tiny"]),
            ("sweep leaderboard ti", ["tiny"]),
            ("sweep analyze di", [NAME]),
            ("sweep show tiny/", ["tiny/0"]),
            ("sweep show 7", ["7"]),
            ("sweep show ti", ["tiny/"]),
            ("sweep run digits-q", ["digits-quickstart"]),
            ("sweep leaderboard --by test_", ["test_accuracy", "test_loss"]),
            ("sweep plot --x hid", ["hidden[0]", "hidden[1]"]),
            ("sweep plot --kind curv", ["curves"]),
            ("sweep leaderboard nothing", []),
        ],
    )
    def test_names_are_completed(self, complete, line, offered):
        assert complete(line) == offered

    def test_the_trials_of_the_newest_sweep_come_first(self, complete):
        assert complete("sweep show ")[:TRIALS] == [str(number) for number in range(TRIALS)]

    def test_experiment_files_of_the_folder_are_completed(self, complete, workplace):
        (workplace / "mine.toml").touch()
        (workplace / "mine.txt").touch()
        (workplace / "minerals").mkdir()
        assert complete("sweep run mine") == ["mine.toml", "minerals/"]


class TestDatabases:
    def test_the_database_of_the_command_line_is_asked(self, complete, copy_of_shelf, monkeypatch):
        monkeypatch.delenv("SWEEP_DB")
        assert complete(f"sweep leaderboard --db {copy_of_shelf} ti") == ["tiny"]

    def test_one_that_is_not_there_has_no_names_and_is_not_made(self, complete, workplace, monkeypatch):
        monkeypatch.setenv("SWEEP_DB", str(workplace / "none.db"))
        assert complete("sweep leaderboard ") == []
        assert not os.path.lexists(workplace / "none.db")

    def test_a_damaged_one_has_no_names(self, complete, broken, monkeypatch):
        monkeypatch.setenv("SWEEP_DB", str(broken("text file")))
        assert complete("sweep leaderboard ") == []

    def test_an_older_one_is_read_as_it_is(self, complete, tmp_path, monkeypatch):
        old = tmp_path / "old.db"
        connection = sqlite3.connect(old)
        connection.execute("CREATE TABLE sweeps (id INTEGER, name TEXT)")
        connection.execute("INSERT INTO sweeps VALUES (1, 'older')")
        connection.commit()
        connection.close()
        content = old.read_bytes()
        monkeypatch.setenv("SWEEP_DB", str(old))
        assert complete("sweep leaderboard ") == ["older"]
        assert old.read_bytes() == content

    def test_one_named_by_a_url_is_asked_too(self, complete, shelf, monkeypatch):
        monkeypatch.setenv("SWEEP_DB", f"sqlite:///{shelf.database}")
        assert complete("sweep leaderboard ti") == ["tiny"]


def test_hidden_files_are_not_offered(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".secret.toml").touch()
    assert ".secret.toml" not in completion.experiments(None, "")
