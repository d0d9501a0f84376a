"""Tests of the charts that commands draw."""

from pathlib import Path
from typing import get_args

import pytest

import sweep
from sweep.cli.plotting import KINDS, KindName

SIMPLE = """
name = "simple"
trials = 2
[data]
dataset = "digits"
[network]
hidden = [4]
[training]
epochs = 1
batch_size = 500
l2 = { log_uniform = [1e-300, 1e300] }
optimizer = { kind = "sgd", learning_rate = 0.01 }
"""


@pytest.mark.usefixtures("here")
class TestRun:
    def test_a_chart_that_cannot_be_written_is_one_sentence_and_no_failure(self, cli, workplace):
        Path("simple.toml").write_text(SIMPLE)
        Path("s.db-files").write_text("a file where the folder of the charts would be")
        answer = cli("run", "simple.toml", "--db", "s.db")
        assert answer.code == 0, answer.err
        assert "no chart: cannot make the folder" in answer.err
        assert "more:  sweep leaderboard simple" in answer.err


class TestCurves:
    def test_the_learning_curves_of_any_metric(self, cli):
        assert cli("plot", "--kind", "curves", "-o", "a.svg").code == 0
        assert "test accuracy" in Path("a.svg").read_text()
        assert cli("plot", "--kind", "curves", "--by", "test_loss", "--trial", 0, "-o", "b.png").code == 0
        assert Path("b.png").read_bytes().startswith(b"\x89PNG")

    @pytest.mark.parametrize(
        ("arguments", "code", "words"),
        [
            (["--x", "alpha"], 2, "--x does not go with --kind curves"),
            (["--by", "nonsense"], 2, "there is no metric 'nonsense'"),
            (["--trial", 99], 1, "there is no trial 99"),
        ],
    )
    def test_what_cannot_be_done_is_one_sentence(self, cli, arguments, code, words):
        assert words in cli("plot", "--kind", "curves", *arguments).sentence(code)


class TestKinds:
    @pytest.mark.parametrize("kind", ["history", "parallel", "heatmap", "distribution", "efficiency"])
    def test_every_kind_is_drawn_and_named_for_the_metric(self, cli, shelf, kind):
        answer = cli("plot", "--kind", kind)
        assert answer.code == 0, answer.err
        path = shelf.database.with_name("sweeps.db-files") / "digits-quickstart" / f"test_accuracy-{kind}.png"
        assert path.read_bytes().startswith(b"\x89PNG")

    def test_the_help_has_a_line_for_each_and_all_are_known(self, cli):
        assert get_args(KindName) == tuple(KINDS)
        lines = cli("plot", "--help").out.splitlines()
        for name, kind in KINDS.items():
            assert any(f"{name}: {kind.shows}" in line for line in lines), name

    def test_the_distribution_of_several_sweeps(self, cli):
        assert cli("plot", "--kind", "distribution", "--with", "tiny", "-o", "both.svg").code == 0
        assert "distribution of test accuracy in 2 sweeps" in Path("both.svg").read_text()

    @pytest.mark.parametrize(
        ("arguments", "code", "words"),
        [
            (["--kind", "distribution", "--with", "nonsense"], 1, "nonsense"),
            (["--kind", "distribution", "--with", "digits-quickstart"], 2, "a sweep is named twice"),
            (["--kind", "history", "--with", "tiny"], 2, "--with does not go with --kind history"),
            (["--kind", "history", "--x", "alpha"], 2, "--x does not go with --kind history"),
            (["--kind", "heatmap", "--x", "a", "--x", "b", "--x", "c"], 2, "--x is given at most twice"),
            (["--kind", "heatmap", "--x", "nonsense"], 2, "there is no parameter 'nonsense'"),
            (["--kind", "parallel", "--x", "nonsense"], 2, "there is no parameter 'nonsense'"),
            (["--kind", "efficiency", "--by", "nonsense"], 2, "there is no metric 'nonsense'"),
        ],
    )
    def test_what_cannot_be_done_is_one_sentence(self, cli, arguments, code, words):
        assert words in cli("plot", *arguments).sentence(code)


class TestTrained:
    """Charts for which networks are trained."""

    def test_the_trace_of_one_trial(self, cli):
        answer = cli("plot", "--kind", "trace", "--trial", 2, "-o", "trace.svg")
        assert answer.code == 0, answer.err
        assert "digits-quickstart/2" in Path("trace.svg").read_text()

    @pytest.mark.parametrize("trials", [[], ["--trial", 1, "--trial", 2]])
    def test_one_trial_must_be_named(self, cli, trials):
        words = "--kind trace draws one trial; name it with --trial"
        assert words in cli("plot", "--kind", "trace", *trials).sentence(2)

    def test_the_map_of_what_the_sweep_searches(self, workplace):
        figure = sweep.load().plot_map(size=6, steps=5)
        assert figure.axes[0].get_xlabel().startswith("learning rate")

    def test_the_map_takes_no_options(self, cli):
        assert "--trial does not go with --kind map" in cli("plot", "--kind", "map", "--trial", 1).sentence(2)
