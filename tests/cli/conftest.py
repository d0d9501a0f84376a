"""One small finished sweep for all tests of the command line, and two ways to call it: a process, and this one."""

import fcntl
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import astuple, dataclass
from pathlib import Path

import pytest

from sweep.cli.entry import main

NAME = "digits-quickstart"
TRIALS = 8


@dataclass(frozen=True)
class Result:
    """What a command has answered."""

    code: int
    out: str
    err: str

    def sentence(self, code):
        """The one sentence of a command that could not be done."""
        assert self.code == code, self.err
        assert self.out == ""
        (line,) = [line for line in self.err.splitlines() if not line.startswith("preparing the data set")]
        assert line.startswith("Error: ")
        return line


@dataclass(frozen=True)
class Shelf:
    """A database with two finished sweeps, and how the commands that made it have answered."""

    database: Path
    cache: Path
    quiet: Result
    run: Result

    @property
    def environment(self):
        """The environment in which its commands run."""
        # Without a buffer a pipe that is closed shows itself elsewhere than it does to users.
        left_out = {"SWEEP_DATA", "PYTHONUNBUFFERED"}
        others = {key: value for key, value in os.environ.items() if key not in left_out}
        return {**others, "SWEEP_DB": str(self.database), "SWEEP_CACHE": str(self.cache), "COLUMNS": "100"}

    def spawn(self, *arguments, **options):
        """Run the command line in a process of its own."""
        options = {"stdout": subprocess.PIPE, **options}
        command = [sys.executable, "-m", "sweep", *arguments]
        folder = self.database.parent
        done = subprocess.run(
            command, stderr=subprocess.PIPE, env=self.environment, cwd=folder, text=True, check=False, **options
        )
        return Result(done.returncode, done.stdout, done.stderr)


SMALL = ["--name", "tiny", "--trials", "1", "--set", "epochs=1", "--set", "keep_weights=none", "--workers", "1", "-q"]


@pytest.fixture(scope="session")
def shelf(tmp_path_factory):
    """A sweep of one trial run with --quiet, and then the one that most tests look at."""
    folder = tmp_path_factory.mktemp("shelf")
    answers = made_once(tmp_path_factory, folder)
    filled = Shelf(folder / "sweeps.db", folder / "cache", *answers)
    assert filled.run.code == 0, filled.run.err
    return filled


def made_once(tmp_path_factory, folder):
    """Fill a folder with a copy of the shelf; of all processes that run tests, the first makes it."""
    here = tmp_path_factory.getbasetemp()
    shared = (here.parent if os.environ.get("PYTEST_XDIST_WORKER") else here) / "shared-shelf"
    with shared.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not shared.exists():
            fill(shared)
    shutil.copytree(shared, folder, dirs_exist_ok=True)
    answers = json.loads((folder / "answers.json").read_text().replace(str(shared), str(folder)))
    return [Result(*answer) for answer in answers]


def fill(folder):
    """Run the two sweeps, and note how the commands have answered."""
    folder.mkdir()
    empty = Shelf(folder / "sweeps.db", folder / "cache", None, None)
    quiet = empty.spawn("run", NAME, *SMALL)
    run = empty.spawn("run", NAME, "--trials", str(TRIALS), "--set", "epochs=2", "--workers", "2")
    (folder / "answers.json").write_text(json.dumps([astuple(quiet), astuple(run)]))


@pytest.fixture
def workplace(shelf, tmp_path, monkeypatch):
    """An empty current folder; the shelf's database and cache in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SWEEP_DB", str(shelf.database))
    monkeypatch.setenv("SWEEP_CACHE", str(shelf.cache))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("SWEEP_DATA", raising=False)
    return tmp_path


@pytest.fixture
def cli(workplace, monkeypatch, capsys):
    """Call the command line in this process: `cli("leaderboard", "-n", 3)`."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["sweep", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            main()
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return Result(caught.value.code or 0, out, err)

    return call


@pytest.fixture
def copy_of_shelf(shelf, tmp_path):
    """A copy of the shelf's database that a test may change."""
    path = tmp_path / "copy.db"
    with sqlite3.connect(shelf.database) as source, sqlite3.connect(path) as target:
        source.backup(target)
    source.close()
    target.close()
    return path


@pytest.fixture
def content():
    """Everything in a database, as SQL."""

    def dump(path):
        connection = sqlite3.connect(path)
        try:
            return [*connection.iterdump()]
        finally:
            connection.close()

    return dump


@pytest.fixture
def broken(shelf, tmp_path):
    """Make a database that cannot be used, of a given kind."""

    def make(kind):
        path = tmp_path / "broken" / "sweeps.db"
        path.parent.mkdir()
        match kind:
            case "empty file":
                path.touch()
            case "text file":
                path.write_text("name,accuracy\nx,0.5\n" * 200)
            case "foreign database":
                connection = sqlite3.connect(path)
                connection.execute("CREATE TABLE sweeps (id)")
                connection.close()
            case "cut file":
                path.write_bytes(shelf.database.read_bytes()[:6000])
            case "folder":
                path.mkdir()
            case "newer version":
                shutil.copy(shelf.database, path)
                connection = sqlite3.connect(path)
                connection.execute("PRAGMA user_version = 99")
                connection.close()
            case "below a file":
                path.parent.rmdir()
                path.parent.write_text("a file")
        return path

    return make


@pytest.fixture
def plain():
    """The rows of a frame as Python's own values, None where one is missing."""
    import pandas as pd

    def rows(frame):
        return [
            [None if pd.isna(value) else value.item() if hasattr(value, "item") else value for value in row]
            for row in frame.astype(object).itertuples(index=False)
        ]

    return rows
