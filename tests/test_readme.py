"""The README's own training function and own command, copied into an empty folder, work as they stand."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import sweep

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def blocks(heading, language):
    """The code blocks of a section."""
    section = re.split(r"\n## ", README.split(f"\n## {heading}\n")[1])[0]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


def run(folder, *arguments):
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, encoding="utf-8", cwd=folder, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def folder(tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    return empty


def test_your_own_training_function(folder):
    function, from_python = blocks("Your own training function", "python")
    (file,) = blocks("Your own training function", "toml")
    (folder / "mine.py").write_text(function, encoding="utf-8")
    (folder / "mine.toml").write_text(file, encoding="utf-8")
    out = run(folder, "-m", "sweep", "run", "mine.toml")
    results = sweep.load("mine")
    assert len(results.trials()) == 30
    assert "Best" in out
    assert set(results.trials()["status"]) == {"completed"}

    (folder / "script.py").write_text(from_python, encoding="utf-8")
    out = run(folder, "script.py")
    assert "distance" in out
    # The same draws by another way: parameters of one name, and one seed.
    assert sweep.load("train").trials()["learning_rate"].tolist() == results.trials()["learning_rate"].tolist()


def test_your_own_command(folder):
    (program,) = blocks("Your own command", "python")
    (file,) = blocks("Your own command", "toml")
    (folder / "train.py").write_text(program, encoding="utf-8")
    (folder / "command.toml").write_text(file, encoding="utf-8")
    run(folder, "-m", "sweep", "run", "command.toml")
    results = sweep.load("command")
    assert set(results.trials()["status"]) <= {"completed", "diverged"}
    assert results.epochs().groupby("trial").size().max() == 20
