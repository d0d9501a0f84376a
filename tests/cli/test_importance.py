"""`sweep analyze` as it is by default, and its charts."""

import json
import sys

import pytest

import sweep
from sweep.cli.entry import main
from tests.cli.conftest import Result
from tests.engine_here import training_here
from tests.results.test_importance import FILE, TRAINER


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a database of a sweep in which one parameter matters, and of one that has just begun."""
    made = tmp_path_factory.mktemp("importance")
    (made / "mine.py").write_text(TRAINER)
    (made / "first.toml").write_text(FILE)
    dead = ["parameters.optimizer={kind='adam',learning_rate={uniform=[0.5,1.0]}}"]
    with training_here():
        sweep.run(made / "first.toml", db=made / "sweeps.db", name="dead", overrides=dead, trials=5)
        sweep.run(made / "first.toml", db=made / "sweeps.db", name="few", trials=4)
        sweep.run(made / "first.toml", db=made / "sweeps.db")
    return made


@pytest.fixture
def cli(folder, capsys, monkeypatch):
    """A function that runs the command line in this process."""

    def run(*arguments):
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", ["sweep", *map(str, arguments), "--db", "sweeps.db"])
        capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            main()
        return Result(caught.value.code or 0, *capsys.readouterr())

    return run


def test_what_matters_is_printed_by_default(cli):
    result = cli("analyze")
    assert result.code == 0, result.err
    first, second, *_ = result.out.splitlines()
    assert "of 60 trials diverged" in first and first.endswith("; see sweep analyze --divergence")
    assert "configurations completed; their parameters explain " in second
    assert "share of variance" in result.out and "worth tuning" in result.out
    assert "mean loss over the range of learning_rate against its best, by optimizer: " in result.out
    assert result.err.startswith("of the configurations that completed; in brackets 90 % intervals")


def test_the_table_alone_is_for_programs(cli):
    result = cli("analyze", "first", "--format", "json", "--by", "score", "--direction", "max")
    rows = {row["parameter"]: row for row in json.loads(result.out)}
    assert rows["optimizer"]["best"] == "adam"
    assert rows["shift"]["share_low"] < 0.005
    assert cli("analyze", "first", "--format", "markdown").out.startswith("| parameter ")


def test_words_where_there_is_nothing_to_tell(cli):
    few = cli("analyze", "few")
    assert few.code == 0 and "what matters among them can be told from 20 on" in few.out
    table = cli("analyze", "few", "--format", "csv")
    assert table.out.startswith("parameter,share,share_low") and len(table.out.splitlines()) == 1
    assert "can be told from 20 on" in table.err
    dead = cli("analyze", "dead")
    assert dead.out.startswith("all of 5 trials diverged")
    assert "no configuration has completed yet" in dead.out
    assert "few: " in cli("plot", "few", "--kind", "importance").sentence(1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--divergence", "--by", "loss"), "--by and --direction do not go with --divergence"),
        (("--by", "los"), "there is no metric 'los'"),
        (("first", "first"), "a sweep is named twice"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(cli, arguments, words):
    assert words in cli("analyze", *arguments).sentence(2)


def test_several_sweeps_count_together(cli):
    result = cli("analyze", "few", "first")
    assert result.code == 0, result.err
    assert "of 64 trials diverged" in result.out


def test_charts_are_written(cli, folder):
    for kind in ("importance", "effect"):
        answer = cli("plot", "first", "--kind", kind, "-o", f"{kind}.png")
        assert answer.code == 0, answer.err
        assert (folder / f"{kind}.png").stat().st_size > 10_000
    pair = ("plot", "first", "--kind", "interaction", "--x", "shift")
    assert cli(*pair, "--x", "optimizer", "-o", "pair.png").code == 0
    assert "name two with --x" in cli(*pair).sentence(2)
    assert "--x is given at most twice" in cli(*pair, *pair[-2:], *pair[-2:]).sentence(2)
