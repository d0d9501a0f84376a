"""Sweeps whose trials are drawn in rounds, and sweeps that are enlarged."""

import pandas as pd
import pytest

import sweep
from sweep.errors import SweepError
from tests.engine_here import training_here
from tests.runner.test_rungs import assert_same, counts, table

FILE = """
name = "{name}"
trials = {trials}
sampler = {sampler}
{more}
[data]
dataset = "digits"
[network]
hidden = [{{ int = [4, 24] }}]
activation = {{ kind = "leaky_relu", alpha = 0.3 }}
weights = "he_normal"
biases = "zeros"
output = "softmax"
[training]
epochs = 7
batch_size = 50
optimizer = {{ kind = "sgd", learning_rate = {{ log_uniform = [0.0005, 0.3] }} }}
loss = "cross_entropy"
"""
SCREENED = '{ kind = "screened", rounds = 3, keep = 0.1 }'


def write(folder, name="rounds", trials=18, sampler=SCREENED, more=""):
    file = folder / f"{name}.toml"
    file.write_text(FILE.format(name=name, trials=trials, sampler=sampler, more=more))
    return file


@pytest.fixture
def here():
    with training_here():
        yield


def rates(results):
    return results.trials()["learning_rate"]


class TestRounds:
    def test_later_rounds_are_drawn_where_the_earlier_ones_were_good(self, here, tmp_path):
        results = sweep.run(write(tmp_path))
        plain = sweep.run(write(tmp_path, "plain", sampler='"random"'))
        assert rates(results)[:6].equals(rates(plain)[:6])
        assert not rates(results)[6:].equals(rates(plain)[6:])
        assert [results.trial(number).round for number in (0, 5, 6, 11, 12, 17)] == [0, 0, 1, 1, 2, 2]
        assert results.trials()["test_accuracy"][6:].median() > plain.trials()["test_accuracy"][6:].median()
        assert (len(results.trials()), results.record.planned_trials) == (18, 18)

    @pytest.mark.parametrize(
        "more", [pytest.param("", marks=pytest.mark.slow, id="plain"), 'stopping = "halving"', "repeats = 2"]
    )
    def test_the_table_does_not_depend_on_the_workers(self, tmp_path, more):
        with training_here():
            expected = table(sweep.run(write(tmp_path, more=more)))
        assert_same(table(sweep.run(write(tmp_path, more=more), db=tmp_path / "b.db", workers=2)), expected)

    def test_a_budget_in_the_middle_and_resuming_give_the_same(self, here, tmp_path):
        expected = table(sweep.run(write(tmp_path)))
        halted = sweep.run(write(tmp_path), db=tmp_path / "b.db", epochs_total=50)
        assert len(halted.trials()) == 12
        assert_same(table(sweep.resume(db=tmp_path / "b.db")), expected)

    def test_a_round_of_only_diverged_trials_is_followed_by_plain_draws(self, here, tmp_path):
        results = sweep.run(write(tmp_path), overrides=["learning_rate={uniform=[1e20, 1e21]}"])
        assert counts(results) == {"diverged": 18}

    def test_a_minimised_metric(self, here, tmp_path):
        results = sweep.run(write(tmp_path, more='objective = { metric = "test_loss" }'))
        losses = results.trials()["test_loss"]
        assert losses[6:].median() < losses[:6].median()


class TestEnlarging:
    @pytest.mark.parametrize("sampler", ['"random"', '"sobol"', '"halton"'])
    def test_the_trials_are_those_of_a_larger_sweep(self, here, tmp_path, sampler):
        whole = sweep.run(write(tmp_path, "whole", 8, sampler))
        sweep.run(write(tmp_path, "grown", 5, sampler))
        grown = sweep.enlarge(8, name="grown")
        columns = ["status", "test_loss", "learning_rate", "hidden[0]"]
        columns = [name for name in columns if name in whole.trials()]
        pd.testing.assert_frame_equal(grown.trials()[columns], whole.trials()[columns], check_exact=True)
        assert grown.record.trials == 8

    def test_what_was_there_stays_and_halving_compares_the_new_ones_with_each_other(self, here, tmp_path):
        first = sweep.run(write(tmp_path, "halved", 6, '"random"', 'stopping = "halving"'))
        before = table(first)
        grown = sweep.enlarge(12)
        after = table(grown)
        pd.testing.assert_frame_equal(after[0][:6], before[0], check_exact=True)
        assert [each for each in after[2] if each.trial < 6] == before[2]
        assert {grown.trial(number).round for number in range(6, 12)} == {1}
        assert 1 <= grown.trials()["status"][6:].eq("completed").sum() <= 2

    def test_rounds_are_followed_by_another_one(self, here, tmp_path):
        first = sweep.run(write(tmp_path))
        before = table(first)
        grown = sweep.enlarge(24)
        pd.testing.assert_frame_equal(table(grown)[0][:18], before[0], check_exact=True)
        assert {grown.trial(number).round for number in range(18, 24)} == {3}

    @pytest.mark.parametrize(
        ("sampler", "trials", "said"),
        [
            ('"latin_hypercube"', 4, "depend on how many there are"),
            ('{ kind = "grid", levels = 2 }', 4, "has all trials that its sampler, 'grid', lists"),
            ('"random"', 4, "has 4 configurations already; ask for more"),
        ],
    )
    def test_what_cannot_be_enlarged_is_refused(self, here, tmp_path, sampler, trials, said):
        sweep.run(write(tmp_path, "fixed", trials, sampler))
        with pytest.raises(SweepError, match=said):
            sweep.enlarge(9 if "already" not in said else 4)
        assert len(sweep.load().trials()) == 4
