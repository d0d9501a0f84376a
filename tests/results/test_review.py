"""What verdicts look at is what the leaderboard and the epochs of a sweep say."""

import numpy as np
import pytest

import sweep
from sweep.results.difference import difference
from sweep.results.review import tables_of

pytestmark = pytest.mark.usefixtures("here")


def trained(*overrides, trials=6):
    return sweep.run("digits-quickstart", trials=trials, overrides=["epochs=4", *overrides])


def test_trials_have_the_ranks_of_the_leaderboard():
    results = trained(trials=8)
    tables = tables_of(results)
    assert tables.ranked["trial"].tolist() == results.best(None)["trial"].tolist()
    assert tables.ranked["value"].tolist() == results.best(None)["test_accuracy"].tolist()
    assert tables.ranked["tie"].tolist() == results.best(None)["test_loss"].tolist()
    assert tables.trials["diverged"].tolist() == (results.trials()["status"] == "diverged").tolist()
    assert (tables.trials["planned"] == 4).all()


def test_curves_are_the_epochs_after_the_first_step():
    results = trained()
    tables, number = tables_of(results), results.best_trials(1)[0]
    epochs = results.epochs(number).query("epoch >= 1")
    assert tables.curve(number).tolist() == epochs["test_accuracy"].tolist()
    assert tables.curve(number, "loss").tolist() == (-epochs["test_loss"]).tolist()


def test_examples_are_those_of_the_test_part_and_of_two_trials_it_is_known_which_are_right():
    results = trained()
    tables = tables_of(results)
    assert tables.examples == 450
    best = results.best(2)
    shares = [float(tables.correct[number].mean()) for number in best["trial"]]
    assert shares == pytest.approx(best["test_accuracy"].tolist())


def test_repeats_are_one_row_with_their_mean_and_deviation():
    results = trained("repeats=2", trials=4)
    tables, best = tables_of(results), results.best(None)
    assert tables.ranked["value"].tolist() == pytest.approx(best["test_accuracy"].tolist())
    assert (tables.ranked["deviation"] / np.sqrt(2)).tolist() == pytest.approx(best["standard_error"].tolist())
    first = int(tables.ranked["trial"][0])
    both = [results.epochs(number).query("epoch >= 1")["test_accuracy"].to_numpy() for number in (first, first + 1)]
    assert tables.curve(first).tolist() == pytest.approx(np.mean(both, axis=0).tolist())
    assert not tables.correct


def test_trainings_with_other_seeds_are_by_the_trial_that_they_repeat():
    results = trained()
    chosen = results.best_trials(2)
    sweep.reseed(chosen, seeds=2)
    again = sweep.load(f"{results.name}.seeds")
    tables = tables_of(results)
    assert sorted(tables.again["trial"]) == sorted(np.repeat(chosen, 2))
    assert sorted(tables.again["value"]) == sorted(again.trials()["test_accuracy"])


def test_a_trial_made_from_another_parts_from_it_where_its_seeds_begin():
    results = trained()
    number = results.best_trials(1)[0]
    sweep.reseed([number], seeds=1)
    again = sweep.load(f"{results.name}.seeds")
    table, parting = difference(results, number, again, 0)
    assert set(table["of"]) == {"parameter", "seed", "end", "epoch", "parting"}
    assert table.loc[table["of"] == "parameter", "name"].tolist() == ["parent", "seed"]
    assert parting.same is None
