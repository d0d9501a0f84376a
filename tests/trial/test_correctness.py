"""Which examples a trial has right: kept for classifiers ranked by an accuracy, of the epoch that stands for it."""

import numpy as np
import pytest

import sweep
from sweep.checks.again import stored_trainer
from sweep.errors import SweepError
from sweep.observer import Silent
from sweep.runner.prepare import prepare_again
from tests.engine_here import training_here

FILE = """
name = "toy"
trials = 3
[data]
dataset = "digits"
normalization = "min_max"
{data}
[network]
hidden = [8]
[training]
epochs = 4
batch_size = 50
optimizer = {{ kind = "sgd", learning_rate = {{ choice = [0.05, 0.4, 1e9] }} }}
[objective]
{objective}
"""


def run(folder, objective="", data=""):
    file = folder / "toy.toml"
    file.write_text(FILE.format(objective=objective, data=data))
    with training_here():
        return sweep.run(file)


def trained(results, number):
    """Train a trial again; return which examples of each part are right after each epoch."""
    row = results.trial(number)
    trainer = stored_trainer(results.record, row, results.store, prepare_again(results.record, None, Silent()))
    found = []
    for _ in trainer.epochs():
        found.append(
            {part: trainer.correct(part).copy() for part in ("test", "validation") if part in trainer.dataset.parts}
        )
        if len(found) > row.last_epoch:
            break
    return found


@pytest.mark.parametrize(
    ("objective", "data", "part"),
    [
        ("", "", "test"),
        ('epoch = "last"', "", "test"),
        ("", "validation = 0.2", "validation"),
        ('metric = "test_accuracy"', "validation = 0.2", "test"),
    ],
)
def test_it_is_that_of_the_epoch_that_stands_for_the_trial(tmp_path, objective, data, part):
    results = run(tmp_path, objective, data)
    kept = results.store.correctness(results.record.id)
    assert sorted(kept) == [0, 1, 2]
    for number, correct in kept.items():
        row = results.trial(number)
        np.testing.assert_array_equal(correct, trained(results, number)[row.best_epoch][part])
        assert correct.mean() == row.best_value
        assert (results.correctness(number) == correct).all()


@pytest.mark.parametrize("metric", ["test_loss", "train_accuracy"])
def test_of_other_objectives_nothing_is_kept(tmp_path, metric):
    results = run(tmp_path, f'metric = "{metric}"')
    assert results.store.correctness(results.record.id) == {}
    assert "ranks" not in results.best()
    with pytest.raises(SweepError, match="which examples toy/0 has right is not known"):
        results.correctness(0)


def test_what_a_trial_has_taken_over_is_that_of_its_own_objective(tmp_path):
    first = run(tmp_path)
    again = tmp_path / "again.toml"
    for metric, is_kept in (("test_accuracy", True), ("test_loss", False)):
        text = FILE.format(objective=f'metric = "{metric}"', data="").replace('"toy"', f'"{metric}"', 1)
        again.write_text(f'start_from = "toy"\n{text}')
        with training_here():
            taken = sweep.run(again)
        assert taken.trial(0).taken_from == "toy/0"
        kept = taken.store.correctness(taken.record.id)
        assert sorted(kept) == ([0, 1, 2] if is_kept else [])
        for number, correct in kept.items():
            np.testing.assert_array_equal(correct, first.correctness(number))
