"""`sweep compare` and the summary of a run: tables, files, and one sentence for what cannot be done."""

import json

import pytest

from tests.results.small_curves import run


@pytest.fixture
def compared(answer, tmp_path):
    """Call a command on a database with two sweeps."""
    for name, seed in (("one", 0), ("two", 1)):
        run(tmp_path, name, trials=12, seed=seed)
    return lambda *arguments: answer(*arguments, "--db", tmp_path / "mine.db")


def test_a_table_and_sentences(compared, tmp_path):
    code, out, err = compared("compare", "one", "two", "-o", tmp_path / "both.png")
    assert code == 0, err
    assert "Best of random trials" in out
    assert "after 2 trials of each, the best of two is better than that of one with probability " in out
    assert "better: the probability to be better than one" in err
    assert f"chart: {tmp_path / 'both.png'}" in err
    assert (tmp_path / "both.png").stat().st_size > 10_000


def test_for_programs_there_is_one_table(compared):
    code, out, err = compared("compare", "one", "two", "-n", "1, 2", "--format", "json")
    assert code == 0, err
    rows = json.loads(out)
    assert [(row["trials"], row["sweep"]) for row in rows] == [(1, "one"), (1, "two"), (2, "one"), (2, "two")]
    assert 0 < rows[1]["better_low"] < rows[1]["better"] < rows[1]["better_high"] < 1
    markdown = compared("compare", "one", "two", "-n", "1", "--format", "markdown")[1]
    assert markdown.startswith("| trials | sweep ")


@pytest.mark.parametrize("given", ["0", "x", "1,,2", "-3", "1.5"])
def test_numbers_that_are_none_are_refused(compared, given):
    code, out, err = compared("compare", "one", "two", f"-n={given}")
    assert (code, out) == (2, "")
    assert "-n takes numbers of trials with commas between them, such as 5,10, not" in err


def test_one_sweep_is_too_few(compared):
    code, _, err = compared("compare", "one")
    assert code == 2
    assert "name at least two sweeps to compare" in err


def test_the_chart_of_one_sweep(compared, tmp_path):
    code, _, err = compared("plot", "one", "--kind", "tuning_curve", "-o", tmp_path / "one.svg")
    assert code == 0, err
    assert (tmp_path / "one.svg").read_text().count("<path") > 5


def test_the_summary_after_a_run_tells_of_luck(compared, tmp_path):
    code, _, err = compared("run", tmp_path / "one.toml", "--name", "three", "--trials", "25", "--workers", "1")
    assert code == 0, err
    assert "median best of 2 trials: " in err
    assert "another 25 trials beat the best of these with probability 1/2, and lower it by at most " in err
