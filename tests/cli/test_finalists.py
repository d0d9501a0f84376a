"""`sweep finalists` and `sweep explain`: what they print, and what they refuse."""

import csv
import io
import json
import sys

import pytest

import sweep
from sweep.cli.entry import main
from tests.cli.conftest import Result
from tests.engine_here import training_here

TRAINER = """
def train(config, trial):
    noise = (trial.seed % 97) / 9700
    for epoch in range(2):
        yield {"rmse": abs(config["rate"] - 0.7) + noise + 0.1 / (epoch + 1)}
"""
FILE = """
name = "mine"
trainer = "fin_cli:train"
trials = 8
epochs = 2

[parameters]
rate = { uniform = [0.0, 1.0] }
idle = { uniform = [0.0, 1.0] }

[objective]
metric = "rmse"
direction = "min"
"""
DIGITS = """
name = "small"
trials = 3
[data]
dataset = "digits"
[network]
hidden = [6]
activation = "relu"
[training]
epochs = 2
batch_size = 100
optimizer = { kind = "sgd", learning_rate = { log_uniform = [0.1, 0.5] } }
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a database of two sweeps: of a trainer of one's own, and of the digits without validation."""
    made = tmp_path_factory.mktemp("finalists")
    (made / "fin_cli.py").write_text(TRAINER)
    (made / "mine.toml").write_text(FILE)
    (made / "small.toml").write_text(DIGITS)
    with training_here(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWEEP_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        sweep.run(made / "small.toml", db=made / "sweeps.db")
        sweep.run(made / "mine.toml", db=made / "sweeps.db")
    return made


@pytest.fixture
def cli(folder, monkeypatch, capsys):
    """Call the command line in this process, with the database of the folder."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["sweep", *arguments, "--db", str(folder / "sweeps.db")])
        capsys.readouterr()
        with pytest.raises(SystemExit) as caught, training_here():
            main()
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return Result(caught.value.code or 0, out, err)

    return call


def test_tables_and_words_are_printed(cli):
    shown = cli("finalists", "mine", "-n", "3", "--seeds", "4", "-q")
    assert shown.code == 0, shown.err
    assert "Finalists of mine" in shown.out and "Pairs" in shown.out
    best = sweep.load("mine", db=sys.argv[-1]).best_trials(1)[0]
    assert f"trial {best}, the best of the search with " in shown.out
    assert " is better than " in shown.out  # what a seed does to all is no part of a difference


def test_every_format_has_all_figures(cli):
    rows = json.loads(cli("finalists", "mine", "-n", "3", "--seeds", "4", "-q", "--format", "json").out)
    assert len(rows) == 3
    assert {"rank", "trial", "rmse", "expected", "low", "high", "before", "shrinkage_low"} <= set(rows[0])
    assert [row["rank"] for row in rows] == [1, 2, 3]
    lines = cli("finalists", "mine", "-n", "3", "--seeds", "4", "-q", "--pairs", "--format", "csv").out
    pairs = list(csv.DictReader(io.StringIO(lines)))
    assert len(pairs) == 3
    assert {"trial", "other", "probability_low", "verdict"} <= set(pairs[0])
    assert "| rank" in cli("finalists", "mine", "-n", "3", "-q", "--seeds", "4", "--format", "markdown").out


def test_without_seeds_nothing_is_trained(cli):
    cli("finalists", "mine", "-n", "2", "--seeds", "2", "-q")
    before = sweep.load("mine.finalists", db=sys.argv[-1]).record.trials
    shown = cli("finalists", "mine", "-n", "5", "--seeds", "0")
    assert shown.code == 0
    assert sweep.load("mine.finalists", db=sys.argv[-1]).record.trials == before
    assert "no configuration of small was trained with fresh seeds yet; do so with: sweep finalists small" in cli(
        "finalists", "small", "--seeds", "0"
    ).sentence(1)


def test_a_fixed_test_part_is_told_and_the_variance_is_split(cli):
    shown = cli("finalists", "small", "-n", "2", "--seeds", "3", "-q")
    assert "the test part is the same for all, and as it has chosen the finalists" in shown.err
    assert "accuracies differ from seed to seed with a standard deviation of" in shown.out
    assert "450 test examples" in shown.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-n", "0"), "-n takes a number from 1 to 20, not 0"),
        (("--seeds", "-1"), "--seeds takes a number from 0 on, not -1"),
    ],
)
def test_numbers_that_make_no_sense_are_one_sentence(cli, arguments, words):
    assert words in cli("finalists", "mine", *arguments).sentence(2)


def test_the_newest_sweep_is_that_of_the_search(cli):
    cli("finalists", "mine", "-n", "1", "--seeds", "1", "-q")
    assert cli("finalists", "-n", "1", "--seeds", "1", "-q").code == 0
    assert "name mine instead" in cli("finalists", "mine.finalists").sentence(1)


def test_a_chart_is_drawn(cli, tmp_path):
    cli("finalists", "mine", "-n", "3", "--seeds", "4", "-q")
    assert cli("plot", "mine", "--kind", "finalists", "-o", str(tmp_path / "f.png")).code == 0
    assert (tmp_path / "f.png").stat().st_size > 5000


def best(folder):
    return str(sweep.load("mine", db=folder / "sweeps.db").best_trials(1)[0])


def test_the_steps_are_told_in_words(cli, folder):
    number = best(folder)
    shown = cli("explain", f"mine/{number}", "--seeds", "2", "-q")
    assert shown.code == 0, shown.err
    rate = sweep.load("mine", db=folder / "sweeps.db").trials()["rate"][int(number)]
    effect = abs(rate - 0.7) - 0.2
    line = next(line for line in shown.out.splitlines() if line.startswith("rate 0.5 → "))
    assert line.startswith(f"rate 0.5 → {rate:.4g}: {effect:+.4f}"[:-2])
    assert "idle changes nothing" in shown.out
    assert f"From the middle of the file to trial {number}" in shown.out
    assert "these are trials of mine.explain" in shown.err


def test_steps_are_rows_of_every_format(cli, folder):
    number = best(folder)
    rows = json.loads(cli("explain", f"mine/{number}", "--seeds", "1", "-q", "--format", "json").out)
    assert [row["step"] for row in rows] == [0, 1, 2]
    assert rows[0]["parameter"] == "baseline" and rows[0]["effect"] is None
    other = "0" if number != "0" else "1"
    shown = cli("explain", f"mine/{number}", "--from", other, "--order", "file", "--seeds", "1", "-q")
    assert f"From trial {other} to trial {number}" in shown.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("mine/0", "--from", "small/1"), "--from takes a trial of the same sweep, such as 3, not 'small/1'"),
        (("mine/0", "--from", "x"), "a trial is a number such as 12"),
        (("mine/0", "--seeds", "0"), "--seeds takes a number from 1 on, not 0"),
        (("mine",), "a trial is a number such as 12"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(cli, arguments, words):
    assert words in cli("explain", *arguments).sentence(2)


SOMETIMES = """
from pathlib import Path

def train(config, trial):
    fail = Path(__file__).with_name("fail")
    if fail.exists() and (fail.read_text() == "all" or trial.seed % 2):
        raise ValueError("no luck")
    yield {"rmse": config["rate"]}
"""


@pytest.mark.parametrize("command", [("finalists", "failing", "-n", "2"), ("explain", "failing/0", "--seeds", "5")])
@pytest.mark.parametrize("failing", ["all", "some"])
def test_trainings_that_fail_are_told_and_are_an_error_where_all_do(answer, tmp_path, command, failing):
    (tmp_path / "fin_fail.py").write_text(SOMETIMES)
    (tmp_path / "failing.toml").write_text(FILE.replace("mine", "failing").replace("fin_cli", "fin_fail"))
    with training_here():
        sweep.run(tmp_path / "failing.toml", db=tmp_path / "failing.db").store.close()
        (tmp_path / "fail").write_text(failing)
        code, out, err = answer(*command, "-q", "--db", tmp_path / "failing.db")
    sys.modules.pop("fin_fail", None)
    if failing == "all":
        assert (code, out) == (1, "") and "Traceback" not in err
        name = f"failing.{command[0]}"
        assert f"trials of {name} have failed, the first of them trial 0: ValueError: no luck" in err
    else:
        assert code == 0 and " failed, " in err and out


def test_nothing_that_differs_is_one_sentence(cli):
    assert "so there is nothing to explain" in cli("explain", "mine/0", "--from", "0").sentence(1)
