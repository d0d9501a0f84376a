"""Tests of what is answered when something is wrong: one sentence, the right exit code, never a traceback."""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

import sweep

NAME = "digits-quickstart"

UNUSABLE = {
    "missing": "there is no database",
    "empty file": "is empty",
    "text file": "not a database",
    "foreign database": "not one of sweep",
    "cut file": "malformed",
    "folder": "no file",
    "newer version": "upgrade sweep",
    "below a file": "there is no database",
}
"""Databases that will not do, and what is said of them."""

READERS = [["list"], ["leaderboard"], ["show", "0"], ["resume"], ["export", "-o", "x.csv"], ["plot"]]


class TestCommands:
    @pytest.mark.parametrize(
        ("arguments", "code", "parts"),
        [
            (["leaderboard", "digits-quickstrat"], 1, ["'digits-quickstrat'", f"did you mean '{NAME}'?"]),
            (["leaderboard", "qqq"], 1, ["'qqq'", NAME, "tiny"]),
            (["leaderboard", "--worst", "--diverged"], 2, ["--worst", "--diverged"]),
            (["leaderboard", "--diverged", "--by", "test_loss"], 2, ["--by", "--diverged"]),
            (["leaderboard", "--by", "accuracy"], 2, ["'accuracy'", "did you mean 'test_accuracy'?"]),
            (["leaderboard", "--direction", "min"], 2, ["test_accuracy", "max"]),
            (["plot", "--y", "test_los"], 2, ["did you mean 'test_loss'?"]),
            (["export", "-o", "x.csv", "--format", "jsn"], 2, ["'jsn'", "did you mean 'json'?"]),
            (["show", "0", "--log"], 1, ["no log", f"{NAME}/0"]),
            (["leaderboard", "-n", "0"], 2, ["0", "1"]),
            (["leaderboard", "-n", "-3"], 2, ["-3", "1"]),
            (["leaderboard", "--diverged", "-n", "0"], 2, ["0", "1"]),
            (["leaderboard", "--where", "alhpa < 0.1"], 2, ["'alhpa'", "did you mean 'alpha'?"]),
            (["leaderboard", "--where", "alpha ="], 2, ["alpha"]),
            (["leaderboard", "--where", ""], 2, ["empty"]),
            (["leaderboard", "--diverged", "--where", "qqq > 1"], 2, ["'qqq'"]),
            (["leaderboard", "--where", "__import__('os').system('true')"], 2, ["__import__"]),
            (["export", "qqq", "-o", "x.csv"], 1, ["'qqq'"]),
            (["plot", "qqq"], 1, ["'qqq'"]),
            (["show", "qqq/0"], 1, ["'qqq'"]),
            (["resume", "qqq"], 1, ["'qqq'"]),
        ],
    )
    def test_a_mistake_is_answered_with_one_sentence(self, cli, arguments, code, parts):
        line = cli(*arguments).sentence(code)
        for part in parts:
            assert part in line

    @pytest.mark.parametrize(
        ("arguments", "part"),
        [
            (["frob"], "frob"),
            (["--frob"], "--frob"),
            (["run"], "FILE|NAME"),
            (["show"], "TRIAL"),
            (["leaderboard", "--direction", "up"], "max"),
            (["leaderboard", "--format", "xml"], "markdown"),
            (["leaderboard", "-n", "many"], "-n"),
            (["leaderboard", "one", "two"], "two"),
            (["list", "--format", "xml"], "markdown"),
        ],
    )
    def test_a_wrong_command_shows_its_usage(self, cli, arguments, part):
        answer = cli(*arguments)
        assert (answer.code, answer.out) == (2, "")
        assert "Usage:" in answer.err
        assert part in answer.err


class TestDatabases:
    @pytest.mark.parametrize(("kind", "reason"), UNUSABLE.items())
    def test_one_that_cannot_be_read_is_named_with_the_reason(self, cli, broken, workplace, kind, reason):
        path = broken(kind)
        for command in READERS:
            line = cli(*command, "--db", path).sentence(1)
            assert str(path) in line
            assert reason in line
            assert "sqlalche" not in line
        assert not (workplace / "x.csv").exists()
        assert path.exists() == (kind not in ("missing", "below a file"))

    def test_the_environment_names_one_too(self, cli, broken, monkeypatch):
        path = broken("missing")
        monkeypatch.setenv("SWEEP_DB", str(path))
        line = cli("list").sentence(1)
        assert str(path) in line
        assert "sweep run" in line

    def test_the_default_is_named_where_there_is_none(self, cli, monkeypatch):
        monkeypatch.delenv("SWEEP_DB")
        assert "results/sweeps.db" in cli("leaderboard").sentence(1)

    @pytest.mark.parametrize("kind", [kind for kind in UNUSABLE if kind != "missing"])
    def test_one_that_cannot_be_written_is_named_and_left_as_it_is(self, cli, broken, kind):
        path = broken(kind)
        before = path.read_bytes() if path.is_file() else None
        line = cli("run", NAME, "--name", "other", "--db", path).sentence(1)
        assert str(path) in line or str(path.parent) in line
        assert (path.read_bytes() if path.is_file() else None) == before
        if path.parent.is_dir():
            assert {file.name for file in path.parent.iterdir()} <= {path.name, f"{path.name}-wal", f"{path.name}-shm"}

    @pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc here")
    def test_a_folder_that_takes_no_files_is_named(self, cli):
        line = cli("run", NAME, "--name", "other", "--db", "/proc/x.db").sentence(1)
        assert "/proc/x.db" in line
        assert "--db" in line

    def test_a_path_that_no_file_can_have_is_answered_with_a_sentence(self, cli):
        for command in (["list"], ["run", NAME, "--name", "other"]):
            assert "xxx" in cli(*command, "--db", "x" * 300 + ".db").sentence(1)

    @pytest.mark.parametrize(
        "url", ["mysql://x/y", "sqlite://", "sqlite:///:memory:", "foo://bar", "://", "sqlite:///"]
    )
    def test_a_url_that_is_none_of_ours_is_a_wrong_command(self, cli, url):
        for command in (["list"], ["run", NAME, "--name", "other"]):
            assert "--db" in cli(*command, "--db", url).sentence(2)

    def test_a_password_is_never_shown(self, cli):
        line = cli("list", "--db", "postgresql+psycopg://user:secret@localhost:1/x").sentence(1)
        assert "secret" not in line
        assert "localhost" in line

    @pytest.mark.parametrize(
        ("url", "words"),
        [
            ("sw:p@ss/w:rd@127.0.0.1:1/s", "sw:***@127.0.0.1:1/s has signs that end it too early; write @ as %40, "),
            ("sw:p@ss:word@h", "sw:***@h has signs that end it too early; write @ as %40"),
            ("sw:p@ss@h/s", "sw:***@h/s has signs that end it too early; write @ as %40"),
            ("sw:p%40ss@h:abc/s", "the port 'abc' of postgresql+psycopg://sw:***@h:abc/s is not a number up to 65535"),
            ("sw:p%40ss@[::1]:70000/s", "the port '70000' of postgresql+psycopg://sw:***@[::1]:70000/s is not a"),
            ("sw:p%40ss", "the port of the server is not a number up to 65535; correct it, and in a password write"),
        ],
    )
    def test_a_mistake_in_the_address_of_a_server_is_named(self, cli, url, words):
        line = cli("list", "--db", f"postgresql+psycopg://{url}").sentence(2)
        assert words in line
        assert "p%40" not in line and "w:rd" not in line and "@ss" not in line

    @pytest.mark.parametrize(
        "url", ["sw:p/a:b?c@h:1/s", "h:1/s?password=a@b/c", "u@h/s", "/s", "[::1]/s", "u:p@h/a@b", "h:/s"]
    )
    def test_what_is_no_mistake_is_taken(self, url):
        assert sweep.database_url(f"postgresql+psycopg://{url}").endswith(url)


class TestProcess:
    """What only a process of its own can show."""

    def test_an_error_is_an_exit_code_and_a_sentence(self, shelf):
        shelf.spawn("leaderboard", "qqq").sentence(1)

    def test_a_reader_that_takes_one_line_is_no_error(self, shelf):
        script = 'set +o pipefail; "$0" -m sweep leaderboard --format csv | head -1'
        done = subprocess.run(
            ["bash", "-c", script, sys.executable], capture_output=True, text=True, env=shelf.environment, check=False
        )
        assert done.returncode == 0
        assert done.stdout.startswith("rank,trial,test_accuracy,")
        assert done.stdout.count("\n") == 1
        assert done.stderr == ""

    @pytest.mark.parametrize("arguments", [["leaderboard"], ["leaderboard", "--format", "csv"]])
    def test_a_reader_that_has_left_is_no_error(self, shelf, arguments):
        reading, writing = os.pipe()
        os.close(reading)
        try:
            answer = shelf.spawn(*arguments, stdout=writing)
        finally:
            os.close(writing)
        assert answer.err == ""


@pytest.fixture
def full():
    """A stream to a disk that is full."""
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    with suppress(OSError), Path("/dev/full").open("w") as stream:  # closing it writes what waits, and fails again
        yield stream


@pytest.mark.parametrize("arguments", [["leaderboard"], ["leaderboard", "--format", "csv"], ["show", "0"]])
def test_a_full_disk_is_answered_with_a_sentence(cli, monkeypatch, full, arguments):
    monkeypatch.setattr(sys, "stdout", full)
    answer = cli(*arguments)
    assert answer.code == 1
    assert answer.err.startswith("Error: ")
