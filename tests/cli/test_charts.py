"""Tests of the charts that commands draw."""

from pathlib import Path

import pytest

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
