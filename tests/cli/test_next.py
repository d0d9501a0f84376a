"""`sweep next`: the file of the next search runs, says why it differs, and keeps all other lines."""

import re
import shutil

import pytest

import sweep
from sweep.experiment.file import load
from tests.engine_here import training_here

FILE = """# A comment of mine.
name = "first"
trials = 60
seed = 4

[data]
dataset = "digits"

[network]
hidden = [8]          # not searched
activation = "relu"
weights = "he_normal"
biases = "zeros"
output = "softmax"

[training]
epochs = 2
batch_size = { int = [20, 200] }
optimizer = { kind = "sgd", learning_rate = { log_uniform = [1e-5, 0.5] } }
loss = "cross_entropy"
"""


@pytest.fixture(scope="module")
def trained_once(tmp_path_factory):
    """A folder with the file of a search, and a database with it finished."""
    folder = tmp_path_factory.mktemp("first")
    (folder / "first.toml").write_text(FILE)
    with training_here():
        sweep.run(folder / "first.toml", db=str(folder / "sweeps.db")).store.close()
    return folder


@pytest.fixture
def first(trained_once, tmp_path, monkeypatch):
    monkeypatch.chdir(shutil.copytree(trained_once, tmp_path, dirs_exist_ok=True))
    return sweep.load("first")


def test_the_next_search_is_better_and_each_changed_line_has_its_reason(first, answer, tmp_path):
    code, out, said = answer("next", "-o", "next.toml")
    assert (code, out) == (0, ""), said
    assert "go on with: sweep run next.toml" in said
    lines = (tmp_path / "next.toml").read_text().splitlines()
    old = FILE.splitlines()
    for number, line in enumerate(lines):
        if line not in old and line and not line.startswith("# next"):
            assert lines[number - 1].startswith("# next"), line
    kept = [line for line in old if line in lines]
    assert len(kept) >= len(old) - 4
    experiment = load("next.toml")
    assert (experiment.name, experiment.header.trials, experiment.header.seed) == ("first-2", 60, 5)
    with training_here():
        again = sweep.run("next.toml")
    assert again.trials()["test_accuracy"].median() > first.trials()["test_accuracy"].median()
    rates = again.trials()["learning_rate"]
    low, high = map(
        float, re.search(r"learning_rate: the best \d+ of 60 trials lie between (\S+) and (\S+)", said).groups()
    )
    best = first.best(6)["learning_rate"]
    assert (low, high) == (pytest.approx(best.min(), rel=5e-3), pytest.approx(best.max(), rel=5e-3))
    assert rates.between(low / 2, high * 2).mean() > 0.6


def test_the_same_sweep_gives_the_same_file(first, tmp_path):
    (tmp_path / "again").mkdir()
    first.next("next.toml")
    first.next("again/next.toml")
    assert (tmp_path / "next.toml").read_bytes() == (tmp_path / "again" / "next.toml").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "say where to write, such as -o next.toml"),
        (["-o", "first.toml"], 2, "first.toml exists; name another file"),
        (["-o", "missing/next.toml"], 1, "there is no folder 'missing'; make it first"),
        (["fist", "-o", "next.toml"], 1, "did you mean 'first'"),
    ],
)
def test_what_cannot_be_written_is_refused(first, answer, arguments, code, said):
    found, out, errors = answer("next", *arguments)
    assert (found, out) == (code, "")
    assert said in errors
    assert "Traceback" not in errors


def test_too_few_trials_are_refused_with_their_number(answer, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "first.toml").write_text(FILE)
    with training_here():
        sweep.run("first.toml", trials=5)
    code, _, errors = answer("next", "-o", "next.toml")
    assert code == 1
    assert "5 configurations of first ended, and at least 20 are needed" in errors
    assert not (tmp_path / "next.toml").exists()
